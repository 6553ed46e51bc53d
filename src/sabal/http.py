"""A request and its answer as plain values, for pages and handlers: no types of Django or ASGI."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

Headers = Sequence[tuple[bytes, bytes]]

CLOSE = ((b"connection", b"close"),)
PADDED_TO = 1_024  # bytes

# Values of Cache-Control, for all caches including that of the front end.
PUBLIC = "public, max-age=1, stale-while-revalidate=10, stale-if-error=600"
LASTING = "public, max-age=86400"
PRIVATE = "no-store"


@dataclass(frozen=True, slots=True)
class Request:
    """One request that passed the guards.

    `path` is canonical and without query. `headers` have lower-case names, each once (`guards.py`). `language`, `slug`,
    `token` and `organisation` are the parts of the path, empty if it has none; a token is 1 to 64 letters and digits.
    `own_origin` is False for a form from a page of another site. `network` is the keyed hash of the sender's network
    today (16 bytes; empty if it is not counted). `soft_limited` is True if the network sent too many. `now`
    is Unix time (seconds).
    """

    method: str
    path: str
    language: str
    slug: str = ""
    token: str = ""
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    own_origin: bool = True
    network: bytes = b""
    soft_limited: bool = False
    now: float = 0.0
    organisation: str = ""

    @property
    def today(self) -> date:
        """Return the day of the request (UTC)."""
        return datetime.fromtimestamp(self.now, UTC).date()


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. Header names are in lower case.

    The front end adds the length and the security headers, and `no-store` if there is no `Cache-Control`. `encoded` is
    the same body in other codings (b"br", b"gzip"), for readers that accept them.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    encoded: Mapping[bytes, bytes] = field(default_factory=dict)

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of the header with this lower-case name, or None."""
        return next((value for key, value in self.headers if key == name), None)

    def adding(self, *headers: tuple[bytes, bytes]) -> Response:
        """Return the same answer with these headers in place of those of the same names."""
        names = {name for name, _ in headers}
        others = [pair for pair in self.headers if pair[0] not in names]
        return replace(self, headers=[*others, *headers])


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on the disk, which the server reads while it is sent: so its length takes no memory.

    Its content never changes under this path. `etag` is quoted. `size` is in bytes.
    """

    path: str
    size: int
    etag: bytes
    headers: Headers = ()


class Refused(Exception):
    """Signal a refused request. `page` names the prepared page with the reason; it shows nothing from the client."""

    def __init__(self, status: int, page: str = "bad-request", headers: Headers = ()) -> None:
        super().__init__(status)
        self.status = status
        self.page = page
        self.headers = headers


class Moved(Exception):
    """Signal a GET that another path answers. `path` is what was meant, a path of this site."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def busy() -> Refused:
    """Return a 503 to raise. Its random delay keeps clients refused together from returning together."""
    wait = random.randint(5, 30)  # noqa: S311 - no secret
    return Refused(503, "busy", [(b"retry-after", b"%d" % wait)])


def padded(body: bytes) -> bytes:
    """Return a page with spaces up to a multiple of `PADDED_TO`, so that its length tells little about a name in it."""
    return body + b" " * (-len(body) % PADDED_TO)


def see_other(location: str) -> Response:
    """Return a 303 to a path of this site, the usual answer to a POST."""
    return Response(303, [(b"location", location.encode("ascii"))])


def redirect(location: str) -> Response:
    """Return a 302 to a path of this site, the answer to a GET that another path answers."""
    return Response(302, [(b"location", location.encode("ascii"))])


def text(status: int, body: str) -> Response:
    """Return plain text, for machines."""
    return Response(status, [(b"content-type", b"text/plain; charset=utf-8")], body.encode())


def file(body: bytes, content_type: str, cache: str) -> Response:
    """Return a file with `cache` as its Cache-Control."""
    headers = [(b"content-type", content_type.encode("ascii")), (b"cache-control", cache.encode("ascii"))]
    return Response(200, headers, body)


def for_any_site(response: Response) -> Response:
    """Return the same answer, readable by scripts of any origin: its content is public, for anyone to check."""
    return response.adding((b"access-control-allow-origin", b"*"))
