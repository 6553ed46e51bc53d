"""Group commit: one thread handles all waiting operations in one call, and each caller gets its own answer."""

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sabal.database import Database, OperationalError

Op = TypeVar("Op")
Out = TypeVar("Out")
BATCH = 64  # a larger batch is not faster on either database, and the first operation waits longer
# Seconds until a caller is told to ask again. Proxies give up after 60, and some browsers never.
LONGEST = 25.0
LOOK_EVERY = 1.0  # seconds between two looks for callers that have waited so long
WAITING = 1_024  # operations; more would be 16 batches behind, or behind a database that hangs
logger = logging.getLogger(__name__)


class Unavailable(Exception):
    """The database failed or hangs, and the operation may or may not be stored. The caller must ask again."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Op]):
    op: Op
    future: "asyncio.Future[object]"


class Batcher(Generic[Op, Out]):
    """Calls `handle(database, ops)` in its own thread with up to 64 operations. `handle` returns one answer for each.

    If `handle` raises, the operations are split in half and tried again, so that one bad operation does not fail the
    others. An OperationalError (database gone, disk full) fails all of them with Unavailable, and the next batch
    reconnects. Nothing is tried twice then: if the connection is lost at COMMIT, it is unknown what was stored.

    At most WAITING operations wait; more get Unavailable at once. So a database that hangs does not fill the memory. A
    caller that has waited for LONGEST gets Unavailable too, and its operation may still be stored later.
    """

    def __init__(
        self, name: str, connect: Callable[[], Database], handle: Callable[[Database, list[Op]], list[Out]]
    ) -> None:
        self._connect = connect
        self._handle = handle
        self._queue: queue.SimpleQueue[_Waiting[Op] | None] = queue.SimpleQueue()
        self._asked: deque[tuple[float, asyncio.Future[object]]] = deque()  # when, in the loop's time
        self._waiting = 0  # changed in the event loop only
        self._database: Database | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def ask(self, op: Op) -> Out:
        """Give `op` to the thread and wait for its outcome. Raises Unavailable."""
        if self._waiting >= WAITING:
            raise Unavailable
        self._waiting += 1
        future: asyncio.Future[object] = self._loop.create_future()
        self._queue.put(_Waiting(op, future))
        if not self._asked:
            self._loop.call_later(LOOK_EVERY, self._end_waits)
        self._asked.append((self._loop.time(), future))
        return await future  # type: ignore[return-value]

    def _end_waits(self) -> None:
        """Answer the callers that have waited too long. One timer for all costs less than one for each."""
        longest_ago = self._loop.time() - LONGEST
        while self._asked and (self._asked[0][1].done() or self._asked[0][0] <= longest_ago):
            _, future = self._asked.popleft()
            if not future.done():
                future.set_exception(Unavailable())
        if self._asked:
            self._loop.call_later(LOOK_EVERY, self._end_waits)

    async def close(self) -> None:
        """Finish the waiting operations and end the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        more = True
        while more:
            batch: list[_Waiting[Op]] = []
            item = self._queue.get()
            while item is not None:
                batch.append(item)
                if len(batch) == BATCH:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            more = item is not None
            if batch:
                answers = self._answers([waiting.op for waiting in batch])
                self._loop.call_soon_threadsafe(self._deliver, batch, answers)
        if self._database is not None:
            self._database.close()

    def _answers(self, ops: list[Op]) -> list[Out | Exception]:
        try:
            if self._database is None:
                self._database = self._connect()
            return list(self._handle(self._database, ops))
        except OperationalError as error:
            logger.error("the database refused a batch: %s", type(error).__name__)
            if self._database is not None:
                self._database.close()
                self._database = None
            return [Unavailable()] * len(ops)
        except Exception as error:
            if len(ops) == 1:
                logger.error("one operation failed: %s in %s", type(error).__name__, type(ops[0]).__name__)
                return [Unavailable()]
            middle = len(ops) // 2
            return self._answers(ops[:middle]) + self._answers(ops[middle:])

    def _deliver(self, batch: list[_Waiting[Op]], answers: list[Out | Exception]) -> None:
        # An operation waits until here, even if its caller was cancelled.
        self._waiting -= len(batch)
        for waiting, answer in zip(batch, answers, strict=True):
            if waiting.future.done():
                continue
            if isinstance(answer, Exception):
                waiting.future.set_exception(answer)
            else:
                waiting.future.set_result(answer)
