"""A smoke test of the benchmark: it runs and prints its measurements. No number is compared with a target.

It is not in the default run, as it takes minutes and needs the machine for itself: `script/test -m bench`.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench
ROOT = Path(__file__).parents[2]

needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None, reason="NO WRK: the benchmark is not tried (Debian: apt install wrk)"
)


@needs_wrk
def test_it_measures_the_page_and_its_weight() -> None:
    done = bench("--quick", "page", "weight")
    assert done.returncode == 0, done.stderr
    assert re.search(r"GET petition page: [\d,]+/s .*http [\d,]+; ratio \d\.\d\d", done.stdout)
    assert re.search(r"petition page, compressed: \d+\.\d kB, 1 request", done.stdout)


@needs_wrk
def test_it_measures_the_public_log() -> None:
    done = bench("--quick", "sequencing", "verification", "proof", "tiles", "flood")
    assert done.returncode == 0, done.stderr
    assert re.search(r"sequencing 5,000 signatures.*: [\d,]+/s .*database \d+%, tiles \d+%", done.stdout)
    assert re.search(r"verification, 20,000 entries, one core: [\d,]+/s .*bare hashing [\d,]+", done.stdout)
    assert re.search(r"proof of inclusion in 20,000 entries, median: \d+\.\d\d ms", done.stdout)
    assert re.search(r"GET tiles of the log, 78 in turn: [\d,]+/s .*8,192 bytes [\d,]+; ratio", done.stdout)
    assert re.search(r"sign at 200/s offered, beside [\d,]+/s of tiles: median .*alone: median", done.stdout)


@needs_wrk
def test_an_unknown_commit_is_reported_and_not_measured() -> None:
    done = bench("--quick", "--against", "0123456789abcdef")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("not compared") == 3
    assert "POST sign, by itself against 0123456789abcdef: not compared" in done.stdout


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
