"""The witness over HTTP, under Eve's attacks with plain sockets."""

import contextlib
import hashlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import logs
import tlog
from sabal.witness import serve
from sabal.witness.service import WitnessService
from witnesses import line, request, witness


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[WitnessService, int]]:
    with witness(tmp_path) as (service, server):
        yield service, server.server_address[1]


def send(port: int, data: bytes, timeout: float = 5) -> bytes:
    """Send data and return the whole answer, until the witness closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(data)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)  # no further request
        return read(connection)


def read(connection: socket.socket) -> bytes:
    answer = b""
    while piece := connection.recv(65_536):
        answer += piece
    return answer


def posted(body: bytes, length: int | str | None = None, path: str = "/add-checkpoint") -> bytes:
    length = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode() + body


def test_a_request_and_its_answer(server: tuple[WitnessService, int]) -> None:
    _, port = server
    answer = send(port, posted(request(0, 3)))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and b"Connection: keep-alive" in head and b"Python" not in head
    assert body.startswith("— witness.example/w1 ".encode()) and len(body) == len(line(3))
    conflict = send(port, posted(request(0, 257)))
    assert conflict.startswith(b"HTTP/1.1 409 ") and conflict.endswith(b"\r\n\r\n3\n")
    assert b"Content-Type: text/x.tlog.size\r\n" in conflict


def test_the_front_page_shows_the_key_and_the_logs(server: tuple[WitnessService, int]) -> None:
    service, port = server
    page = send(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").decode()
    assert str(service.witness) in page and f"log  {logs.ORIGIN}\n     nothing cosigned yet" in page
    send(port, posted(request(0, 257)))
    page = send(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").decode()
    root = logs.checkpoint(257).splitlines()[2].decode()
    assert f"size 257, root {root}\n     cosigned at 2026-11-24 06:00:00 UTC" in page
    assert "text/plain; charset=utf-8" in page


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (posted(b"x" * 65_536), 400),
        (posted(b"x" * 65_537), 413),
        (posted(b"x", 10**12), 413),
        (posted(b"x", "9" * 5000), 413),
        (posted(b"x", -1), 411),
        (posted(b"x", "٣"), 411),
        (posted(b"x", "1_0"), 411),
        (posted(b"x", "1\r\nContent-Length: 1"), 411),
        (posted(b"x", "1\r\nTransfer-Encoding: chunked"), 411),
        (b"POST /add-checkpoint HTTP/1.1\r\n\r\n", 411),
        (posted(b"", path="/"), 404),
        (posted(b"", path="/add-checkpoint/"), 404),
        (b"GET /add-checkpoint HTTP/1.1\r\n\r\n", 404),
        (b"GET /../key HTTP/1.1\r\n\r\n", 404),
        (b"DELETE / HTTP/1.1\r\n\r\n", 501),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    ],
)  # fmt: skip
def test_other_requests_are_refused(server: tuple[WitnessService, int], data: bytes, status: int) -> None:
    # The connection of a too large request may break before the answer is read.
    with contextlib.suppress(ConnectionError):
        answer = send(server[1], data)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:100]
        assert b"Traceback" not in answer and b"<" not in answer
    assert b"200 OK" in send(server[1], b"GET / HTTP/1.1\r\n\r\n")


def test_too_large_a_request_is_answered_before_the_connection_closes(
    server: tuple[WitnessService, int],
) -> None:
    assert b" 413 " in send(server[1], posted(b"x" * 20_000_000))


def test_a_partial_request_is_ignored(server: tuple[WitnessService, int]) -> None:
    with socket.create_connection(("127.0.0.1", server[1]), timeout=5) as connection:
        connection.sendall(posted(request(0, 3))[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert read(connection) == b""
    assert server[0].log_states()[0].seen is None


def test_a_slow_client_does_not_block_a_thread(
    server: tuple[WitnessService, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "MAX_SECONDS", 0.6)
    start = time.monotonic()
    with (
        socket.create_connection(("127.0.0.1", server[1]), timeout=5) as connection,
        contextlib.suppress(OSError),
    ):
        for byte in posted(request(0, 3)):
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
    assert time.monotonic() - start < 2


def test_more_connections_than_threads_get_503(
    server: tuple[WitnessService, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "MAX_SECONDS", 3.0)
    before = threading.active_count()
    with contextlib.ExitStack() as stack:
        for _ in range(serve.THREADS):
            stack.enter_context(socket.create_connection(("127.0.0.1", server[1]), timeout=5))
        time.sleep(0.3)
        with socket.create_connection(("127.0.0.1", server[1]), timeout=5) as late:
            assert b" 503 " in read(late)
        assert threading.active_count() - before <= serve.THREADS
    deadline = time.monotonic() + 5
    while b"200 OK" not in send(server[1], b""):
        assert time.monotonic() < deadline
        with contextlib.suppress(ConnectionError):
            if b"200 OK" in send(server[1], b"GET / HTTP/1.1\r\n\r\n"):
                break


def test_no_access_log_is_written(
    server: tuple[WitnessService, int], capfd: pytest.CaptureFixture[str]
) -> None:
    for data in (posted(request(0, 3)), b"nonsense\r\n\r\n", b"GET /x HTTP/1.1\r\n\r\n"):
        send(server[1], data)
    socket.create_connection(("127.0.0.1", server[1])).close()
    assert capfd.readouterr() == ("", "")


# The newest checkpoint, and connections that stay open: c2sp.org/tlog-witness.


def get(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


def newest(origin: str = logs.ORIGIN) -> str:
    return f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"


def test_monitors_get_the_newest_checkpoint(server: tuple[WitnessService, int]) -> None:
    service, port = server
    assert send(port, get(newest())).startswith(b"HTTP/1.1 404 ")  # nothing was cosigned yet
    for old, size in ((0, 3), (3, 257)):
        cosignature = send(port, posted(request(old, size))).partition(b"\r\n\r\n")[2]
        head, _, body = send(port, get(newest())).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ") and b"text/plain; charset=utf-8" in head
        opened = tlog.checkpoint.open(body, [logs.CAROL.verifier], [service.witness])
        assert opened.checkpoint.size == size and len(opened.note.verified) == 2
        assert body.endswith(cosignature)  # the very one that the log got
    assert newest() in send(port, get("/")).decode()
    for path in (
        newest("other.example/a/log"),
        newest().upper(),
        f"{newest()}/",
        newest()[1:],
        f"{newest()}?x",
    ):
        assert send(port, get(path)).startswith(b"HTTP/1.1 404 "), path


def test_one_connection_takes_several_requests(server: tuple[WitnessService, int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server[1], timeout=5)
    connection.connect()
    socket_of_it = connection.sock
    for method, path, body, status in (
        ("POST", "/add-checkpoint", request(0, 3), 200),
        ("POST", "/add-checkpoint", request(0, 257), 409),
        ("GET", newest(), b"", 200),
        ("GET", "/nothing", b"", 404),
        ("POST", "/add-checkpoint", b"nonsense", 400),
        ("POST", "/add-checkpoint", request(3, 257), 200),
    ):
        connection.request(method, path, body)
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.getheader("Connection")) == (status, "keep-alive")
        assert connection.sock is socket_of_it
    connection.close()
    both = send(server[1], get("/nothing") + get(newest()))
    assert both.index(b" 404 ") < both.index(b" 200 OK")


@pytest.mark.parametrize(
    "data",
    [
        get("/", "Connection: close\r\n"),
        b"GET / HTTP/1.0\r\n\r\n",
        get("/", "Content-Length: 9\r\n") + b"GET /abcd",
        get("/", "Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        posted(b"", path="/nothing"),
        posted(b"x", "1_0"),
        posted(b"x" * 65_537),
        b"nonsense\r\n\r\n",
        b"DELETE / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_request_whose_end_is_not_known_ends_the_connection(
    server: tuple[WitnessService, int], data: bytes
) -> None:
    """What follows it must not be taken for a request."""
    with socket.create_connection(("127.0.0.1", server[1]), timeout=5) as connection:
        connection.sendall(data + get(newest()))
        with contextlib.suppress(ConnectionError):
            answer = read(connection)
            assert answer.count(b"HTTP/1.1 ") == 1 and b"Connection: close" in answer


def test_idle_connections_make_room_and_end_with_the_witness(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack, witness(tmp_path) as (_, server):  # the connections end last
        port, idle = server.server_address[1], []
        for _ in range(serve.THREADS):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            connection.sendall(get("/nothing"))
            assert b" 404 " in until(connection, b"nothing here.\n")
            idle.append(connection)
            wait_for(lambda: len(server._idle) == len(idle))  # the server's order is that of this list
        begun = time.monotonic()
        assert b" 200 OK" in send(port, get("/"))
        assert time.monotonic() - begun < 2
        assert idle[0].recv(1) == b""  # the one that had been idle for longest
        idle[1].sendall(get("/"))
        assert b" 200 OK" in until(idle[1], b"witness of public logs")


def wait_for(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until(connection: socket.socket, end: bytes) -> bytes:
    answer = b""
    while end not in answer and (piece := connection.recv(65_536)):
        answer += piece
    return answer


def test_an_idle_connection_ends_after_a_while(
    server: tuple[WitnessService, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "IDLE_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", server[1]), timeout=5) as connection:
        connection.sendall(get("/nothing"))
        begun = time.monotonic()
        assert b" 404 " in read(connection)
        assert time.monotonic() - begun < 3
