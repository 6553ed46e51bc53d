"""The wheel: an installed package runs a server without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sabal.settings import DEV_SWITCH

pytestmark = pytest.mark.slow  # builds a wheel

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that an installer would unpack."""
    pytest.importorskip("hatchling", reason="no hatchling: the wheel cannot be built")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "installed")
    return folder / "installed"


def test_it_contains_the_example_of_the_checkout(installed: Path) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert files(installed / "sabal" / "example") == files(ROOT / "petitions") != {}
    assert {p.name for p in installed.iterdir() if not p.name.endswith(".dist-info")} == {
        "sabal",
        "agefile",
        "tlog",
    }


def test_it_contains_exact_copies_of_the_carried_checkers(installed: Path) -> None:
    carried = Path("sabal", "checking", "carried")
    for name in ("README.txt", "verify.py", "check.html"):
        assert (installed / carried / name).read_bytes() == (ROOT / "src" / carried / name).read_bytes()


def test_a_server_outside_the_checkout_has_the_example(installed: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    environment |= {"PYTHONPATH": str(installed), "SABAL_DATA": str(tmp_path / "data"), DEV_SWITCH: "1"}
    done = subprocess.run(
        [sys.executable, "-m", "sabal", "prepare"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "/en/stop-forced-repatriation" in done.stdout
