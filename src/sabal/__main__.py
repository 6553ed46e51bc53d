"""Run `sabal` as `python -m sabal`."""

from sabal.cli import main

main()
