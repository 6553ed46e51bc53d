"""The first start of a server: other users cannot read the files that it makes, even for a moment."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from front.live import free_port
from sabal.settings import DEV_SWITCH
from served import Served


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


@pytest.mark.slow
def test_commands_know_the_address_of_the_last_start(tmp_path: Path) -> None:
    """They are typed in another shell, without the server's environment."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")} | {
        "SABAL_DATA": str(tmp_path)
    }

    def run(*words: str, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "sabal", *words], env=environment | more,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    served = Served(f"http://127.0.0.1:{free_port()}", tmp_path, environment)
    served.start()
    served.stop()
    for address, more in (
        (served.base, {}),
        ("https://p.example", {"SABAL_BASE_URL": "https://p.example"}),
    ):
        assert f"{address}/stop-forced-repatriation/log/" in run(
            "witnesses", "stop-forced-repatriation", **more
        )
        exported = run("newsletter", "export", "--out", str(tmp_path / "list.csv"), "--force", **more)
        assert (f"The unsubscribe links lead to {served.base}" in exported) == (not more)
        run("pause", "stop-forced-repatriation", **more)
        run("export", "stop-forced-repatriation", "--to", str(tmp_path), "--force", **more)
        run("import", str(tmp_path / "stop-forced-repatriation"), **more)
        published = run("publish", "stop-forced-repatriation", **more)
        assert f"{address}/en/stop-forced-repatriation\n" in published, published
    (tmp_path / "served-at").write_text("nonsense")
    assert "http://127.0.0.1:8000/" in run("witnesses", "stop-forced-repatriation")
