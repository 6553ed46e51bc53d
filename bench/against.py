"""Compare signing with an older commit: the same measurements, alternating between both."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.server import ROOT
from bench.stage import Stage
from bench.table import Line

BASELINE = (
    "c683294"  # the first commit with the packages and the options of `serve` that the measurements use today
)
KINDS = {"sign": "POST sign, by itself", "confirm": "POST confirm", "journeys": "journeys"}


class NoSuchCommit(Exception):
    """There is no commit to compare with. The sentence says why."""


def against(stage: Stage, commit: str = "") -> list[Line]:
    """Compare signing and confirming with that commit, by default with BASELINE."""
    commit = commit or BASELINE
    stage.stop()
    try:
        with worktree(commit, stage.folder / "older") as older:
            runs = [_both(stage, older, turn) for turn in range(stage.plan.runs)]
    except NoSuchCommit as reason:
        return [
            Line(f"{what} against {commit}", "≥ 0.85", "not compared", str(reason)) for what in KINDS.values()
        ]
    lines = []
    for kind, what in KINDS.items():
        before, now = (median(r[i][kind] for r in runs) for i in range(2))
        ratio = median(r[1][kind] / r[0][kind] for r in runs)
        beside = f"{before:,.0f} → {now:,.0f}/s, in turn"
        lines.append(Line(f"{what} against {commit}", "≥ 0.85", f"{ratio:.2f}", beside, ratio >= 0.85))
    return lines


@contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    """Check that commit out into a folder for the length of a `with`. Raise NoSuchCommit."""
    try:
        _git("cat-file", "-e", f"{commit}^{{commit}}")
    except (OSError, subprocess.CalledProcessError):
        raise NoSuchCommit(f"NO COMMIT {commit} HERE: this needs a git checkout that has it") from None
    _git("worktree", "add", "--detach", str(folder), commit)
    try:
        yield folder
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _both(stage: Stage, older: Path, turn: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the rates of the older code and of this code. Each is first equally often."""
    trees = (older, ROOT) if turn % 2 else (ROOT, older)
    found = {tree: _measured(stage, tree) for tree in trees}
    return found[older], found[ROOT]


def _measured(stage: Stage, tree: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.once", stage.workspace.vendor, str(stage.plan.seconds)],
        env=os.environ | {"PYTHONPATH": f"{tree / 'src'}{os.pathsep}{ROOT}"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-600:])
    found = json.loads(done.stdout.splitlines()[-1])
    if not Path(found.pop("of")).is_relative_to(tree / "src"):
        raise RuntimeError(f"another code than that of {tree} was measured")
    return {kind: float(rate) for kind, rate in found.items()}


def _git(*what: str) -> None:
    subprocess.run(["git", *what], cwd=ROOT, check=True, stdin=subprocess.DEVNULL, capture_output=True)
