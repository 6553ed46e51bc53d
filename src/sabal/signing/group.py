"""Group commit: one thread takes all that waits and handles it at once; every asker gets an answer of its own."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sabal.database import Database, OperationalError

Op = TypeVar("Op")
Out = TypeVar("Out")
BATCH = 64  # more gains nothing on either database and lengthens the wait of the first
logger = logging.getLogger(__name__)


class Unavailable(Exception):
    """The database did not take it, or perhaps did: what was asked must be asked again, not assumed."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Op]):
    op: Op
    future: "asyncio.Future[object]"


class Batcher(Generic[Op, Out]):
    """`handle(database, ops)` is called in a thread of its own with up to 64 operations and answers each in order.

    Where it raises, the operations are halved and tried again, so that one bad one never fails its neighbours; an
    OperationalError (database gone, disk full) fails them all at once with Unavailable, and the connection is made
    anew: after a connection lost at COMMIT nobody knows what was kept, so nothing is tried twice.
    """

    def __init__(
        self, name: str, connect: Callable[[], Database], handle: Callable[[Database, list[Op]], list[Out]]
    ) -> None:
        self._connect = connect
        self._handle = handle
        self._queue: queue.SimpleQueue[_Waiting[Op] | None] = queue.SimpleQueue()
        self._database: Database | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def ask(self, op: Op) -> Out:
        """Hand `op` to the thread and wait for its outcome; raises Unavailable."""
        future: asyncio.Future[object] = self._loop.create_future()
        self._queue.put(_Waiting(op, future))
        return await future  # type: ignore[return-value]

    async def close(self) -> None:
        """Finish what waits and end the thread."""
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
                self._loop.call_soon_threadsafe(_deliver, batch, answers)
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


def _deliver(batch: list[_Waiting[Op]], answers: list[Out | Exception]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.future.done():  # whoever asked has gone
            continue
        if isinstance(answer, Exception):
            waiting.future.set_exception(answer)
        else:
            waiting.future.set_result(answer)
