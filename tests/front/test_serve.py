"""`sabal serve` restarts children that die, and ends them when it ends."""

import contextlib
import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import granian.cli
import psutil
import pytest

from front.live import ROOT, Live, all_children, free_port, wait_until_well
from sabal import locks
from sabal.asgi import SEND_BUFFER
from sabal.refusal import Refusal
from sabal.run_folder import run_folder
from sabal.serve import (
    FIRST_DELAY,
    LONGEST_DELAY,
    STEADY,
    Child,
    Processes,
    cannot_listen,
    end,
    environ,
    public_command,
)
from served import SLUG

pytestmark = pytest.mark.slow  # each test starts a server

# ---- the parts ----


def test_granian_knows_every_option_that_serve_passes() -> None:
    known = {
        option
        for parameter in granian.cli.cli.params
        for option in [*parameter.opts, *parameter.secondary_opts]
    }
    command = public_command("127.0.0.1", 8_000)
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
    # Another program may use this port for a moment.
    wait_for(lambda: cannot_listen("127.0.0.1", port) is None, 10)
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
            [sys.executable, "-m", "sabal", "serve", "--dev", "--port", str(port), "--no-desk"],
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
        [
            sys.executable,
            "-m",
            "sabal",
            "serve",
            "--dev",
            "--port",
            str(site.port),
            "--no-worker",
            "--no-desk",
        ],
        env=environment,
        capture_output=True,
        timeout=60,
    )
    assert second.returncode == 2 and b"is in use" in second.stderr


def another(folder: Path, *more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a second server on the data folder of the first, on another port, until it refuses."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SABAL_")}
    environment |= {"SABAL_DATA": str(folder / "var"), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "sabal", "serve", "--dev", "--port", str(free_port()), *more]
    return subprocess.run(command, env=environment, capture_output=True, timeout=60)


def test_a_second_server_on_the_same_data_folder_is_refused(site: Live, tmp_path: Path) -> None:
    second = another(tmp_path)
    assert second.returncode == 2 and b"Another server runs on the data folder" in second.stderr, second
    assert f"(process {site.process.pid})".encode() in second.stderr and b"SABAL_DATA" in second.stderr
    assert b"200" in site.get("/healthz")[:20]


def test_a_killed_server_leaves_nothing_that_the_next_one_keeps(site: Live, tmp_path: Path) -> None:
    folder, temporary = tmp_path / "var" / "run", tmp_path / "temporary"
    temporary.mkdir()
    wait_for((folder / "0").exists, 20)
    assert folder.stat().st_mode & 0o777 == 0o700
    processes = below(site)
    site.process.kill()
    site.process.wait()
    assert not psutil.wait_procs(processes, timeout=20)[1]
    left = {path.name for path in folder.iterdir()}
    assert left > {"lock"}  # it had no time to delete them
    (folder / "77").touch()  # of a longer life
    (folder / "old").mkdir()
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SABAL_")}
    environment |= {"SABAL_DATA": str(tmp_path / "var"), "PYTHONPATH": str(ROOT / "src")}
    environment["TMPDIR"] = str(temporary)
    process = subprocess.Popen(
        [sys.executable, "-m", "sabal", "serve", "--dev", "--port", str(port)], env=environment, cwd=tmp_path
    )
    try:
        wait_until_well(Live(port, process), within=60)
        wait_for((folder / "0").exists, 20)
        files = {path.name for path in folder.iterdir()}
        assert {name for name in files if not name.startswith("surges-")} == {"lock", "0"}
        assert files & left <= {"lock", "0"}
        assert not list(temporary.glob("sabal-*"))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)
    assert [path.name for path in folder.iterdir()] == ["lock"]


def test_where_no_lock_can_be_had_the_server_says_so_and_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").write_text("a file is in the way")
    with run_folder(tmp_path) as folder:
        assert folder.is_dir() and folder.parent != tmp_path
    assert not folder.exists() and "temporary folder" in caplog.text

    def no_locks(*_: object) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    (tmp_path / "run").unlink()
    monkeypatch.setattr(locks, "take", no_locks)
    with run_folder(tmp_path) as folder:
        assert folder.is_dir() and folder != tmp_path / "run"
    assert os.strerror(errno.ENOLCK) in caplog.text


