"""What a public process keeps fresh beside answering, and what becomes of it when the database goes away."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

import sabal.asgi
from front.tiny_house import build
from front.visitor import visit
from sabal.asgi import ROOM_EVERY, Process, Watch


class Calls:
    """Counts what the watch does, and fails where a test says so."""

    def __init__(self) -> None:
        self.connected = self.closed = self.keys = self.looked = self.rooms = 0
        self.error: Exception | None = None

    def connect(self) -> Any:
        self.connected += 1
        return SimpleNamespace(close=self.close)

    def close(self) -> None:
        self.closed += 1

    def open_keystore(self) -> Any:
        self.keys += 1
        return object()

    def refresh(self, *_: Any) -> None:
        self.looked += 1
        if self.error:
            raise self.error

    def room(self, *_: Any) -> None:
        self.rooms += 1


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    found = Calls()
    snapshots = SimpleNamespace(refresh=found.refresh, published=list)
    monkeypatch.setattr(sabal.asgi, "connect", found.connect)
    monkeypatch.setattr(sabal.asgi, "open_keystore", found.open_keystore)
    monkeypatch.setattr(sabal.asgi.snapshot, "current", lambda: snapshots)
    return found


def watch(calls: Calls) -> Watch:
    made = Watch()
    made.keyring = SimpleNamespace(refresh=lambda *_: None)  # type: ignore[assignment]
    made.room = SimpleNamespace(refresh=calls.room)  # type: ignore[assignment]
    return made


def test_a_look_keeps_its_connection_and_seldom_looks_at_the_room(calls: Calls) -> None:
    async def run() -> None:
        looking = watch(calls)
        for _ in range(5):
            await looking.look()
        looking._room_seen -= ROOM_EVERY
        await looking.look()
        looking.close()

    asyncio.run(run())
    assert (calls.connected, calls.keys, calls.looked, calls.rooms) == (1, 1, 6, 2)


def test_after_a_failed_look_the_next_begins_anew(calls: Calls) -> None:
    async def run() -> None:
        looking = watch(calls)
        await looking.look()
        calls.error = ConnectionError("suzie@example.org")
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await looking.look()
        calls.error = None
        await looking.look()
        looking.close()

    asyncio.run(run())
    assert calls.connected == 3 and calls.closed == 2 and calls.keys == 3


def test_a_process_that_cannot_look_goes_on_and_says_it_is_not_well(
    calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        process, door = Process(), build(wsgi=lambda *_: [])
        process._watch = watch(calls)
        door.looked -= 100
        calls.error = ConnectionError("suzie@example.org")
        assert await process._look(door) is False
        assert (await visit(door, "GET", "/healthz")).status == 503
        calls.error = None
        assert await process._look(door) is True
        assert (await visit(door, "GET", "/healthz")).status == 200

    asyncio.run(run())
    assert "ConnectionError at " in caplog.text and "suzie" not in caplog.text


def test_a_process_that_cannot_start_says_where_and_no_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[dict[str, Any]] = []

    async def failing(self: Process) -> None:
        raise ValueError("postgres://user:secret@host")

    async def run() -> None:
        async def receive() -> dict[str, str]:
            return {"type": "lifespan.startup"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        monkeypatch.setattr(Process, "start", failing)
        await Process().live(receive, send)

    asyncio.run(run())
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "ValueError at " in caplog.text and "secret" not in caplog.text + repr(sent)
