"""Run a server on one machine: public processes (by default one a core), the worker, and the desk.

Each public process is a granian of its own. They share the port (SO_REUSEPORT), so that one that keeps dying takes none
of the others with it. All are children that end when this process ends, however it ends. This process restarts children
that die, with longer delays if they keep dying.

SIGHUP hands over to new public processes without a gap: they start beside the old ones on the same port, and only when
they serve are the old ones told to finish.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
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
from pathlib import Path
from types import MappingProxyType

from sabal import settings
from sabal.refusal import Refusal
from sabal.run_folder import run_folder

PR_SET_PDEATHSIG = 1
WORKER_KILL = 15  # seconds that granian gives its worker to finish open requests
STOP_WITHIN = 20.0  # seconds until children that still run are killed
READY_WITHIN = 60.0  # seconds that new public processes have to start before the old ones go on without them
FIRST_DELAY, LONGEST_DELAY = 0.2, 60.0
STEADY = 60.0  # seconds of life after which the delay starts at FIRST_DELAY again

logger = logging.getLogger("sabal.serve")


def serve(
    *, dev: bool, host: str, port: int, workers: int, with_worker: bool, desk_port: int | None = None
) -> int:
    """Run the server until SIGTERM or SIGINT, then let it finish open requests. Call this in the main thread.

    Return the exit code: 0 after a signal, 1 if the public processes cannot start, 2 if the address cannot be listened
    on or another server runs on the data folder. `desk_port` None means no desk.
    """
    trouble = cannot_listen(host, port) or (desk_port and cannot_listen("127.0.0.1", desk_port))
    if trouble:
        sys.stderr.write(f"{trouble}\n")
        return 2
    try:
        with run_folder(settings.DATA) as folder:
            environment = environ(os.environ, dev=dev, workers=workers)
            site = Processes(public_command(host, port), environment, workers, folder)
            return _run(site, with_worker, desk_port)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2


def _run(site: Processes, with_worker: bool, desk_port: int | None) -> int:
    stop, reload = threading.Event(), threading.Event()
    for number, event in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, reload)):
        # Set the event in a thread: the main one may hold the event's own lock while it waits.
        signal.signal(number, lambda *_, event=event: threading.Thread(target=event.set).start())
    site.start(with_worker, desk_port)
    try:
        while not stop.wait(0.2):
            if not site.serves():
                return 1
            site.keep(time.monotonic())
            if reload.is_set():
                reload.clear()
                site.hand_over(stop)
        return 0
    finally:
        end(site.all(), STOP_WITHIN)


class Processes:
    """The processes of a server. Call its methods in the main thread: children end when the thread that made them does.

    `folder` is for the files in which public processes say that they have started.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], count: int, folder: Path
    ) -> None:
        self._command, self._environment, self._count, self._folder = command, environment, count, folder
        self._made = itertools.count()
        self._has_served = False
        self.public: list[Child] = []
        self.leaving: list[Child] = []  # told to end by a hand-over, and not waited for yet
        self.single: list[Child] = []  # the worker and the desk

    def start(self, with_worker: bool, desk_port: int | None = None) -> None:
        """Start all processes."""
        self.public = self._start_public()
        if with_worker:
            self.single.append(Child("worker", [sys.executable, "-m", "sabal", "worker"], self._environment))
        if desk_port:
            self.single.append(Child("desk", desk_command(desk_port), desk_environ(self._environment)))
        for child in self.single:
            child.start()

    def all(self) -> list[Child]:
        """Return every child that may run."""
        return [*self.public, *self.single, *self.leaving]

    def serves(self) -> bool:
        """Return False if a public process ended before any has started: the next would end for the same reason."""
        # A process that has started and then died counts too: the next one may live.
        self._has_served = self._has_served or any(child.has_started() for child in self.public)
        return self._has_served or all(child.running() for child in self.public)

    def keep(self, now: float) -> None:
        """Restart what has died."""
        for child in [*self.public, *self.single]:
            child.keep(now)
        self.leaving = [child for child in self.leaving if child.running()]

    def hand_over(self, stop: threading.Event) -> None:
        """Replace the public processes by new ones on the same port, without a gap, and then the worker and the desk.

        If the new ones do not start, or cannot read the database, the old ones continue.
        """
        new = self._start_public({settings.TAKES_OVER: "1"})
        deadline = time.monotonic() + READY_WITHIN
        while not all(child.is_ready() for child in new):
            if stop.wait(0.1) or time.monotonic() > deadline or not all(child.running() for child in new):
                if not stop.is_set():
                    logger.error("the new public processes did not start; the old ones continue")
                end(new, STOP_WITHIN)
                return
        for child in new:
            child.environment = {**child.environment, settings.TAKES_OVER: ""}
        old, self.public = self.public, new
        self.leaving += old
        threading.Thread(target=end, args=(old, STOP_WITHIN), daemon=True).start()
        for child in self.single:
            child.signal(signal.SIGTERM)  # `keep` starts it again
        logger.warning("new public processes have taken over")

    def _start_public(self, more: Mapping[str, str] = MappingProxyType({})) -> list[Child]:
        children = [self._public(more) for _ in range(self._count)]
        for child in children:
            child.start()
        return children

    def _public(self, more: Mapping[str, str]) -> Child:
        ready = self._folder / str(next(self._made))
        environment = {
            **self._environment,
            **more,
            settings.READY_FILE: str(ready),
            "DJANGO_SETTINGS_MODULE": "sabal.settings",
        }
        return Child("public", self._command, environment, ready=ready)


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


