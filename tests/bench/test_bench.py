"""The benchmark runs and says what it found: a smoke test, no number of it is held against a target."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("wrk") is None, reason="NO WRK: the benchmark is not tried (Debian: apt install wrk)"
)
def test_measures_the_page_and_its_weight() -> None:
    done = bench("--quick", "page", "weight")
    assert done.returncode == 0, done.stderr
    assert re.search(r"GET petition page: [\d,]+/s .*http [\d,]+; ratio \d\.\d\d", done.stdout)
    assert re.search(r"petition page, compressed: \d+\.\d kB, 1 request", done.stdout)


def test_an_unknown_name_is_refused() -> None:
    done = bench("speed")
    assert done.returncode == 2
    assert "there is no speed" in done.stderr


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
