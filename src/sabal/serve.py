"""Starts a house on one machine: the public process (granian, a worker per core) and the worker process.

Both are children that end when this process ends, however it ends. The public process's own master starts
dead workers again; here the worker process is started again, more and more slowly if it keeps dying.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

from sabal import settings

PR_SET_PDEATHSIG = 1
WORKER_KILL = 15  # seconds that granian gives its workers to drain
STOP_WITHIN = 20.0  # seconds after which children that still run are killed
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
STEADY = 60.0  # a child that lived this long starts again at once

logger = logging.getLogger("sabal.serve")


def serve(*, dev: bool, host: str, port: int, workers: int, with_worker: bool) -> int:
    """Runs the house until SIGTERM or SIGINT, then drains it; call it in the main thread.

    Gives the exit code: 0 after a signal, 1 where the public process ended by itself (it cannot start), 2
    where the address cannot be listened on.
    """
    trouble = cannot_listen(host, port)
    if trouble is not None:
        sys.stderr.write(f"{trouble}\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # In a thread: the main one may be holding the event's own lock, in the middle of waiting for it.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    environment = environ(os.environ, dev=dev, workers=workers)
    public = Child("public", public_command(host, port, workers), environment)
    children = [public]
    if with_worker:
        children.append(Child("worker", [sys.executable, "-m", "sabal", "worker"], environment))
    for child in children:
        child.start()
    try:
        while not stop.wait(0.2) and public.running():
            for child in children[1:]:
                child.keep(time.monotonic())
        return 0 if stop.is_set() else 1
    finally:
        end(children, STOP_WITHIN)


def cannot_listen(host: str, port: int) -> str | None:
    """Why nobody can listen there, as a sentence; None where one can.

    Asked before granian is, because it shares its port (SO_REUSEPORT): a second house on the same port would
    start without a word, and each would get some of the other's readers.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"Port {port} is in use. End the server that listens there, or choose another port with --port."
        return f"Cannot listen on {host} ({error.strerror}). Give an address of this machine with --host."
    return None


def public_command(host: str, port: int, workers: int) -> list[str]:
    """granian with what its defaults lack: room for idle connections, time limits, no access log."""
    return [
        *(
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "asgi",
            "--http",
            "1",
            "--no-ws",
            "--loop",
            "uvloop" if find_spec("uvloop") else "asyncio",
        ),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        # Its own 1,024 connections, idle ones counted, would let anybody lock the house up.
        *("--backlog", "4096", "--backpressure", "20000"),
        *("--http1-header-read-timeout", "5000", "--http1-buffer-size", "16384"),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(WORKER_KILL)),
        *("--no-access-log", "--log-level", "warning"),
        "sabal.asgi:application",
    ]


def environ(given: Mapping[str, str], *, dev: bool, workers: int) -> dict[str, str]:
    """The children's environment: ours, without GRANIAN_… settings that could switch an access log on."""
    result = {name: value for name, value in given.items() if not name.startswith("GRANIAN_")}
    result["GRANIAN_WORKERS"] = str(workers)  # asgi.py divides its limits by it
    if dev:
        result[settings.DEV_SWITCH] = "1"
    return result


@dataclass(slots=True)
class Child:
    """One process that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = field(default=FIRST_DELAY)
    again_at: float | None = None

    def start(self) -> None:
        """Starts it in a process group of its own: Ctrl-C reaches this process alone, which then drains."""
        self.started, self.again_at = time.monotonic(), None
        self.process = subprocess.Popen(  # noqa: S603 - a command of our own, without a shell
            self.command,
            env=dict(self.environment),
            process_group=0,
            preexec_fn=ending_with(os.getpid()),
        )

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def keep(self, now: float) -> None:
        """Starts it again if it has died, after a delay that doubles each time it dies young."""
        if self.running():
            return
        if self.again_at is None:
            if now - self.started >= STEADY:
                self.delay = FIRST_DELAY
            code = self.process.returncode if self.process else None
            logger.error(
                "the %s process ended (%s); starting it again in %.0f s", self.name, code, self.delay
            )
            self.again_at = now + self.delay
            self.delay = min(2 * self.delay, LONGEST_DELAY)
        elif now >= self.again_at:
            self.start()

    def signal(self, number: signal.Signals) -> None:
        """Sends the signal to the process; SIGKILL to its whole group, so that its own children go too."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(self.process.pid, number)
            elif self.running():
                self.process.send_signal(number)


def end(children: Sequence[Child], within: float) -> None:
    """Ends the children: asks first, and kills what has not ended in time."""
    deadline = time.monotonic() + within
    for child in children:
        child.signal(signal.SIGTERM)
    for child in children:
        if child.process is None:
            continue
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.error("the %s process did not end in time and is killed", child.name)
        child.signal(signal.SIGKILL)
        child.process.wait()


def ending_with(parent: int) -> Callable[[], None]:
    """What a child does before it becomes its command: asks for SIGTERM when ``parent`` dies (Linux)."""
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def ask() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died before we had asked
            os._exit(1)

    return ask
