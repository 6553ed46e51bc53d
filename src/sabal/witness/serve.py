"""The witness over HTTP: small, bounded, without a log of who came. TLS stands before it.

Each connection carries one request and is over after LONGEST seconds; there are at most THREADS of them.
"""

import contextlib
import io
import os
import socket
import socketserver
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from sabal.witness.keep import PLAIN, Keep, Reply
from sabal.witness.network import Deadline
from tlog.wire import to_base64

MAX_BODY = 64 * 1024
THREADS = 32
LONGEST = 20.0
LINGER = (
    1.0  # seconds that are given to what is still coming, so that our answer is read before the line is cut
)

_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A listening witness: `serve_forever`, `shutdown` from another thread; `server_close` waits for the rest."""

    allow_reuse_address = os.name == "posix"  # on Windows a second server could then listen on the same port
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, keep: Keep, host: str, port: int) -> None:
        self.keep = keep
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._free = threading.BoundedSemaphore(THREADS)
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.settimeout(0)  # who waits for nobody is not waited for either
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
        """Nothing: what breaks off is no news, and a traceback would hold the address."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # else what is no HTTP at all is answered without a status
    server_version, sys_version = "sabal-witness", ""

    def setup(self) -> None:
        super().setup()
        self._deadline = Deadline(LONGEST)
        self.rfile.close()
        self.rfile = io.BufferedReader(_Timed(self.connection, self._deadline))

    def do_GET(self) -> None:
        if self.path != "/":
            self._reply(Reply(404, PLAIN, b"There is nothing here.\n"))
            return
        self._reply(Reply(200, PLAIN, describe(self.server.keep).encode()))

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self._reply(Reply(404, PLAIN, b"There is nothing here.\n"))
            return
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not lengths[0].isdecimal() or "Transfer-Encoding" in self.headers:
            self._reply(Reply(411, PLAIN, b"Say how long the request is, once.\n"))
            return
        # Longer ones are not read as numbers: that alone can take a while.
        if len(lengths[0]) > 9 or int(lengths[0]) > MAX_BODY:
            self._reply(Reply(413, PLAIN, b"A request has at most 64 kB.\n"))
            return
        body = self.rfile.read(int(lengths[0]))
        if len(body) == int(lengths[0]):
            self._reply(self.server.keep.add_checkpoint(body))
        self.close_connection = True

    def _reply(self, reply: Reply) -> None:
        self.close_connection = True
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        self.connection.settimeout(self._deadline.left())
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
        """What the standard library refuses before a method of ours is called, in our words."""
        self._reply(Reply(code, PLAIN, b"This is not understood here.\n"))

    def log_message(self, format: str, *args: object) -> None:
        """No access log: it would hold addresses."""


class _Timed(io.RawIOBase):
    """Reads until the deadline: a byte a second keeps nobody's thread."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection, self._deadline = connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._connection.settimeout(self._deadline.left())
        return self._connection.recv_into(buffer)


def describe(keep: Keep) -> str:
    """What this is, for whoever looks: the key, and for each log what was cosigned last, to be held against the log."""
    lines = [
        "This is a witness of public logs. It signs that a log only ever grew: https://c2sp.org/tlog-witness",
        "It receives sizes and hashes only, never the names of signers.",
        "",
        f"key  {keep.witness}",
    ]
    for origin, seen in keep.standing():
        lines += ["", f"log  {origin}"]
        if seen is None:
            lines.append("     nothing cosigned yet")
            continue
        size, root = seen.checkpoint.size, to_base64(seen.checkpoint.root).decode()
        lines += [f"     size {size}, root {root}", f"     cosigned at {_shown(seen.time)}"]
    return "\n".join(lines) + "\n"


def _shown(at: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{at} seconds after 1970"
