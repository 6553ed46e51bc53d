"""The drill, for the tests of adopting."""

from pathlib import Path

import pytest

from houses import HouseOfTests
from operating.drill import Drill


@pytest.fixture
def drill(
    house: HouseOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Drill:
    return Drill(house, tmp_path, request, monkeypatch)
