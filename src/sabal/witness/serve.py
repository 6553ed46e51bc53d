"""The witness over HTTP, with limits and without an access log. A proxy in front of it ends TLS.

A request has at most MAX_SECONDS seconds. There are at most THREADS connections. A connection stays open for further
requests, and an idle one makes room for a new one. c2sp.org/tlog-witness "HTTP Interface".
"""

import contextlib
import io
import os
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from sabal.witness.network import Deadline
from sabal.witness.service import PLAIN, Reply, WitnessService, hash_of
from tlog.wire import to_base64

MAX_BODY = 64 * 1024
THREADS = 32
MAX_SECONDS = 20.0
IDLE_SECONDS = 150.0
"""Longer than proxies keep idle connections (Caddy: 120), so that a proxy never sends a request as we close."""
MAX_REQUESTS = 1_000
"""After so many requests a connection is closed, so that no client has a thread for ever."""
MAKE_ROOM = 1.0
"""Seconds to wait until an idle connection has ended."""
LINGER = 1.0
"""Seconds to read the rest of a too large request, so that the client reads our answer before the connection closes."""

_CHECKPOINT = re.compile(r"/([0-9a-f]{64})/checkpoint", re.ASCII)
_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class WitnessServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A listening witness. Call `shutdown` from another thread; `server_close` waits for requests in progress."""

    # On Windows it would let a second server listen on the same port.
    allow_reuse_address = os.name == "posix"
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, service: WitnessService, host: str, port: int) -> None:
        self.service = service
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._free = threading.BoundedSemaphore(THREADS)
        self._lock, self._idle, self._ending = threading.Lock(), dict[socket.socket, None](), False
        super().__init__((host, port), _Handler)

    @contextlib.contextmanager
    def idle(self, connection: socket.socket) -> Iterator[bool]:
        """Mark a connection as idle. It may be closed meanwhile. Yield False if it should be closed at once."""
        with self._lock:
            if not self._ending:
                self._idle[connection] = None
        try:
            yield not self._ending
        finally:
            with self._lock:
                self._idle.pop(connection, None)

    def _close_longest_idle(self) -> bool:
        """Close the connection that has been idle for longest. Return whether there was one."""
        with self._lock:
            connection = next(iter(self._idle), None)
            if connection is None:
                return False
            del self._idle[connection]
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # its thread then reads the end
            return True

    def server_close(self) -> None:
        """Close idle connections, and wait for requests in progress."""
        self._ending = True
        while self._close_longest_idle():
            pass
        super().server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        free = self._free.acquire(blocking=False)
        if not free and self._close_longest_idle():
            free = self._free.acquire(timeout=MAKE_ROOM)
        if not free:
            with contextlib.suppress(OSError):
                request.settimeout(0)  # do not wait for a client that does not read
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write nothing. Broken connections are normal, and a traceback would contain the client's address."""


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # otherwise input that is not HTTP gets an answer without a status
    server_version, sys_version = "sabal-witness", ""

    def setup(self) -> None:
        super().setup()
        self._timed = _Timed(self.connection, Deadline(MAX_SECONDS))
        self.rfile.close()
        self.rfile = self._reader = io.BufferedReader(self._timed)
        self._requests = 0

    def handle(self) -> None:
        """Answer requests until either side closes the connection."""
        self.close_connection = True
        self.handle_one_request()
        while not self.close_connection and self._another_comes():
            self._timed.deadline = Deadline(MAX_SECONDS)
            self.handle_one_request()

    def _another_comes(self) -> bool:
        self._timed.deadline = Deadline(IDLE_SECONDS)
        with self.server.idle(self.connection) as stays:
            return stays and bool(self._reader.peek(1))

    def do_GET(self) -> None:
        if "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0") != "0":
            self.close_connection = True  # a body is not read, and must not be taken for the next request
        found = _CHECKPOINT.fullmatch(self.path)
        if self.path == "/":
            self._reply(Reply(200, PLAIN, describe(self.server.service).encode()))
        elif found and (note := self.server.service.checkpoint(found[1])):
            self._reply(Reply(200, PLAIN, note))
        else:
            self._reply(Reply(404, PLAIN, b"There is nothing here.\n"))

    def do_POST(self) -> None:
        keeps, self.close_connection = not self.close_connection, True
        if self.path != "/add-checkpoint":
            self._reply(Reply(404, PLAIN, b"There is nothing here.\n"))
            return
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not lengths[0].isdecimal() or "Transfer-Encoding" in self.headers:
            self._reply(Reply(411, PLAIN, b"Say how long the request is, once.\n"))
            return
        # Do not parse longer numbers, because that alone can take long.
        if len(lengths[0]) > 9 or int(lengths[0]) > MAX_BODY:
            self._reply(Reply(413, PLAIN, b"A request has at most 64 kB.\n"))
            return
        body = self.rfile.read(int(lengths[0]))
        if len(body) == int(lengths[0]):
            self.close_connection = not keeps  # only after the whole request was read
            self._reply(self.server.service.add_checkpoint(body))

    def _reply(self, reply: Reply) -> None:
        self._requests += 1
        self.close_connection = self.close_connection or self._requests >= MAX_REQUESTS
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        self.end_headers()
        self.connection.settimeout(self._timed.deadline.left())
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        if reply.status == 413:
            self._drain()

    def _drain(self) -> None:
        self.connection.shutdown(socket.SHUT_WR)
        linger = Deadline(LINGER)
        with contextlib.suppress(OSError):
            while True:
                self.connection.settimeout(linger.left())
                if not self.connection.recv(MAX_BODY):
                    break

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer in our own words if the standard library refuses a request."""
        self.close_connection = True
        self._reply(Reply(code, PLAIN, b"This is not understood here.\n"))

    def log_message(self, format: str, *args: object) -> None:
        """Write no access log, because it would contain addresses."""


class _Timed(io.RawIOBase):
    """Read until a deadline, so that a client that sends one byte a second cannot block a thread."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection, self.deadline = connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._connection.settimeout(self.deadline.left())
        return self._connection.recv_into(buffer)


def describe(service: WitnessService) -> str:
    """Return the page of the witness: its key, and each log's last cosigned checkpoint, to compare with the log."""
    lines = [
        "This is a witness of public logs. It signs that a log only ever grew: https://c2sp.org/tlog-witness",
        "It receives sizes and hashes only, never the names of signers.",
        "",
        f"key  {service.witness}",
    ]
    for origin, seen in service.log_states():
        lines += ["", f"log  {origin}"]
        address = f"     its checkpoint: /{hash_of(origin)}/checkpoint"
        if seen is None:
            lines.append("     nothing cosigned yet")
            continue
        size, root = seen.checkpoint.size, to_base64(seen.checkpoint.root).decode()
        lines += [f"     size {size}, root {root}", f"     cosigned at {_as_utc(seen.time)}", address]
    return "\n".join(lines) + "\n"


def _as_utc(at: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{at} seconds after 1970"
