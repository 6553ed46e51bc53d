"""Run page functions and the forms of the newsletter on a few long-lived threads, with a bounded wait.

Each kind of work has a lane with its own bound, so that a flood of one kind leaves threads to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sabal.http import Response

THREADS = 8
WAITING = 64  # pages that may wait for a thread; any more are refused at once
# The most of each kind that run or wait. All but looking also count as POSTs in work (app.IN_FLIGHT), most of which
# must be left to signing. The first three may wait for the database. Together they are fewer than the threads, so that
# pages do not wait for them.
FORMS = 4
UNSUBSCRIBING = 2  # apart from other forms, because an email program may not try again
LOOKING = 1  # to show what a link of the newsletter is of; the others get a page that is the same for all
REFUSED_FORMS = 16  # shown again with the typed values; each is soon done
WAIT = 2.0  # seconds for a free thread
LONGEST = 30.0  # seconds for an answer; the thread is in use until its function ends


class Busy(Exception):
    """Signal that no thread was free in time, or that the function took too long."""


@dataclass(slots=True)
class Lane:
    """The number of one kind of work, running or waiting, and its maximum."""

    most: int
    taken: int = 0


class Pool:
    """The threads of one process. Each verb raises Busy, and lets errors of the function through."""

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
        self._pages, self._refused = Lane(threads + waiting), Lane(REFUSED_FORMS)
        self._forms, self._unsubscribing, self._looking = Lane(FORMS), Lane(UNSUBSCRIBING), Lane(LOOKING)

    async def page(self, make: Callable[..., Response], *args: Any) -> Response:
        """Return `make(*args)`: a page that is the same for every reader."""
        return await self._run(self._pages, make, args)

    async def form(self, take: Callable[..., Response], *args: Any) -> Response:
        """Return `take(*args)`: the answer to a form. The function may wait for the database."""
        return await self._run(self._forms, take, args)

    async def unsubscribe(self, take: Callable[..., Response], *args: Any) -> Response:
        """Return `take(*args)`: the answer to somebody who unsubscribes. The function may wait for the database."""
        return await self._run(self._unsubscribing, take, args)

    async def look(self, find: Callable[..., Response], *args: Any) -> Response:
        """Return `find(*args)`: what a link is of. The function may wait for the database."""
        return await self._run(self._looking, find, args)

    async def refused_form(self, make: Callable[..., Response], *args: Any) -> Response:
        """Return `make(*args)`: the page of a refused form, with the typed values."""
        return await self._run(self._refused, make, args)

    async def _run(self, lane: Lane, work: Callable[..., Response], args: tuple[Any, ...]) -> Response:
        await self._enter(lane)
        try:
            call = asyncio.get_running_loop().run_in_executor(self._threads, _call, work, args)
        except BaseException:
            self._leave(lane)
            raise
        # The lane is left only when the function ends: its thread is in use until then, even if no request waits.
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
        """End the threads and take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _call(work: Callable[..., Response], args: tuple[Any, ...]) -> Response | Exception:
    try:
        return work(*args)
    except Exception as error:
        # Returned as a value: asyncio prints an exception, with its text, if no task retrieves it from the future.
        return error