def test_a_data_folder_with_a_long_path_works(tmp_path: Path) -> None:
    data = tmp_path.joinpath(*["a-long-name-of-a-folder"] * 9)
    data.mkdir(parents=True)
    with run_folder(data) as folder:
        assert folder == data / "run" and len(str(folder)) > 200
        with pytest.raises(Refusal, match="Another server"), run_folder(data):
            pass
    with run_folder(data) as again:
        assert again == folder


# ---- handing over, and processes that die ----


def public(site: Live) -> list[psutil.Process]:
    """Return the granian masters, one for each public process."""
    found = []
    for child in psutil.Process(site.process.pid).children():
        try:
            found += [child] if "granian" in child.cmdline() else []
        except (psutil.ZombieProcess, psutil.NoSuchProcess):
            continue
    return found


def serving(master: psutil.Process) -> psutil.Process | None:
    """Return the process below a master that answers requests; None while there is none."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return next(iter(master.children()), None)
    return None


class Visitors:
    """Ask for a page again and again from several threads, and note what failed."""

    def __init__(self, port: int, count: int = 4) -> None:
        self.port, self.answered, self.failed = port, 0, []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(count)]

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _visit(self) -> None:
        while not self._over.is_set():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/en", timeout=20) as answer:
                    assert answer.read()
                self.answered += 1
            except OSError as error:
                self.failed.append(error)
            time.sleep(0.005)


def test_a_reload_loses_at_most_one_connection_of_each_old_process(site: Live, tmp_path: Path) -> None:
    old, old_worker = {master.pid for master in public(site)}, worker(site)
    with Visitors(site.port) as visitors:
        time.sleep(1)
        site.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "taken over" in (tmp_path / "output").read_text(), 60)
        wait_for(lambda: not old & {master.pid for master in public(site)}, 30)
        time.sleep(1)
    # A granian that is told to end closes a connection which it has accepted but from which it has read nothing yet: at
    # most one of each old process is met here, seldom, on a busy machine.
    assert visitors.answered > 100 and len(visitors.failed) <= len(old), visitors.failed
    assert all(isinstance(error, RemoteDisconnected) for error in visitors.failed), visitors.failed
    assert len(public(site)) == len(old)
    wait_for(lambda: worker(site) not in (None, old_worker), 10)


@pytest.mark.skipif(shutil.which("ss") is None, reason="no ss here: it shows the buffers of others' sockets")
def test_slow_readers_are_bounded_from_the_first_connection_on(site: Live, tmp_path: Path) -> None:
    """Also of the processes that a reload starts, however long their start takes."""
    assert buffers_of_new_connections(site.port) == {2 * SEND_BUFFER}  # the kernel doubles it
    site.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "taken over" in (tmp_path / "output").read_text(), 60)
    assert buffers_of_new_connections(site.port) == {2 * SEND_BUFFER}


def buffers_of_new_connections(port: int) -> set[int]:
    """Return the most bytes that the server's kernel keeps for each of many connections that were just opened."""
    found: set[int] = set()
    for _ in range(16):  # each process that serves gets some
        with socket.create_connection(("127.0.0.1", port), 10) as visitor:
            visitor.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert visitor.recv(4_096)
            of_visitor = f"( sport = :{port} and dport = :{visitor.getsockname()[1]} )"
            said = subprocess.run(["ss", "-tmnH", of_visitor], capture_output=True, text=True, check=True)
            found |= {int(size) for size in re.findall(r"\btb(\d+)", said.stdout)}
    return found


