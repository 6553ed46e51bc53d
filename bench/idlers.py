"""A crowd that only stands there: idle connections and bodies that never end. Who is sent away comes again at once.

A process of its own: `python -m bench.idlers PORT NUMBER PATH`. Prints how many stand; ends when its input does. Bare
sockets and epoll, so that it takes next to nothing of the cores that the house needs.
"""

import contextlib
import resource
import select
import socket
import sys
import time
from collections import deque

from bench import client

A_SECOND = 2_200  # new connections at most: quicker, and they would be sent away in waves
SOURCES = 8  # addresses of loopback, so that ports do not run out
SECONDS = 120  # whatever happens
ALL_HERE = 20.0  # seconds that the crowd may take to gather


class Crowd:
    """So many of each kind, for as long as it takes."""

    def __init__(self, port: int, number: int, path: str) -> None:
        half = client.post(f"{path}/sign", "name=" + "x" * 400)[:-300]
        self.port, self.opened = port, 0
        self.waiting: deque[bytes] = deque(
            [b"", half] * number
        )  # what each will say, of those who are not there
        self.here: dict[int, tuple[socket.socket, bytes]] = {}
        self.poll = select.epoll()

    def stand(self) -> None:
        """Stands there until standard input ends; says how many came once all have."""
        start, wanted, said = time.monotonic(), len(self.waiting), False
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        while (passed := time.monotonic() - start) < SECONDS:
            while self.waiting and self.opened < A_SECOND * passed:
                self._come(self.waiting.popleft())
            if not said and (len(self.here) >= 0.99 * wanted or passed > ALL_HERE):
                said = True
                print(len(self.here), flush=True)
            for number, _ in self.poll.poll(0.01):
                if number == sys.stdin.fileno():
                    print(len(self.here), self.opened, flush=True)
                    return
                self._sent_away(number)

    def _come(self, first: bytes) -> None:
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
            self.here[connection.fileno()] = (connection, first)
            self.poll.register(connection.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        self.opened += 1

    def _sent_away(self, number: int) -> None:
        connection, first = self.here.pop(number)
        with contextlib.suppress(OSError):
            self.poll.unregister(number)
        connection.close()
        self.waiting.append(first)


def main() -> None:
    """Stands there."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Crowd(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).stand()


if __name__ == "__main__":
    main()