def public_command(host: str, port: int, workers: int = 1) -> list[str]:
    """Return the command of a public process: capacity for idle connections, time limits, no access log."""
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
        *("--workers-kill-timeout", str(WORKER_KILL)),
        *("--no-access-log", "--log-level", "warning"),
        "sabal.asgi:application",
    ]


def environ(given: Mapping[str, str], *, dev: bool, workers: int) -> dict[str, str]:
    """Return the children's environment: ours without the GRANIAN_… settings, which could enable an access log.

    Public processes load no table of the desk: they get settings without it, and `desk_environ` the others.
    """
    result = {name: value for name, value in given.items() if not name.startswith("GRANIAN_")}
    result["GRANIAN_WORKERS"] = str(workers)  # asgi.py divides its limits by it
    if dev:
        result[settings.DEV_SWITCH] = "1"
    return result


def desk_command(port: int) -> list[str]:
    """Return the command of the desk: on loopback alone: only a proxy or a person on this machine reaches it."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "4"),
        *("--workers-kill-timeout", str(WORKER_KILL), "--no-access-log", "--log-level", "warning"),
        "sabal.desk.wsgi:application",
    ]


def desk_environ(given: Mapping[str, str]) -> dict[str, str]:
    """Return the desk's environment: without the server key, and without the password of the mail server."""
    kept = {
        name: value
        for name, value in given.items()
        if not name.startswith(("GRANIAN_", "SABAL_SERVER_KEY", "SABAL_MAIL_URL"))
    }
    return {**kept, "DJANGO_SETTINGS_MODULE": "sabal.desk.settings"}


@dataclass(slots=True)
class Child:
    """One process that is restarted if it ends. It makes the file `ready` when it listens, if there is one."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ready: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = field(default=FIRST_DELAY)
    again_at: float | None = None

    def start(self) -> None:
        """Start it in its own process group, so that Ctrl-C reaches only this process, which then ends it in order."""
        self.started, self.again_at = time.monotonic(), None
        if self.ready:
            self.ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(  # noqa: S603 - a command of our own, without a shell
            self.command,
            env=dict(self.environment),
            process_group=0,
            preexec_fn=ending_with(os.getpid()),
        )

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def has_started(self) -> bool:
        return self.ready is not None and self.ready.exists()

    def is_ready(self) -> bool:
        return self.running() and self.has_started()

    def keep(self, now: float) -> None:
        """Restart it if it has died, after a delay that doubles each time it dies within `STEADY` seconds."""
        if self.running():
            return
        if self.again_at is None:
            if now - self.started >= STEADY:
                self.delay = FIRST_DELAY
            code = self.process.returncode if self.process else None
            level = logging.ERROR if code else logging.INFO  # 0: it was told to end
            logger.log(
                level, "the %s process ended (%s); starting it again in %.1f s", self.name, code, self.delay
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
    """End the children: send SIGTERM, and kill those that have not ended in time.

    A public process that has not started yet is killed at once: it has no request, and granian would wait for it.
    """
    deadline = time.monotonic() + within
    for child in children:
        child.signal(signal.SIGTERM if child.has_started() or not child.ready else signal.SIGKILL)
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
