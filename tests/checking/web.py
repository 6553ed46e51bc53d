"""A real web server on loopback. It serves the files and the faults that a test sets."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = Callable[[BaseHTTPRequestHandler], None]


class Web:
    """The files and special answers by path. `asked` has the paths in the order of requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []

    def serve(self, prefix: str, folder: Path) -> None:
        """Serve all files of a folder under a prefix."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.files[f"{prefix}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()


@contextmanager
def web() -> Iterator[Web]:
    served: Web

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            if self.path in served.answers:
                served.answers[self.path](self)
            else:
                body = served.files.get(self.path)
                answer(self, 404 if body is None else 200, b"no" if body is None else body)

        def log_message(self, *_: object) -> None:
            """Print nothing during tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        served = Web(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield served
        finally:
            server.shutdown()


def answer(
    request: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    request.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | dict(headers or {})).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)


def redirect(to: str) -> Answer:
    return lambda request: answer(request, 302, b"", {"Location": to})


def endless(request: BaseHTTPRequestHandler) -> None:
    """Answer with a gigabyte and without a length, until the client closes the connection."""
    request.send_response(200)
    request.end_headers()
    try:
        for _ in range(100_000):
            request.wfile.write(b"x" * 10_000)
    except OSError:
        pass


def cut_off(body: bytes) -> Answer:
    """Return an answer whose stated length is longer than its body."""
    return lambda request: answer(request, 200, body, {"Content-Length": str(len(body) + 5)})
