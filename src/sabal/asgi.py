"""The application that granian runs: the front door around Django, built once in each public process.

``sabal serve`` starts it; the number of processes comes from GRANIAN_WORKERS, granian's own variable.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sabal import days, logs, settings
from sabal.database import Database, connect
from sabal.front import django, pages
from sabal.front.app import Door
from sabal.front.guards import Hosts
from sabal.front.intake import Intake
from sabal.front.routes import Routes
from sabal.keys import keyring
from sabal.keys.keystore import KeyStore, open_keystore
from sabal.limits import networks as limits
from sabal.limits.capacity import Capacity
from sabal.logs import where
from sabal.petitions import snapshot
from sabal.signing import operations
from sabal.signing.group import Batcher
from sabal.signing.writer import Writer
from sabal.signing.writer.find import Found, find

LOOK_EVERY = 1.0  # seconds
ROOM_EVERY = 5.0
FIRST_LOOK_WITHIN = 10.0  # seconds; a database that is not there yet does not keep the house from opening
DRAIN = 10.0  # seconds that POSTs may take to end when the process is told to
OPEN_FILES = 65_536
PR_SET_PDEATHSIG = 1

logger = logging.getLogger("sabal.front")


class Process:
    """One public process: what it builds at start, keeps fresh, and drains at the end."""

    def __init__(self) -> None:
        self.door: Door | None = None
        self._watch = Watch()
        self._looking: asyncio.Task[None] | None = None
        self._groups: list[Batcher[Any, Any]] = []

    async def live(self, receive: Callable[[], Awaitable[Any]], send: Callable[..., Awaitable[None]]) -> None:
        """The lifespan of the process (ASGI): start, run, drain."""
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

    async def start(self) -> None:
        """Builds the door, and looks at the petitions before the first request comes."""
        logs.set_up()
        allow_many_connections()
        end_with_parent()
        from sabal.wsgi import application as wsgi  # sets Django up

        django.install(django.Django(wsgi, settings.BASE_URL))
        limits.install(
            limits.Limits(
                workers=int(os.environ.get("GRANIAN_WORKERS") or 1),
                tor_exits=limits.tor_exits(settings.DATA / "tor-exits.txt"),
                unlimited_loopback=settings.DEV,
            )
        )
        prepared = pages.Pages()
        pages.install(prepared)
        door = self._build_door()
        end = time.monotonic() + FIRST_LOOK_WITHIN
        while not await self._look(door) and time.monotonic() < end:
            await asyncio.sleep(0.2)
        await prepared.warm(settings.SITE_LANGUAGES)
        self._looking = asyncio.create_task(self._look_on(door))
        # What is here now stays: the collector need not walk through all of Django while people wait.
        gc.collect()
        gc.freeze()
        self.door = door

    async def stop(self) -> None:
        """Lets what was begun end: POSTs first, then what waits for the writer."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
        if self.door is not None:
            await self.door.drained(DRAIN)
        for group in self._groups:
            await group.close()
        self._watch.close()

    def _build_door(self) -> Door:
        snapshots = snapshot.current()
        writer = Writer(snapshots, self._watch.keyring)
        write: Batcher[operations.Operation, operations.Outcome] = Batcher("writer", connect, writer.commit)
        look: Batcher[bytes, Found | None] = Batcher("finder", connect, find)
        self._groups = [write, look]
        return Door(
            routes=Routes(settings.SITE_LANGUAGES, dev=settings.DEV),
            hosts=Hosts(settings.BASE_URL, settings.ONION, settings.HOSTS, dev=settings.DEV),
            clients=limits.Clients(settings.TRUSTED_HOPS),
            petitions=snapshots,
            intake=Intake(write.ask, look.ask, self._watch.keyring, snapshots, self._watch.room),
            secure=settings.BASE_URL.startswith("https://"),
        )

    async def _look_on(self, door: Door) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self._look(door)

    async def _look(self, door: Door) -> bool:
        try:
            await self._watch.look()
        except Exception as error:
            logger.error("cannot look for changes of the petitions: %s", where(error))
            return False
        door.look()
        return True


class Watch:
    """Looks at the petitions, the keys and the room that is left, on a connection and a thread of its own."""

    def __init__(self) -> None:
        self.keyring = keyring.current()
        self.room = Capacity(settings.DATA)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._database: Database | None = None
        self._keystore: KeyStore | None = None
        self._room_seen = -ROOM_EVERY

    async def look(self) -> None:
        """One look; raises what went wrong, and what was known stays known."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._look)

    def close(self) -> None:
        """No more looks."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> None:
        try:
            if self._database is None:
                self._database = connect()
            if self._keystore is None:
                self._keystore = open_keystore()
            snapshots = snapshot.current()
            snapshots.refresh(self._database, self._keystore)
            self.keyring.refresh(self._database, self._keystore, days.number_at(time.time()))
            if time.monotonic() - self._room_seen >= ROOM_EVERY:
                self.room.refresh(self._database, snapshots.published())
                self._room_seen = time.monotonic()
        except BaseException:
            # The connection or the key may be what is wrong: the next look begins anew.
            if self._database is not None:
                self._database.close()
            self._database = self._keystore = None
            raise


def allow_many_connections() -> None:
    """Raises the limit of open files: each idle connection is one, and the usual 1,024 are soon gone."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError):  # macOS has a lower limit of its own, which it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def end_with_parent() -> None:
    """Has the kernel kill this process when the master dies without ending it: no orphan holds the port (Linux).

    Not by SIGTERM: one that comes while the server starts can lock it up for good, in its own handler. What was being
    answered is cut off, as by any crash; what was answered is on disk.
    """
    import ctypes

    parent = multiprocessing.parent_process()
    if parent is None:
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent.pid:  # it died before we had asked
        os.kill(os.getpid(), signal.SIGKILL)


_process = Process()


def application(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> Awaitable[None]:
    """The ASGI application."""
    if scope["type"] == "http" and _process.door is not None:
        return _process.door(scope, receive, send)
    return _process.live(receive, send)
