"""Operations that wait for the database: how many may, and what the others are told."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from front_end import Client, open_client
from sabal import token
from sabal.signing import group
from sabal.signing.group import BATCH, Batcher, Unavailable
from signing.steps import confirmed
from sites import SiteOfTests


class Hanging:
    """A database that answers nothing until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def close(self) -> None: ...

    def handle(self, database: object, ops: list[int]) -> list[int]:
        assert self.released.wait(20)
        return ops


def test_a_database_that_hangs_lets_a_bounded_number_wait() -> None:
    async def run() -> None:
        hanging = Hanging()
        batcher: Batcher[int, int] = Batcher("test", lambda: hanging, hanging.handle)  # type: ignore[arg-type, return-value]
        crowd = [asyncio.create_task(batcher.ask(n)) for n in range(group.WAITING)]
        await asyncio.sleep(0)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await asyncio.wait_for(batcher.ask(-1), 1)
        for impatient in crowd[BATCH : 2 * BATCH]:  # their callers leave, and their operations still wait
            impatient.cancel()
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(batcher.ask(-1), 1)
        hanging.released.set()
        answers = await asyncio.gather(*crowd, return_exceptions=True)
        assert [answer for answer in answers if isinstance(answer, int)] == [
            n for n in range(group.WAITING) if not BATCH <= n < 2 * BATCH
        ]
        assert await asyncio.gather(*map(batcher.ask, range(group.WAITING))) == list(range(group.WAITING))
        await batcher.close()

    asyncio.run(run())


def test_nobody_waits_for_ever_for_a_database_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operation keeps its place in the queue: it may be stored later."""
    monkeypatch.setattr(group, "LONGEST", 0.2)
    monkeypatch.setattr(group, "LOOK_EVERY", 0.1)

    async def run() -> None:
        hanging = Hanging()
        batcher: Batcher[int, int] = Batcher("test", lambda: hanging, hanging.handle)  # type: ignore[arg-type, return-value]
        for _ in range(2):
            with pytest.raises(Unavailable):
                await asyncio.wait_for(batcher.ask(1), 10)
        monkeypatch.setattr(group, "WAITING", 2)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(batcher.ask(2), 0.1)
        hanging.released.set()
        monkeypatch.undo()
        assert await batcher.ask(3) == 3
        await batcher.close()

    asyncio.run(run())


@pytest.fixture
def client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    site.publish()
    with open_client(site, monkeypatch) as opened:
        yield opened


def test_links_are_refused_at_once_when_too_many_wait(
    site: SiteOfTests, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/en/signature/{token.encode(confirmed(site, site.petition()).t)}"
    monkeypatch.setattr(group, "WAITING", 5)
    statuses = sorted(answer.status for answer in client.at_once(client.getting(path) for _ in range(20)))
    assert statuses == [200] * 5 + [503] * 15
    assert client.get(path).status == 200
