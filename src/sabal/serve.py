"""Run a server on one machine: the public process (granian, by default one granian worker a core) and the worker.

Both are children that end when this process ends, however it ends. Granian's master restarts its own workers. This
process restarts the worker process, with longer delays if it keeps dying.
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
WORKER_KILL = 15  # seconds that granian gives its workers to finish open requests
STOP_WITHIN = 20.0  # seconds until children that still run are killed
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
STEADY = 60.0  # seconds of life after which the delay starts at FIRST_DELAY again

logger = logging.getLogger("sabal.serve")


def serve(*, dev: bool, host: str, port: int, workers: int, with_worker: bool) -> int:
    """Run the server until SIGTERM or SIGINT, then let it finish open requests. Call this in the main thread.

    Return the exit code: 0 after a signal, 1 if the public process ended by itself (it cannot start), 2 if the address
    cannot be listened on.
    """
    trouble = cannot_listen(host, port)
    if trouble is not None:
        sys.stderr.write(f"{trouble}\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Set the event in a thread: the main one may hold the event's own lock while it waits.
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
    """Return a sentence that says why this address cannot be listened on; None if it can.

    Check this before granian starts, as granian shares its port (SO_REUSEPORT): a second server on the same port would
    start silently, and each would get some of the other's requests.
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
    """Return the command for granian, with capacity for idle connections, with time limits, without access log."""
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
        # With the default of 1,024 connections, which counts idle ones, anybody could block the server.
        *("--backlog", "4096", "--backpressure", "20000"),
        *("--http1-header-read-timeout", "5000", "--http1-buffer-size", "16384"),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(WORKER_KILL)),
        *("--no-access-log", "--log-level", "warning"),
        "sabal.asgi:application",
    ]


def environ(given: Mapping[str, str], *, dev: bool, workers: int) -> dict[str, str]:
    """Return the children's environment: ours without the GRANIAN_… settings, which could enable an access log."""
    result = {name: value for name, value in given.items() if not name.startswith("GRANIAN_")}
    result["GRANIAN_WORKERS"] = str(workers)  # asgi.py divides its limits by it
    if dev:
        result[settings.DEV_SWITCH] = "1"
    return result


@dataclass(slots=True)
class Child:
    """One process that is restarted if it ends."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = field(default=FIRST_DELAY)
    again_at: float | None = None

    def start(self) -> None:
        """Start it in its own process group, so that Ctrl-C reaches only this process, which then ends it in order."""
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
        """Restart it if it has died, after a delay that doubles each time it dies within `STEADY` seconds."""
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
        """Send the signal to the process; send SIGKILL to its whole group, so that its own children end too."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(self.process.pid, number)
            elif self.running():
                self.process.send_signal(number)


def end(children: Sequence[Child], within: float) -> None:
    """End the children: send SIGTERM, and kill those that have not ended in time."""
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
    """Return a function that a child runs before its command: it requests SIGTERM when `parent` dies (Linux)."""
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def ask() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died before our request
            os._exit(1)

    return ask
