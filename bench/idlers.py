"""Hold many idle connections, and as many with a body that never ends. Reconnect at once if the server closes one.

This is a process of its own: `python -m bench.idlers PORT NUMBER PATH`. It prints the number of connections, and ends
when its standard input ends. It uses bare sockets and epoll, so that it leaves the cores to the server.
"""

import contextlib
import resource
import select
import socket
import sys
import time
from collections import deque

from bench import client

MOST_A_SECOND = 2_200  # new connections; with more, the server would close them in waves
SOURCES = 8  # loopback addresses, so that there are enough ports
SECONDS = 120  # the process ends after this in any case
GATHER_WITHIN = 20.0  # seconds to open all connections


class Crowd:
    """`number` connections of each kind."""

    def __init__(self, port: int, number: int, path: str) -> None:
        self.port, self.opened = port, 0
        # First bytes of the connections still to open.
        self.waiting: deque[bytes] = deque(start for _ in range(number) for start in (b"", half_form(path)))
        self.connected: dict[int, tuple[socket.socket, bytes]] = {}
        self.poll = select.epoll()

    def hold(self) -> None:
        """Hold the connections until standard input ends. Print their number once all are open."""
        start, wanted, printed = time.monotonic(), len(self.waiting), False
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        while (passed := time.monotonic() - start) < SECONDS:
            while self.waiting and self.opened < MOST_A_SECOND * passed:
                self._connect(self.waiting.popleft())
            if not printed and (len(self.connected) >= 0.99 * wanted or passed > GATHER_WITHIN):
                printed = True
                print(len(self.connected), flush=True)
            for number, _ in self.poll.poll(0.01):
                if number == sys.stdin.fileno():
                    print(len(self.connected), self.opened, flush=True)
                    return
                self._closed(number)

    def _connect(self, first: bytes) -> None:
        connection = socket.socket()
        try:
            connection.bind((f"127.0.0.{2 + self.opened % SOURCES}", 0))
            connection.settimeout(2)
            connection.connect(("127.0.0.1", self.port))
            connection.sendall(first)
        except OSError:
            connection.close()
            self.waiting.append(first)
        else:
            self.connected[connection.fileno()] = (connection, first)
            self.poll.register(connection.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        self.opened += 1

    def _closed(self, number: int) -> None:
        connection, first = self.connected.pop(number)
        with contextlib.suppress(OSError):
            self.poll.unregister(number)
        connection.close()
        self.waiting.append(first)


def half_form(path: str) -> bytes:
    """Return the beginning of a sign form, from another network each time."""
    return client.post(f"{path}/sign", "name=" + "x" * 400)[:-300]


def main() -> None:
    """Hold the connections that the arguments ask for."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Crowd(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).hold()


if __name__ == "__main__":
    main()
