"""A request and its answer as plain values: what pages and handlers share, without Django's or ASGI's own types."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

Headers = Sequence[tuple[bytes, bytes]]

CLOSE = ((b"connection", b"close"),)


# What an answer allows caches, the front's own included.
PUBLIC = "public, max-age=1, stale-while-revalidate=10, stale-if-error=600"
LASTING = "public, max-age=86400"
PRIVATE = "no-store"


@dataclass(frozen=True, slots=True)
class Request:
    """One request that passed the guards.

    `path` is canonical and without query; `headers` have lower-case names, each once (guards.py). `language`, `slug`
    and `token` are what the path names: empty where it names none; a token is 1 to 64 letters and digits.
    `own_origin` is False for a form that came from a page of another site. `network` is the HMAC under which the
    sender's network is counted today (16 bytes; empty where nothing is counted). `now` is Unix time (seconds).
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


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; header names in lower case.

    The front adds the length and the security headers, and `no-store` where there is no `Cache-Control`.
    `encoded` is the same body in other codings (b"br", b"gzip"), for readers that accept them.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    encoded: Mapping[bytes, bytes] = field(default_factory=dict)

    def header(self, name: bytes) -> bytes | None:
        """The first value of the header of that (lower-case) name, if there is one."""
        return next((value for key, value in self.headers if key == name), None)

    def adding(self, *headers: tuple[bytes, bytes]) -> Response:
        """The same answer with these headers in place of those of the same names."""
        names = {name for name, _ in headers}
        others = [pair for pair in self.headers if pair[0] not in names]
        return replace(self, headers=[*others, *headers])


class Refused(Exception):
    """A request that is not answered. `page` names the prepared page that says why; nothing of the client is in it."""

    def __init__(self, status: int, page: str = "bad-request", headers: Headers = ()) -> None:
        super().__init__(status)
        self.status = status
        self.page = page
        self.headers = headers


def busy() -> Refused:
    """Return a 503, to be raised. The jitter keeps those refused together from coming back together."""
    wait = random.randint(5, 30)  # noqa: S311 - no secret
    return Refused(503, "busy", [(b"retry-after", b"%d" % wait)])


def see_other(location: str) -> Response:
    """Return a 303 to a path of this site: what follows a POST."""
    return Response(303, [(b"location", location.encode("ascii"))])


def text(status: int, body: str) -> Response:
    """Return a line of plain text, for machines."""
    return Response(status, [(b"content-type", b"text/plain; charset=utf-8")], body.encode())


def file(body: bytes, content_type: str, cache: str) -> Response:
    """Return a file that caches may keep by the rule `cache`."""
    headers = [(b"content-type", content_type.encode("ascii")), (b"cache-control", cache.encode("ascii"))]
    return Response(200, headers, body)


def for_any_site(response: Response) -> Response:
    """Return the same answer for scripts of any origin: what it says is public, and anyone may check it."""
    return response.adding((b"access-control-allow-origin", b"*"))
