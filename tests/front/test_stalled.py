"""Thousands of connections that are idle or never finish a request do not delay others."""

import resource
import selectors
import socket
import time

import pytest

from front.live import FORM, HEAD, Live, live, status

HALF = b"POST /en/bowl/sign HTTP/1.1\r\n" + HEAD + FORM + b"Content-Length: 400\r\n\r\nname=Su"
SPARE = 500  # open files for everything else


def many() -> int:
    """Return 5,000, or half of the files that a process may open: this process has both ends of two kinds."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(5_000, (hard - SPARE) // 2)


class Idlers:
    """Open connections that send `first` and wait. Reconnect and send it again after each disconnection."""

    def __init__(self, site: Live, first: bytes) -> None:
        self._site, self._first = site, first
        self._selector = selectors.DefaultSelector()
        self.again = 0

    def add(self) -> None:
        connection = self._site.connect()
        connection.sendall(self._first)
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ)

    def renew(self) -> None:
        """Replace each connection that the server has closed."""
        for key, _ in self._selector.select(0):
            self._drop(key)
            self.add()
            self.again += 1

    def __len__(self) -> int:
        return len(self._selector.get_map())

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            self._drop(key)
        self._selector.close()

    def _drop(self, key: selectors.SelectorKey) -> None:
        connection = key.fileobj
        assert isinstance(connection, socket.socket)
        self._selector.unregister(connection)
        connection.close()


@pytest.mark.slow
def test_thousands_of_idle_and_stalled_connections_do_not_delay_other_requests() -> None:
    count = many()
    with live() as site:
        idle, stalled = Idlers(site, b""), Idlers(site, HALF)
        try:
            for _ in range(count):
                idle.add()
            for _ in range(count):
                stalled.add()
            took: list[float] = []
            # The first stalled connections are cut off after five seconds, and reconnect.
            end = time.monotonic() + 8
            while time.monotonic() < end:
                for answer in (
                    lambda: site.get(headers=b"Accept-Encoding: br\r\n"),
                    lambda: site.post(b"name=Suzie"),
                ):
                    began = time.monotonic()
                    found = status(answer())
                    took.append(time.monotonic() - began)
                    assert found in (200, 303)
                stalled.renew()
                idle.renew()
                time.sleep(0.02)
            assert len(stalled) == count and len(idle) == count
        finally:
            idle.close()
            stalled.close()
        assert stalled.again > 0
        took.sort()
        middle, late = took[len(took) // 2], took[len(took) * 99 // 100]
        print(f"{count} idle, {count} stalled: {len(took)} answers, p50 {middle:.4f} s, p99 {late:.4f} s")
        assert took[len(took) * 95 // 100] < 0.05  # this test's own client shares the cores
