"""A tiny site behind a real granian, with the settings of `sabal serve`, on its own loopback port."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

import sabal
from sabal.serve import ending_with, environ, public_command

ROOT = Path(sabal.__file__).parents[2]
HEAD = b"Host: petition.example\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


class Live:
    """A running server."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process = port, process

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer requests."""
        return psutil.Process(self.process.pid).children()

    def connect(self, timeout: float = 10.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def send(self, request: bytes, timeout: float = 10.0) -> bytes:
        """Send a request on a new connection. Return all bytes until the server closes it."""
        with self.connect(timeout) as connection:
            connection.sendall(request)
            return everything(connection)

    def get(self, path: str = "/en/bowl", headers: bytes = b"") -> bytes:
        return self.send(b"GET %s HTTP/1.1\r\n%sConnection: close\r\n%s\r\n" % (path.encode(), HEAD, headers))

    def post(self, body: bytes, path: str = "/en/bowl/sign", headers: bytes = b"") -> bytes:
        head = HEAD + FORM + b"Content-Length: %d\r\nConnection: close\r\n" % len(body) + headers
        return self.send(b"POST %s HTTP/1.1\r\n%s\r\n%s" % (path.encode(), head, body))


def everything(connection: socket.socket) -> bytes:
    """Return all bytes until the other side closes the connection."""
    found = b""
    while True:
        try:
            part = connection.recv(65_536)
        except ConnectionResetError:
            return found
        if not part:
            return found
        found += part


def status(answer: bytes) -> int:
    """Return the status of the first answer in these bytes; 0 if there is none."""
    return int(answer[9:12]) if answer.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")) else 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def live(workers: int = 1, **tiny: str) -> Iterator[Live]:
    """Run the tiny site with these TINY_… variables. Kill it at the end, also after an error."""
    port = free_port()
    environment = environ(os.environ, dev=False, workers=workers)
    environment |= {f"TINY_{name.upper()}": value for name, value in tiny.items()}
    environment["PYTHONPATH"] = f"{ROOT / 'src'}:{ROOT / 'tests'}"
    process = subprocess.Popen(
        [*public_command("127.0.0.1", port, workers)[:-1], "front.tiny_site:application"],
        env=environment,
        process_group=0,
        preexec_fn=ending_with(os.getpid()),
    )
    site = Live(port, process)
    try:
        wait_until_well(site)
        yield site
    finally:
        for each in [*all_children(process.pid), process.pid]:
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


def all_children(pid: int) -> list[int]:
    """Return all descendants of a process; none if it has ended."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def wait_until_well(site: Live, within: float = 15.0) -> None:
    """Wait until the server answers. Fail if it does not in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if status(site.get("/healthz")) in (200, 503):  # "ok" or "busy"
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server does not answer")
