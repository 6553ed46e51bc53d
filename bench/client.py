"""A small HTTP/1.1 client on bare asyncio protocols, fast enough to offer thousands of requests a second."""

import asyncio
import itertools
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote_plus

from bench.stage import percentile

Done = Callable[[int, bytes, bytes], None]  # status (0: the connection was lost), headers, body
MOST_CONNECTIONS = 4_000
NETWORKS = 65_536  # of each kind: so many that none of them meets its limit
DOMAINS = 4_000  # so many that none is sent too many emails
_visitors = itertools.count()


class Connection(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.reusable = True
        self._buffer = b""
        self._done: Done | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's has the methods but is no subclass

    def ask(self, request: bytes, done: Done) -> None:
        """Send a request; `done` is called once with the answer."""
        self._done = done
        if self.transport is None or self.transport.is_closing():
            self._finish(0, b"", b"")
        else:
            self.transport.write(request)

    async def get(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Send a request and await its answer."""
        answer: asyncio.Future[tuple[int, bytes, bytes]] = asyncio.get_running_loop().create_future()
        self.ask(request, lambda *found: None if answer.done() else answer.set_result(found))
        return await answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        headers, complete, body = self._buffer.partition(b"\r\n\r\n")
        if not complete:
            return
        headers = headers.lower()
        length = int(headers.partition(b"\ncontent-length:")[2].partition(b"\r")[0] or 0)
        if len(body) >= length:
            self._buffer = b""
            self.reusable = b"\nconnection: close" not in headers
            self._finish(int(headers[9:12]), headers, body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        self._finish(0, b"", b"")

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def _finish(self, status: int, headers: bytes, body: bytes) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(status, headers, body)


async def connect(port: int, source: str = "") -> Connection:
    """Open a connection to a port of this machine."""
    loop = asyncio.get_running_loop()
    local = (source, 0) if source else None
    _, connection = await loop.create_connection(Connection, "127.0.0.1", port, local_addr=local)
    return connection


def visitor(number: int) -> str:
    """Return the address of a visitor, in one of many networks: an IPv4 /24 and an IPv6 /48 in turn."""
    number, six = divmod(number, 2)
    number %= NETWORKS
    return f"2001:db8:{number:x}::1" if six else f"10.{number >> 8}.{number & 255}.1"


def email_address(*parts: object) -> str:
    """Return the email address of these parts, in one of many domains."""
    name = "-".join(map(str, parts))
    return f"suzie-{name}@m{zlib.crc32(name.encode()) % DOMAINS}.example.org"


def get(path: str) -> bytes:
    """Return a GET request as a proxy passes it on."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {visitor(next(_visitors))}\r\n"
        "Accept-Encoding: gzip, deflate, br\r\n\r\n"
    ).encode()


def post(path: str, body: str = "", *, of: str = "") -> bytes:
    """Return a POST request of a form on one of our own pages, as a proxy passes it on.

    `of` is the visitor's IP address, by default one of the next network.
    """
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"
        f"X-Forwarded-For: {of or visitor(next(_visitors))}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def form(path: str, version: str, address: str, *, of: str = "") -> bytes:
    """Return the request of a sign form for that email address; `path` is the petition's page. `of` as for `post`."""
    fields = f"name=Suzie+Kim&email={quote_plus(address)}&country=KR&consent=1&website=&version={version}"
    return post(f"{path}/sign", fields, of=of)


@dataclass
class Offered:
    """The answers to requests at a constant rate. Latencies are milliseconds after the time a request was due."""

    rate: float
    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    took: dict[int, list[float]] = field(default_factory=dict)
    with_retry: int = 0  # 503s with Retry-After
    late: float = 0.0  # milliseconds that the generator itself was late at most

    def percentile(self, status: int, share: float) -> float:
        """Return the latency that this share of the answers of a status did not exceed."""
        return percentile(self.took.get(status, []), share)

    def count(self, status: int, headers: bytes, due: float) -> None:
        self.statuses[status] += 1
        self.took.setdefault(status, []).append((time.perf_counter() - due) * 1e3)
        if status == 503 and b"\nretry-after:" in headers:
            self.with_retry += 1


async def offer(port: int, make: Callable[[int], bytes], rate: float, seconds: float) -> Offered:
    """Send `rate` requests a second without waiting for answers (open loop), each on a free or new connection."""
    found, idle = Offered(rate), deque[Connection]()
    waiting: deque[tuple[bytes, float]] = deque()
    opening: set[asyncio.Task[None]] = set()
    connections = under_way = 0

    def send(connection: Connection, request: bytes, due: float) -> None:
        def done(status: int, headers: bytes, _body: bytes) -> None:
            nonlocal connections, under_way
            under_way -= 1
            found.count(status, headers, due)
            if not connection.reusable:
                connections -= 1
                connection.close()
            elif waiting:
                send(connection, *waiting.popleft())
            else:
                idle.append(connection)

        nonlocal under_way
        under_way += 1
        connection.ask(request, done)

    async def send_on_new(request: bytes, due: float) -> None:
        nonlocal connections
        try:
            connection = await connect(port)
        except OSError:
            connections -= 1
            found.count(0, b"", due)
            return
        send(connection, request, due)

    start = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = start + number / rate
        while (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        found.late = max(found.late, (time.perf_counter() - due) * 1e3)
        found.sent += 1
        while idle and not idle[-1].reusable:  # closed by the server meanwhile
            idle.pop()
            connections -= 1
        if idle:
            send(idle.pop(), make(number), due)
        elif connections < MOST_CONNECTIONS:
            connections += 1
            task = asyncio.create_task(send_on_new(make(number), due))
            opening.add(task)
            task.add_done_callback(opening.discard)
        else:
            waiting.append((make(number), due))
        if number % 16 == 0:
            await asyncio.sleep(0)  # read answers even if the generator is late
    end = time.perf_counter() + 20
    while (under_way or opening or waiting) and time.perf_counter() < end:
        await asyncio.sleep(0.02)
    found.statuses[0] += under_way + len(waiting)
    for connection in idle:
        connection.close()
    return found
