"""The first start of a server: other users cannot read the files that it makes, even for a moment."""

import os
import subprocess
import sys
import time
from pathlib import Path

from sabal.settings import DEV_SWITCH


def test_new_files_are_private_from_the_first_moment(tmp_path: Path) -> None:
    """The files are watched while `sabal prepare` runs, in an open folder and with an open umask."""
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "sabal", "prepare"],
        env=environment | {"SABAL_DATA": str(data), DEV_SWITCH: "1"},
        stdout=subprocess.DEVNULL,
        umask=0,
    )
    seen: set[tuple[str, int]] = set()
    while process.poll() is None:
        for entry in os.scandir(data):
            try:
                seen.add((entry.name, entry.stat().st_mode & 0o777))
            except FileNotFoundError:
                continue  # a draft that was renamed
        time.sleep(0.002)
    assert process.returncode == 0
    assert {"sabal.sqlite3", "sabal.sqlite3-wal", "sabal.sqlite3-shm", "server.key"} <= {
        name for name, _ in seen
    }
    assert {mode for _, mode in seen} == {0o600}
