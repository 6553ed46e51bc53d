"""The fixture of the tests of adopting."""

from pathlib import Path

import pytest

from operating.drill import Drill
from sites import SiteOfTests


@pytest.fixture
def drill(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Drill:
    return Drill(site, tmp_path, request, monkeypatch)
