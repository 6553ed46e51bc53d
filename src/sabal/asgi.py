"""The ASGI application that granian runs, built once in each public process.

`sabal serve` starts a granian for each public process. Their number is in GRANIAN_WORKERS.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import django

from sabal import logs, private, settings
from sabal.database import connect
from sabal.front.app import App
from sabal.front.front import Front
from sabal.front.guards import Hosts
from sabal.front.handlers import Handlers
from sabal.front.newsletter import NewsletterHandlers
from sabal.front.paths import Routes
from sabal.front.pool import Pool
from sabal.front.prepared import PreparedPages
from sabal.front.refresher import Refresher
from sabal.front.routes import table
from sabal.front.signature import SignatureHandlers
from sabal.front.subscriber import SubscriberHandlers
from sabal.keys.keyring import Keyring
from sabal.ledger.shown import ShownSnapshots
from sabal.limits import surges
from sabal.limits.capacity import Capacity
from sabal.limits.networks import Clients, Limits, tor_exits
from sabal.logs import where
from sabal.petitions.snapshots import Snapshots
from sabal.signing.group import Batcher
from sabal.signing.writer import Writer
from sabal.signing.writer.find import find
from sabal.source import ARCHIVE, archive, source_url

REFRESH_EVERY = 1.0  # seconds
FIRST_REFRESH_WITHIN = 10.0  # seconds; after them the process starts even without a database
DRAIN = 10.0  # seconds that POSTs have to finish after the process is told to stop
OPEN_FILES = 65_536
SEND_BUFFER = (
    128 * 1024
)  # bytes for each connection; the kernel doubles it. Without it, it would grow to megabytes.
UNREAD_WITHIN = 30_000  # milliseconds until a connection is closed whose client acknowledges or reads nothing
OPEN_SOCKETS = Path("/proc/self/fd")  # Linux alone has it
FIRST_LOOK = 0.005  # seconds between two looks for the listening socket, at first
# Seconds after which a thread that waits for the interpreter gets it. While the event loop is busy, the writer's thread
# waits at every statement, and granian's at every request. With Python's own 5 ms, forms would queue behind each other.
SWITCH_AFTER = 0.001
PR_SET_PDEATHSIG = 1

logger = logging.getLogger("sabal.front")


class NothingToServe(Exception):
    """The database cannot be read. The process that was to be replaced still has the pages."""


class Process:
    """One public process: it builds the front end, keeps it up to date, and drains it at the end."""

    def __init__(self) -> None:
        self.front: Front | None = None
        self._app: App | None = None
        self._refresher: Refresher | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._surges: asyncio.Server | None = None

    async def lifespan(
        self, receive: Callable[[], Awaitable[Any]], send: Callable[..., Awaitable[None]]
    ) -> None:
        """Handle the lifespan of the process (ASGI): start, run, drain."""
        await receive()
        try:
            await self.start()
        except Exception as error:
            logger.critical("the public process cannot start: %s", where(error))
            await send({"type": "lifespan.startup.failed", "message": "the public process cannot start"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self, keyring: Keyring | None = None, snapshots: Snapshots | None = None) -> None:
        """Build the front end, and refresh the petitions and keys before the first request."""
        logs.set_up()
        allow_many_connections()
        end_with_parent()
        sys.setswitchinterval(SWITCH_AFTER)
        django.setup()  # for templates and translations
        self._app = app = make_app(keyring or Keyring(), snapshots or ShownSnapshots())
        self._refresher = Refresher(app)
        front = make_front(app)
        end = time.monotonic() + FIRST_REFRESH_WITHIN
        while not (seen := await refreshed(self._refresher, front)) and time.monotonic() < end:
            await asyncio.sleep(0.2)
        if not seen and os.environ.get(settings.TAKES_OVER):
            raise NothingToServe
        await app.prepared.warm(settings.SITE_LANGUAGES)
        if source_url() == ARCHIVE:
            await asyncio.to_thread(
                archive
            )  # now, because an update replaces the files while this process runs
        self._tasks = [
            asyncio.create_task(keep_fresh(self._refresher, front)),
            asyncio.create_task(begin_to_serve()),
        ]
        self._surges = await surges.answer(settings.DATA / "run", app.surges, time.time)
        # These objects live as long as the process: without them the collector does not delay requests.
        gc.collect()
        gc.freeze()
        self.front = front

    async def stop(self) -> None:
        """Finish the work in progress: first the POSTs, then the operations that wait for the writer."""
        if self._surges is not None:
            self._surges.close()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.front is not None:
            await self.front.drained(DRAIN)
        if self._app is not None:
            await self._app.writer.close()
            await self._app.finder.close()
            self._app.pool.close()
        if self._refresher is not None:
            await self._refresher.store_asked()
            self._refresher.close()


def make_app(keyring: Keyring, snapshots: Snapshots) -> App:
    """Return the App of this process, by the settings. Call it within a running event loop."""
    pool = Pool()
    return App(
        keyring=keyring,
        snapshots=snapshots,
        limits=Limits(
            workers=int(os.environ.get("GRANIAN_WORKERS") or 1),
            tor_exits=tor_exits(settings.DATA / "tor-exits.txt"),
            unlimited_loopback=settings.DEV,
        ),
        capacity=Capacity(settings.DATA),
        pool=pool,
        prepared=PreparedPages(pool, snapshots),
        writer=Batcher("writer", connect, Writer(snapshots, keyring).commit),
        finder=Batcher("finder", connect, find),
    )


def make_front(app: App) -> Front:
    """Return the front end, by the settings."""
    rows = table(Handlers(app), SignatureHandlers(app), NewsletterHandlers(app), SubscriberHandlers(app))
    return Front(
        app,
        Routes(rows, settings.SITE_LANGUAGES, dev=settings.DEV),
        Hosts(settings.BASE_URL, settings.ONION, settings.HOSTS, dev=settings.DEV),
        Clients(settings.TRUSTED_HOPS),
        secure=settings.BASE_URL.startswith("https://"),
    )


async def keep_fresh(refresher: Refresher, front: Front) -> None:
    """Refresh the petitions and keys every second, for ever."""
    while True:
        await asyncio.sleep(REFRESH_EVERY)
        await refreshed(refresher, front)


async def refreshed(refresher: Refresher, front: Front) -> bool:
    """Refresh the petitions and keys. If that fails, write a line to the output and return False."""
    try:
        await refresher.refresh()
    except Exception as error:
        logger.error("cannot look for changes of the petitions: %s", where(error))
        return False
    front.refreshed()
    return True


def say_ready() -> None:
    """Make the file that `serve` waits for, if it named one, and note the address of this start.

    `serve` ends older processes only when the file is there. The note is for commands that are typed in another shell;
    a start that was refused must not replace it.
    """
    if name := os.environ.get(settings.READY_FILE):
        try:
            private.replace(settings.SERVED_AT, [f"{settings.BASE_URL}\n".encode("ascii", "replace")])
        except OSError as error:
            logger.error("the address of this server cannot be noted: %s", where(error))
        Path(name).touch()


def allow_many_connections() -> None:
    """Raise the limit of open files: each idle connection is one, and the usual limit of 1,024 is soon reached."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError):  # macOS has a lower limit and does not report it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def begin_to_serve() -> None:
    """Bound slow readers as soon as the server listens, and say that it does; then bound those that came before.

    granian makes its listening socket itself, some time after this application has started.
    """
    pause = FIRST_LOOK
    while not bound_slow_readers():
        await asyncio.sleep(pause)
        pause = min(2 * pause, REFRESH_EVERY)
    say_ready()
    await asyncio.sleep(REFRESH_EVERY)
    bound_slow_readers()


