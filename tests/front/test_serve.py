"""`sabal serve` restarts children that die, and ends them when it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import granian.cli
import psutil
import pytest

from front.live import ROOT, Live, all_children, free_port, wait_until_well
from sabal.serve import FIRST_DELAY, LONGEST_DELAY, STEADY, Child, cannot_listen, end, environ, public_command

pytestmark = pytest.mark.slow  # each test starts a server

# ---- the parts ----


def test_granian_knows_every_option_that_serve_passes() -> None:
    known = {
        option
        for parameter in granian.cli.cli.params
        for option in [*parameter.opts, *parameter.secondary_opts]
    }
    command = public_command("127.0.0.1", 8_000, 2)
    assert {word for word in command[3:] if word.startswith("--")} <= known
    assert command[-1] == "sabal.asgi:application"


def test_the_environment_cannot_turn_on_an_access_log() -> None:
    made = environ({"GRANIAN_LOG_ACCESS_ENABLED": "1", "PATH": "/bin"}, dev=True, workers=3)
    assert made == {"PATH": "/bin", "GRANIAN_WORKERS": "3", "SABAL_INTERNAL_DEV": "1"}
    assert "SABAL_INTERNAL_DEV" not in environ({}, dev=False, workers=1)


def test_a_child_that_keeps_dying_is_restarted_with_growing_delays() -> None:
    child = Child("worker", [sys.executable, "-c", ""], dict(os.environ))
    child.start()
    assert child.process
    now, waits = time.monotonic(), []
    for _ in range(9):
        child.process.wait(10)
        child.started = now
        child.keep(now)
        assert child.again_at is not None
        waits.append(child.again_at - now)
        child.keep(child.again_at - 0.01)
        before = child.process.pid
        now = child.again_at
        child.keep(now)
        assert child.process.pid != before
    assert waits == [pytest.approx(min(FIRST_DELAY * 2**n, LONGEST_DELAY)) for n in range(9)]
    child.process.wait(10)
    child.started = now
    child.keep(now + STEADY)
    assert child.again_at == pytest.approx(now + STEADY + FIRST_DELAY)


def test_a_child_that_ignores_sigterm_is_killed_with_its_children() -> None:
    stubborn = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    )
    child = Child("worker", [sys.executable, "-c", stubborn], dict(os.environ))
    child.start()
    assert child.process
    deadline = time.monotonic() + 10
    while not all_children(child.process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    below = [psutil.Process(pid) for pid in all_children(child.process.pid)]
    assert below
    began = time.monotonic()
    end([child], within=0.3)
    assert time.monotonic() - began < 5 and child.process.returncode == -signal.SIGKILL
    assert not psutil.wait_procs(below, timeout=5)[1]


def test_an_address_that_cannot_be_used_is_reported() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as granian does
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        assert (cannot_listen("127.0.0.1", port) or "").startswith(f"Port {port} is in use")
    assert cannot_listen("127.0.0.1", port) is None
    assert "--host" in (cannot_listen("192.0.2.1", port) or "")
    assert "--host" in (cannot_listen("no such name", port) or "")


# ---- the whole ----


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Live]:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SABAL_")}
    environment |= {
        "SABAL_DATA": str(tmp_path / "var"),
        "PYTHONPATH": str(ROOT / "src"),
        "GRANIAN_LOG_ACCESS_ENABLED": "1",
    }
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sabal", "serve", "--dev", "--port", str(port)],
            env=environment,
            stdout=output,
            stderr=output,
            cwd=tmp_path,
        )
    running = Live(port, process)
    below: list[int] = []
    try:
        wait_until_well(running, within=60)
        below = all_children(process.pid)
        yield running
    finally:
        for pid in {*below, *all_children(process.pid), process.pid}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


def below(site: Live) -> list[psutil.Process]:
    return psutil.Process(site.process.pid).children(recursive=True)


def worker(site: Live) -> psutil.Process | None:
    for child in below(site):
        try:
            if child.cmdline()[-1:] == ["worker"]:
                return child
        except psutil.ZombieProcess:
            continue  # dead, but not yet waited for
    return None


@pytest.mark.slow
def test_a_server_serves_and_drains(site: Live, tmp_path: Path) -> None:
    local = b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert site.send(b"GET / HTTP/1.1\r\n" + local).startswith(b"HTTP/1.1 302")
    first = worker(site)
    assert first
    first.kill()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and worker(site) in (None, first):
        time.sleep(0.1)
    assert worker(site) not in (None, first)

    processes = below(site)
    site.process.send_signal(signal.SIGTERM)
    assert site.process.wait(25) == 0
    assert not psutil.wait_procs(processes, timeout=1)[1]
    said = (tmp_path / "output").read_text()
    assert "GET /" not in said and "Traceback" not in said


@pytest.mark.slow
def test_the_children_of_a_killed_server_end(site: Live) -> None:
    processes = below(site)
    assert len(processes) >= 3
    site.process.kill()
    site.process.wait()
    assert not psutil.wait_procs(processes, timeout=20)[1]


@pytest.mark.slow
def test_a_port_in_use_ends_the_server(site: Live, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SABAL_")}
    environment |= {"SABAL_DATA": str(tmp_path / "var"), "PYTHONPATH": str(ROOT / "src")}
    second = subprocess.run(
        [sys.executable, "-m", "sabal", "serve", "--dev", "--port", str(site.port), "--no-worker"],
        env=environment,
        capture_output=True,
        timeout=60,
    )
    assert second.returncode == 2 and b"is in use" in second.stderr
