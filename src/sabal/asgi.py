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
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import django

from sabal import logs, settings
from sabal.database import connect
from sabal.front.app import App
from sabal.front.front import Front
from sabal.front.guards import Hosts
from sabal.front.handlers import Handlers
from sabal.front.newsletter import NewsletterHandlers
from sabal.front.pool import Pool
from sabal.front.prepared import PreparedPages
from sabal.front.refresher import Refresher
from sabal.front.routes import Routes, table
from sabal.keys.keyring import Keyring
from sabal.ledger.shown import ShownSnapshots
from sabal.limits.capacity import Capacity
from sabal.limits.networks import Clients, Limits, tor_exits
from sabal.logs import where
from sabal.petitions.snapshot import Snapshots
from sabal.signing.group import Batcher
from sabal.signing.writer import Writer
from sabal.signing.writer.find import find

REFRESH_EVERY = 1.0  # seconds
FIRST_REFRESH_WITHIN = 10.0  # seconds; after them the process starts even without a database
DRAIN = 10.0  # seconds that POSTs have to finish after the process is told to stop
OPEN_FILES = 65_536
SEND_BUFFER = (
    128 * 1024
)  # bytes for each connection; the kernel doubles it. Without it, it would grow to megabytes.
UNREAD_WITHIN = 30_000  # milliseconds until a connection is closed whose client acknowledges or reads nothing
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
        self._refreshing: asyncio.Task[None] | None = None

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
        say_ready()
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
        self._refreshing = asyncio.create_task(keep_fresh(self._refresher, front))
        # These objects live as long as the process: without them the collector does not delay requests.
        gc.collect()
        gc.freeze()
        self.front = front

    async def stop(self) -> None:
        """Finish the work in progress: first the POSTs, then the operations that wait for the writer."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing
        if self.front is not None:
            await self.front.drained(DRAIN)
        if self._app is not None:
            await self._app.writer.close()
            await self._app.finder.close()
            self._app.pool.close()
        if self._refresher is not None:
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
    return Front(
        app,
        Routes(table(Handlers(app), NewsletterHandlers(app)), settings.SITE_LANGUAGES, dev=settings.DEV),
        Hosts(settings.BASE_URL, settings.ONION, settings.HOSTS, dev=settings.DEV),
        Clients(settings.TRUSTED_HOPS),
        secure=settings.BASE_URL.startswith("https://"),
    )


async def keep_fresh(refresher: Refresher, front: Front) -> None:
    """Refresh the petitions and keys every second, for ever."""
    await asyncio.sleep(REFRESH_EVERY)
    bound_slow_readers()  # granian listens by now
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
    """Make the file that `serve` waits for, if it named one."""
    if name := os.environ.get(settings.READY_FILE):
        Path(name).touch()


def allow_many_connections() -> None:
    """Raise the limit of open files: each idle connection is one, and the usual limit of 1,024 is soon reached."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError):  # macOS has a lower limit and does not report it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def bound_slow_readers() -> None:
    """Limit what a client that does not read can hold in the kernel: of each connection, and for how long.

    Connections inherit both from the listening socket, which granian makes itself after the start.
    """
    open_files = Path("/proc/self/fd")  # Linux alone has it
    for number in [int(file.name) for file in open_files.iterdir()] if open_files.is_dir() else ():
        with contextlib.suppress(OSError):  # the folder itself is closed by now
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                bound_listening(socket.socket(fileno=number))


def bound_listening(found: socket.socket) -> None:
    """Set the limits of a listening socket, and leave it open."""
    try:
        if found.family in (socket.AF_INET, socket.AF_INET6) and found.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_WITHIN)
    finally:
        found.detach()


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
