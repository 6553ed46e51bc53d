"""Surges: noticed in memory, told over a socket, and never stored."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sabal.limits import surges
from sabal.limits.networks import Limits
from sabal.limits.surges import DOMAIN, NETWORK, Surge, Surges

NOON = 20_000 * 86_400 + 43_200.0
HOUR = 3_600


def test_a_network_is_named_when_it_surges_and_not_before() -> None:
    limits = Limits(tor_exits=["198.51.100.7"])

    def names(address: str, *, onion: bool = False) -> list[str]:
        network = limits.network(address, NOON, onion=onion)
        found = []
        for _ in range(102):
            limits.sign(network, NOON)
            found.append(limits.surge(address, network, NOON, onion=onion))
        return found

    assert names("203.0.113.7") == [""] * 100 + ["203.0.113.0/24"] * 2
    assert names("2001:db8:1:2:3::4")[-1] == "2001:db8:1:2::/64"
    assert names("198.51.100.7")[-1] == "tor"
    assert names("127.0.0.1", onion=True)[-1] == "onion"
    assert names("no address")[-1] == ""


def test_memory_is_bounded_in_surges_and_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surges, "MOST", 3)
    noticed = Surges()
    for hour in range(30):
        for n in range(5):
            for _ in range(2):
                noticed.note("trees", NETWORK, f"203.0.{n}.0/24", NOON + hour * HOUR, 100)
    told = json.loads(noticed.as_json(NOON + 29 * HOUR))
    assert len(told) == 24 * 3 and {one[2] for one in told} == {102}
    assert json.loads(noticed.as_json(NOON + 60 * HOUR)) == []


@contextmanager
def telling(folder: Path, *noticed: Surges) -> Iterator[None]:
    """Let processes answer in a folder, each on its own socket."""
    ready, ended = threading.Event(), threading.Event()

    async def answer() -> None:
        servers = []
        for number, one in enumerate(noticed):
            server = await surges.answer(folder, one, lambda: NOON)
            assert server is not None
            servers.append(server)
            for socket in folder.glob("surges-*"):  # a process has one socket, named after it
                if socket.name.removeprefix("surges-").isdecimal():
                    socket.rename(folder / f"surges-p{number}")
        ready.set()
        while not ended.is_set():
            await asyncio.sleep(0.01)
        for server in servers:
            server.close()

    thread = threading.Thread(target=asyncio.run, args=(answer(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        ended.set()
        thread.join(10)


def test_the_desk_adds_up_what_all_processes_noticed(tmp_path: Path) -> None:
    folder = tmp_path / ("a long name of a folder " * 8)
    folder.mkdir()
    first, second = Surges(), Surges()
    first.note("trees", NETWORK, "203.0.113.0/24", NOON, 50)
    second.note("trees", NETWORK, "203.0.113.0/24", NOON, 50)
    second.note("trees", DOMAIN, "mail.example", NOON, 50)
    second.note("rivers", DOMAIN, "other.example", NOON, 50)
    (folder / "surges-killed").touch()
    with telling(folder, first, second):
        hour = int(NOON)
        assert surges.ask(folder, "trees") == [
            Surge(hour, 102, NETWORK, "203.0.113.0/24"),
            Surge(hour, 51, DOMAIN, "mail.example"),
        ]
        assert surges.ask(folder, "bowls") == []
    assert not [file for file in folder.iterdir() if file.is_file() and file.stat().st_size], (
        "nothing is stored"
    )


def test_a_desk_that_cannot_ask_is_told_so(tmp_path: Path) -> None:
    assert surges.ask(tmp_path / "nothing", "trees") is None
    (tmp_path / "surges-1").touch()
    assert surges.ask(tmp_path, "trees") is None
    assert asyncio.run(surges.answer(tmp_path / "nothing", Surges(), lambda: NOON)) is None
