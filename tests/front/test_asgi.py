"""The refreshes of a public process, with and without a database, and a failed start."""

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from front.tiny_site import build
from front.visitor import visit
from sabal import settings
from sabal.asgi import (
    SEND_BUFFER,
    UNREAD_WITHIN,
    Process,
    begin_to_serve,
    bound_slow_readers,
    refreshed,
)
from sabal.front import refresher
from sabal.front.front import Front
from sabal.front.refresher import CAPACITY_EVERY, Refresher


def test_a_client_that_does_not_read_holds_little_and_not_for_long() -> None:
    """What the kernel keeps for it is bounded by the listening socket, from which each connection inherits."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        before = len(list(Path("/proc/self/fd").iterdir()))
        assert bound_slow_readers()
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        with socket.create_connection(listening.getsockname()) as client:
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNREAD_WITHIN
                accepted.setblocking(False)
                sent = 0
                with contextlib.suppress(BlockingIOError):
                    while sent < 64 * SEND_BUFFER:
                        sent += accepted.send(bytes(65_536))
                kept = sent - pending(client)
        assert kept <= 4 * SEND_BUFFER


def test_a_process_is_ready_and_bounds_slow_readers_when_the_server_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late that is; also one that came before anyone looked, and no connection of another port."""
    ready = tmp_path / "ready"
    monkeypatch.setenv(settings.READY_FILE, str(ready))
    monkeypatch.setattr(settings, "SERVED_AT", tmp_path / "served-at")

    async def run() -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            looking = asyncio.create_task(begin_to_serve())
            await asyncio.sleep(0.1)
            assert not looking.done() and not ready.exists()
            listening.listen()
            with socket.create_connection(listening.getsockname()) as client:
                accepted, _ = listening.accept()
                with accepted:
                    await asyncio.wait_for(looking, 20)
                    assert ready.exists()
                    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNREAD_WITHIN
                    assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0

    asyncio.run(run())


def pending(client: socket.socket) -> int:
    """Return the bytes that have arrived at a client and are not read."""
    return struct.unpack("i", fcntl.ioctl(client, termios.FIONREAD, bytes(4)))[0]


class Calls:
    """Count the calls of the refresher, and raise the error that a test sets."""

    def __init__(self) -> None:
        self.connected = self.closed = self.keys = self.refreshed = self.capacities = 0
        self.error: Exception | None = None

    def connect(self) -> Any:
        self.connected += 1
        return SimpleNamespace(close=self.close, query=lambda *_: [])

    def close(self) -> None:
        self.closed += 1

    def open_keystore(self) -> Any:
        self.keys += 1
        return object()

    def refresh(self, *_: Any) -> None:
        self.refreshed += 1
        if self.error:
            raise self.error

    def capacity(self, *_: Any) -> None:
        self.capacities += 1

    def front(self) -> Front:
        """Return a front end whose refresher calls this object."""
        found = build(petitions=SimpleNamespace(refresh=self.refresh, published=list))
        found.app.keyring = SimpleNamespace(refresh=lambda *_: None)  # type: ignore[assignment]
        found.app.capacity = SimpleNamespace(refresh=self.capacity)  # type: ignore[assignment]
        return found


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    found = Calls()
    monkeypatch.setattr(refresher, "connect", found.connect)
    monkeypatch.setattr(refresher, "open_keystore", found.open_keystore)
    return found


def test_a_refresh_keeps_its_connection_and_seldom_measures_the_capacity(calls: Calls) -> None:
    async def run() -> None:
        refreshing = Refresher(calls.front().app)
        for _ in range(5):
            await refreshing.refresh()
        refreshing._capacity_refreshed -= CAPACITY_EVERY
        await refreshing.refresh()
        refreshing.close()

    asyncio.run(run())
    assert (calls.connected, calls.keys, calls.refreshed, calls.capacities) == (1, 1, 6, 2)


def test_after_a_failed_refresh_the_next_one_reconnects(calls: Calls) -> None:
    async def run() -> None:
        refreshing = Refresher(calls.front().app)
        await refreshing.refresh()
        calls.error = ConnectionError("suzie@example.org")
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await refreshing.refresh()
        calls.error = None
        await refreshing.refresh()
        refreshing.close()

    asyncio.run(run())
    assert calls.connected == 3 and calls.closed == 2 and calls.keys == 3


def test_a_process_that_cannot_refresh_continues_and_is_not_healthy(
    calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        front = calls.front()
        refreshing = Refresher(front.app)
        front.app.refreshed -= 100
        calls.error = ConnectionError("suzie@example.org")
        assert await refreshed(refreshing, front) is False
        assert (await visit(front, "GET", "/healthz")).status == 503
        calls.error = None
        assert await refreshed(refreshing, front) is True
        assert (await visit(front, "GET", "/healthz")).status == 200

    asyncio.run(run())
    assert "ConnectionError at " in caplog.text and "suzie" not in caplog.text


def test_a_failed_start_is_logged_by_type_and_line_only(
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
        await Process().lifespan(receive, send)

    asyncio.run(run())
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "ValueError at " in caplog.text and "secret" not in caplog.text + repr(sent)
