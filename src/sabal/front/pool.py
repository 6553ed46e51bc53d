"""Runs page functions and the newsletter's forms on a few long-lived threads, with a bounded wait.

Each kind of work has a lane with a bound of its own, so that a flood of one kind leaves threads to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sabal.http import Response

THREADS = 8
WAITING = 64  # pages that may wait for a thread; one more is refused at once
# Forms count as POSTs in flight (front.IN_FLIGHT) meanwhile, and must leave most of these to signing.
FORMS = 6  # at work; fewer than threads, for they may wait for the database, and pages must not wait for them
AGAIN = 16  # refused forms that are shown again: at work or waiting, and soon done
WAIT = 2.0  # seconds for a free thread
LONGEST = 30.0  # seconds for an answer; the thread stays taken until its function ends


class Busy(Exception):
    """No thread came free in time, or the function took too long."""


@dataclass(slots=True)
class Lane:
    """How many of one kind are here, at work or waiting, and how many may be."""

    most: int
    taken: int = 0


class Pool:
    """The threads of one process. Each verb raises Busy, and whatever the function raises."""

    def __init__(
        self,
        *,
        threads: int = THREADS,
        wait: float = WAIT,
        longest: float = LONGEST,
        waiting: int = WAITING,
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pages")
        self._free = asyncio.Semaphore(threads)
        self._wait, self._longest = wait, longest
        self._pages, self._forms, self._again = Lane(threads + waiting), Lane(FORMS), Lane(AGAIN)

    async def page(self, make: Callable[..., Response], *args: Any) -> Response:
        """Return `make(*args)`: a page, the same for everyone."""
        return await self._run(self._pages, make, args)

    async def form(self, take: Callable[..., Response], *args: Any) -> Response:
        """Return `take(*args)`: what a form asks for, which may wait for the database."""
        return await self._run(self._forms, take, args)

    async def again(self, make: Callable[..., Response], *args: Any) -> Response:
        """Return `make(*args)`: the page of a refused form, with what was typed."""
        return await self._run(self._again, make, args)

    async def _run(self, lane: Lane, work: Callable[..., Response], args: tuple[Any, ...]) -> Response:
        await self._enter(lane)
        try:
            call = asyncio.get_running_loop().run_in_executor(self._threads, _call, work, args)
        except BaseException:
            self._leave(lane)
            raise
        # Not before the function has ended: its thread is taken until then, even if nobody waits for it any more.
        call.add_done_callback(lambda _: self._leave(lane))
        try:
            async with asyncio.timeout(self._longest):
                found = await asyncio.shield(call)
        except TimeoutError:
            raise Busy from None
        if isinstance(found, Exception):
            raise found
        return found

    async def _enter(self, lane: Lane) -> None:
        if lane.taken >= lane.most:
            raise Busy
        lane.taken += 1
        try:
            async with asyncio.timeout(self._wait):
                await self._free.acquire()
        except BaseException as error:
            lane.taken -= 1
            if isinstance(error, TimeoutError):
                raise Busy from None
            raise

    def _leave(self, lane: Lane) -> None:
        lane.taken -= 1
        self._free.release()

    def close(self) -> None:
        """Let the threads end; nothing more is taken."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _call(work: Callable[..., Response], args: tuple[Any, ...]) -> Response | Exception:
    try:
        return work(*args)
    except Exception as error:
        # As a value: an exception in a future that nobody asks for is printed by asyncio, text and all.
        return error
