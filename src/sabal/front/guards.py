"""The guards of the front: each looks at one thing, and lets pass or raises Refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from sabal.http import CLOSE, Headers, Refused

HEADERS_MOST = 16_384  # bytes, names and values together
BODY_MOST = 16_384  # bytes
BODY_SECONDS = 5.0
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
FORM = b"application/x-www-form-urlencoded"

# Two of one of these, and a proxy may have believed the one and we the other.
SINGLE = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"content-type", b"origin", b"sec-fetch-site")
)

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


def headers(raw: Headers) -> dict[bytes, bytes]:
    """The headers by name, those that matter only once; X-Forwarded-For joined in its order."""
    found = dict(raw)
    if len(found) != len(raw):
        names = [name for name, _ in raw]
        if any(names.count(name) > 1 for name in SINGLE):
            raise Refused(400)
        if b"x-forwarded-for" in found:
            found[b"x-forwarded-for"] = b",".join(v for name, v in raw if name == b"x-forwarded-for")
    return found


def size(raw: Headers) -> None:
    """Refuses headers of more than 16 kB, names and values together."""
    if sum(map(len, chain.from_iterable(raw))) > HEADERS_MOST:
        raise Refused(431)


class Hosts:
    """The names this site answers to, and the origins that are its own."""

    def __init__(
        self, base_url: str, onion: str = "", others: Iterable[str] = (), *, dev: bool = False
    ) -> None:
        base = urlsplit(base_url)
        names = {base.netloc.lower(), *(name.lower() for name in others if name)}
        if base.scheme == "https" and base.port is None:
            names.add(f"{base.hostname}:443")
        self.onion = onion_name(onion)
        if self.onion:
            names.add(self.onion)
        self._dev = dev
        self._names = {name.encode("ascii") for name in names}
        secure = base.scheme == "https"
        self._origins = {f"{base.scheme}://{base.netloc}".lower()}
        self._origins |= {f"{'https' if secure else 'http'}://{name.lower()}" for name in others if name}
        if self.onion:
            self._origins |= {f"http://{self.onion}", f"https://{self.onion}"}

    def check(self, host: bytes) -> None:
        """Refuses a Host that is not ours."""
        if host not in self._names:
            self._check_slowly(host)

    def own(self, origin: bytes) -> bool:
        """Whether pages of that origin are pages of this site."""
        name = origin.decode("latin-1").lower()
        if name in self._origins:
            return True
        scheme, _, host = name.partition("://")
        return self._dev and scheme == "http" and without_port(host) in LOOPBACK_NAMES

    def is_onion(self, host: bytes) -> bool:
        """Whether the request came to the onion name."""
        return bool(self.onion) and host.lower() == self.onion.encode("ascii")

    def _check_slowly(self, host: bytes) -> None:
        name = host.lower()
        if name in self._names:
            return
        if self._dev and without_port(name.decode("latin-1")) in LOOPBACK_NAMES:
            return
        raise Refused(400)


def onion_name(onion: str) -> str:
    """The bare host of an onion address, given with or without a scheme."""
    return onion.lower().removeprefix("http://").removeprefix("https://").rstrip("/")


def without_port(host: str) -> str:
    """A host without its port; the brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isascii() and port.isdigit() else host


def same_origin(given: Mapping[bytes, bytes], hosts: Hosts) -> bool:
    """Whether a POST comes from a page of ours, or from no browser at all.

    ``Sec-Fetch-Site`` cannot be set by a page's script, so where it stands it decides. Browsers that do not
    send it send ``Origin``; "null" (a sandboxed frame, a data: URL) is nobody's own.
    """
    site = given.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    origin = given.get(b"origin")
    return origin is None or hosts.own(origin)


def announced(given: Mapping[bytes, bytes], *, any_type: bool = False) -> None:
    """Refuses a body by what its headers say: too long, of another type, of an unclear length."""
    encoding, length = given.get(b"transfer-encoding"), given.get(b"content-length")
    if encoding is not None and (length is not None or encoding.strip().lower() != b"chunked"):
        raise Refused(400, headers=CLOSE)
    if length is not None:
        if not (length.isdigit() and len(length) < 20):
            raise Refused(400, headers=CLOSE)
        if int(length) > BODY_MOST:
            raise Refused(413, headers=CLOSE)
    if b"content-encoding" in given:
        raise Refused(415, headers=CLOSE)
    if not any_type and given.get(b"content-type", b"").partition(b";")[0].strip().lower() != FORM:
        raise Refused(415, headers=CLOSE)


async def body(receive: Receive, *, most: int = BODY_MOST, seconds: float = BODY_SECONDS) -> bytes:
    """The body, whole, within ``most`` bytes and ``seconds``; granian itself would wait for ever."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refused(400, headers=CLOSE)  # gone, or its chunks were no chunks
                part = message.get("body", b"")
                size += len(part)
                if size > most:
                    raise Refused(413, headers=CLOSE)
                parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise Refused(408, headers=CLOSE) from None