def test_a_reload_without_a_database_keeps_the_processes_that_have_the_pages(
    site: Live, tmp_path: Path
) -> None:
    page, database = f"http://127.0.0.1:{site.port}/en/{SLUG}", tmp_path / "var" / "sabal.sqlite3"
    old = {master.pid for master in public(site)}
    urllib.request.urlopen(page, timeout=20).close()
    database.rename(tmp_path / "elsewhere")
    database.mkdir()
    site.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 60
    while "the old ones continue" not in (tmp_path / "output").read_text() and time.monotonic() < deadline:
        urllib.request.urlopen(page, timeout=20).close()  # 404 raises
        time.sleep(0.1)
    assert {master.pid for master in public(site)} == old


def test_a_stop_during_a_reload_is_quick(site: Live) -> None:
    """Processes that are just starting have no request to finish. granian would wait for them for 15 seconds."""
    known = {master.pid for master in public(site)}
    site.process.send_signal(signal.SIGHUP)
    new = wait_for(lambda: [m for m in public(site) if m.pid not in known and serving(m)], 30)
    began = time.monotonic()
    site.process.send_signal(signal.SIGTERM)
    assert site.process.wait(40) == 0
    assert time.monotonic() - began < 10
    assert not psutil.wait_procs(new, timeout=1)[1]


def test_a_reload_before_the_server_serves_does_not_end_it(tmp_path: Path) -> None:
    """It asks for what the start does anyway. By default the signal ends a process; systemd takes that for a wish."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SABAL_")}
    environment |= {"SABAL_DATA": str(tmp_path / "var"), "PYTHONPATH": str(ROOT / "src")}
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "sabal", "serve", "--dev", "--port", str(port), "--no-desk"],
        env=environment,
        cwd=tmp_path,
    )
    try:
        wait_for(lambda: psutil.Process(process.pid).children(), 20)  # it makes the database
        for _ in range(5):
            process.send_signal(signal.SIGHUP)
            time.sleep(0.2)
        wait_until_well(Live(port, process), within=60)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


STARTS = "import os, pathlib, time; pathlib.Path(os.environ['SABAL_INTERNAL_READY']).touch(); time.sleep(60)"


@pytest.mark.parametrize("ends_with", [0, 1])
def test_a_reload_that_cannot_start_changes_nothing(tmp_path: Path, ends_with: int) -> None:
    """The new processes find a damaged program; the old ones continue."""
    command = [sys.executable, "-c", STARTS]
    processes = Processes(command, dict(os.environ), 2, tmp_path)
    processes.start(with_worker=False)
    try:
        wait_for(lambda: all(child.is_ready() for child in processes.public), 20)
        old = list(processes.public)
        command[:] = [sys.executable, "-c", f"raise SystemExit({ends_with})"]
        processes.hand_over(threading.Event())
        assert processes.public == old and all(child.running() for child in old) and processes.serves()
    finally:
        end(processes.all(), within=5)


def test_a_process_that_dies_right_after_its_start_does_not_end_the_server(tmp_path: Path) -> None:
    processes = Processes([sys.executable, "-c", STARTS], dict(os.environ), 1, tmp_path)
    processes.start(with_worker=False)
    try:
        (child,) = processes.public
        wait_for(child.is_ready, 20)
        child.signal(signal.SIGKILL)
        wait_for(lambda: not child.running(), 20)
        assert processes.serves()
    finally:
        end(processes.all(), within=5)


def test_a_server_that_can_never_start_ends(tmp_path: Path) -> None:
    processes = Processes([sys.executable, "-c", "raise SystemExit(1)"], dict(os.environ), 1, tmp_path)
    processes.start(with_worker=False)
    wait_for(lambda: not processes.serves(), 20)


def test_public_processes_that_are_killed_are_replaced_again_and_again(site: Live) -> None:
    others = [master.pid for master in public(site)[1:]]
    for _ in range(3):
        victim = wait_for(lambda: next(filter(None, map(serving, public(site))), None), 30)
        victim.kill()
        psutil.wait_procs([victim], 5)
    wait_until_well(site, within=60)
    assert site.process.poll() is None
    assert not others or set(others) & {master.pid for master in public(site)}


def wait_for(found: Callable[[], Any], within: float) -> Any:
    """Return what `found` returns as soon as it is true."""
    deadline = time.monotonic() + within
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return result
