"""`python -m sabal` is `sabal`."""

from sabal.cli import main

main()
