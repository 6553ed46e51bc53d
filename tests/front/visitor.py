"""`visit`: send a request to a front end in the test's own process, and return the answer."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sabal.front.front import Front

HOST = (b"host", b"petition.example")
FORM = (b"content-type", b"application/x-www-form-urlencoded")


@dataclass(frozen=True)
class Answer:
    """The answer to one request."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    reads: int  # the number of calls of `receive`

    def __getitem__(self, name: str) -> str | None:
        found = [value.decode() for key, value in self.headers if key == name.encode()]
        assert len(found) < 2, f"two {name} headers"
        return found[0] if found else None


async def visit(
    front: Front,
    method: str,
    path: str | bytes,
    *headers: tuple[bytes, bytes],
    host: Iterable[tuple[bytes, bytes]] = (HOST,),
    body: Iterable[bytes] = (b"",),
    peer: str = "127.0.0.1",
) -> Answer:
    """Send one request. `body` is sent in these parts; an endless iterable is a sender that never finishes."""
    parts = iter(body)
    coming: list[bytes] = [next(parts, b"")]
    reads = 0

    async def receive() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        part = coming.pop()
        coming.append(next(parts, b""))
        return {"type": "http.request", "body": part, "more_body": coming[-1] != b""}

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw, _, query = (path if isinstance(path, bytes) else path.encode()).partition(b"?")
    scope = {
        "type": "http",
        "method": method,
        "raw_path": raw,
        "path": raw.decode("latin-1"),
        "query_string": query,
        "headers": [*host, *headers],
        "client": (peer, "40000"),
    }
    await front(scope, receive, send)
    start, end = sent
    assert start["type"] == "http.response.start"
    if end["type"] == "http.response.pathsend":
        end = {"type": "http.response.body", "body": Path(end["path"]).read_bytes()}
    assert end["type"] == "http.response.body"
    return Answer(start["status"], list(start["headers"]), end["body"], reads)
