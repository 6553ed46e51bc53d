"""The process that typesets is locked in: no network, no files, no more time and memory than it was given."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sabal.dossier import compiler, typesetting
from sabal.dossier.languages import font_folders
from sabal.dossier.paper import Paper
from sabal.refusal import Refusal

HEAD = '#set document(title: "x", date: datetime(year: 2026, month: 1, day: 1))\n'


def run(source: str, tmp_path: Path, **changes: Any) -> subprocess.CompletedProcess[bytes]:
    request = {
        "source": HEAD + source,
        "data": "{}",
        "format": "pdf",
        "exact": False,
        "root": str(tmp_path),
        "fonts": font_folders(),
        "cpu_seconds": 5,
        "memory": typesetting.MEMORY,
    } | changes
    command = [sys.executable, "-I", compiler.__file__]
    environment = {"RAYON_NUM_THREADS": "1"}
    return subprocess.run(
        command, input=json.dumps(request).encode(), capture_output=True, env=environment, timeout=60
    )


def test_a_plain_paper_is_made(tmp_path: Path) -> None:
    assert run("= x\nword", tmp_path).stdout.startswith(b"%PDF-1.7")


@pytest.mark.parametrize(
    "source",
    [
        '#import "@preview/cetz:0.3.0": canvas',  # a package of the network
        '#read("/etc/passwd")',
        '#read("../../../../etc/passwd")',
        '#image("/etc/hostname")',
    ],
)
def test_nothing_is_read_from_outside(tmp_path: Path, source: str) -> None:
    done = run(source, tmp_path)
    assert done.returncode and not done.stdout and b"root:" not in done.stderr


def test_time_is_limited(tmp_path: Path) -> None:
    started = time.monotonic()
    source = "#{ let n = 0; for a in range(90000) { for b in range(90000) { n += calc.rem(a + b, 7) } }; n }"
    done = run(source, tmp_path, cpu_seconds=2)
    assert done.returncode and not done.stdout
    assert time.monotonic() - started < 30


def test_memory_is_limited(tmp_path: Path) -> None:
    done = run("#let x = range(90000000)\n#x.len()", tmp_path)
    assert done.returncode and not done.stdout


def test_a_failure_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "source_of", lambda name: "#panic()")
    with pytest.raises(Refusal, match="The PDF could not be made"):
        typesetting.typeset(Paper("letter", {}))


def test_the_process_has_no_network() -> None:
    """Linux lets a process leave the network where user namespaces are allowed; elsewhere this wall is missing."""
    code = (
        "import socket, sys; sys.path.insert(0, sys.argv[1]); import compiler; compiler._leave_network()\n"
        "try: socket.create_connection(('127.0.0.1', int(sys.argv[2])), 2); print('reached')\n"
        "except OSError as error: print(error.strerror)"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        folder = str(Path(compiler.__file__).parent)
        done = subprocess.run(
            [sys.executable, "-c", code, folder, port], capture_output=True, text=True, timeout=20, check=True
        )
    if done.stdout.strip() == "reached":
        pytest.skip("this machine allows no user namespaces")
    assert done.stdout.strip() == "Network is unreachable"
