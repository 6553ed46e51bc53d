"""Fixtures: a mirror of a log, and a web server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from checking.verdicts import LONG
from checking.web import Web, web
from sabal.checking import web as over_http


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr(over_http, "PAUSES", (0.0, 0.0))
    with web() as one:
        yield one


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return LONG.write_tiles(tmp_path / "mirror")