def bound_slow_readers() -> bool:
    """Limit what a client that does not read can hold in the kernel: of each connection, and for how long.

    Return whether this process listens (always True where that cannot be seen). Connections inherit both limits from
    the listening socket.
    """
    if not OPEN_SOCKETS.is_dir():
        return True
    ports = {port for found, port in tcp_sockets() if listens(found)}
    for found, port in tcp_sockets() if ports else ():
        if port in ports:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_WITHIN)
    return bool(ports)


def tcp_sockets() -> Iterator[tuple[socket.socket, int]]:
    """Yield the TCP sockets of this process, which are granian's, and their own ports."""
    for number in [int(file.name) for file in OPEN_SOCKETS.iterdir()]:
        with contextlib.suppress(OSError):  # it was closed meanwhile
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            # A second descriptor of the same socket: to close it closes nothing of granian's.
            with socket.socket(fileno=os.dup(number)) as found:
                if found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM:
                    yield found, int(found.getsockname()[1])


def listens(found: socket.socket) -> bool:
    """Return whether a socket accepts connections."""
    return bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def end_with_parent() -> None:
    """Have the kernel kill this process if the master dies first, so that no orphan holds the port (Linux).

    The signal is SIGKILL: a SIGTERM during the start of the server can block it for ever in its own handler. Requests
    in progress are cut off, as by any crash; changes that were answered are on disk.
    """
    import ctypes

    parent = multiprocessing.parent_process()
    if parent is None:
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent.pid:  # the master died before the call above
        os.kill(os.getpid(), signal.SIGKILL)


_process = Process()


def application(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> Awaitable[None]:
    """Handle one ASGI scope: a request, or the lifespan of the process."""
    if scope["type"] == "http" and _process.front is not None:
        return _process.front(scope, receive, send)
    return _process.lifespan(receive, send)
