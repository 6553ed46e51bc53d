"""Turns in the event loop: long pieces of work are done few at a time, so that what is quick comes between."""

import asyncio
from collections import deque

AT_ONCE = 2


class Turns:
    """Gives turns in the order of asking, at most AT_ONCE in one round of the event loop.

    Sealing a signature takes most of a millisecond. If all forms that have arrived were sealed in one round, each
    refusal and each page would wait for all of them, and each form several times, as it takes several rounds.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._giving = False

    async def take(self) -> None:
        """Wait for a turn."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        if not self._giving:
            self._giving = True
            loop.call_soon(self._give, loop)
        await turn

    def _give(self, loop: asyncio.AbstractEventLoop) -> None:
        given = 0
        while self._waiting and given < AT_ONCE:
            turn = self._waiting.popleft()
            if not turn.done():  # its request may have been cancelled
                turn.set_result(None)
                given += 1
        self._giving = bool(self._waiting)
        if self._giving:
            loop.call_soon(self._give, loop)
