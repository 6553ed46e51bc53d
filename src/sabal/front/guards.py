"""The guards of the front end. Each checks one property of a request and raises Refused if it fails."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from sabal.http import CLOSE, Headers, Refused

HEADERS_MOST = 16_384  # bytes, names and values together
BODY_MOST = 16_384  # bytes
# A form up to this length is read to its end before it is refused. If the connection were closed before, the sender or
# a proxy might see an error in place of the page that says why. The sample proxies refuse longer ones themselves.
BODY_READ_MOST = 65_536
BODY_SECONDS = 5.0
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
FINAL_DOT = re.compile(rb"(?<=[a-z0-9])\.(?=(?::[0-9]+)?\Z)")
FORM = b"application/x-www-form-urlencoded"

# If one of these comes twice, a proxy may have used one value and we the other.
SINGLE = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"content-type", b"origin", b"sec-fetch-site")
)

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


def headers(raw: Headers) -> dict[bytes, bytes]:
    """Return the headers by name, with X-Forwarded-For joined in its order.

    Raises Refused (400) if a header of SINGLE comes twice.
    """
    found = dict(raw)
    if len(found) != len(raw):
        names = [name for name, _ in raw]
        if any(names.count(name) > 1 for name in SINGLE):
            raise Refused(400)
        if b"x-forwarded-for" in found:
            found[b"x-forwarded-for"] = b",".join(v for name, v in raw if name == b"x-forwarded-for")
    return found


def size(raw: Headers) -> None:
    """Raise Refused (431) if the headers have more than 16 kB, names and values together."""
    if sum(map(len, chain.from_iterable(raw))) > HEADERS_MOST:
        raise Refused(431)


class Hosts:
    """The host names that this site answers, and its own origins."""

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
        """Raise Refused (400) if the Host is not a name of this site."""
        if host not in self._names:
            self._check_slowly(host)

    def own(self, origin: bytes) -> bool:
        """Return whether the origin is one of this site."""
        name = plain(origin).decode("latin-1")
        if name in self._origins:
            return True
        scheme, _, host = name.partition("://")
        return self._dev and scheme == "http" and without_port(host) in LOOPBACK_NAMES

    def is_onion(self, host: bytes) -> bool:
        """Return whether the request was sent to the onion name."""
        return bool(self.onion) and plain(host) == self.onion.encode("ascii")

    def _check_slowly(self, host: bytes) -> None:
        name = plain(host)
        if name in self._names:
            return
        if self._dev and without_port(name.decode("latin-1")) in LOOPBACK_NAMES:
            return
        raise Refused(400)


def plain(host: bytes) -> bytes:
    """Return a host or an origin in lower case and without the final dot of its name, which names the same host."""
    return FINAL_DOT.sub(b"", host.lower())


def onion_name(onion: str) -> str:
    """Return the host of an onion address, given with or without a scheme."""
    return onion.lower().removeprefix("http://").removeprefix("https://").rstrip("/")


def without_port(host: str) -> str:
    """Return a host without its port. The brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isascii() and port.isdigit() else host


def same_origin(given: Mapping[bytes, bytes], hosts: Hosts) -> bool:
    """Return whether a POST comes from a page of this site, or not from a browser.

    `Sec-Fetch-Site` cannot be set by the script of a page, so it decides if it is present. Browsers that do not send it
    send `Origin`. The origin "null" (a sandboxed frame, a data: URL) never counts as this site.
    """
    site = given.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    origin = given.get(b"origin")
    return origin is None or hosts.own(origin)


def body_headers(given: Mapping[bytes, bytes], *, any_type: bool = False) -> None:
    """Raise Refused if the headers announce a body that is too long, of another type or of unclear length."""
    encoding, length = given.get(b"transfer-encoding"), given.get(b"content-length")
    if encoding is not None and (length is not None or encoding.strip().lower() != b"chunked"):
        raise Refused(400, headers=CLOSE)
    if length is not None:
        if not (length.isdigit() and len(length) < 20):
            raise Refused(400, headers=CLOSE)
        if int(length) > BODY_READ_MOST:
            raise too_long()
    if b"content-encoding" in given:
        raise Refused(415, headers=CLOSE)
    if not any_type and given.get(b"content-type", b"").partition(b";")[0].strip().lower() != FORM:
        raise Refused(415, headers=CLOSE)


def too_long() -> Refused:
    """Return a 413 to raise."""
    return Refused(413, "too-long", CLOSE)


async def body(receive: Receive, *, most: int = BODY_MOST, seconds: float = BODY_SECONDS) -> bytes:
    """Return the complete body, of at most `most` bytes, within `seconds`. granian itself would wait for ever.

    Raises Refused: 400 if the client is gone or its chunks are malformed, 408 if it is too slow, 413 if it is too long.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refused(400, headers=CLOSE)
                part = message.get("body", b"")
                size += len(part)
                ended = not message.get("more_body", False)
                if size > (most if ended else BODY_READ_MOST):
                    raise too_long()
                if size > most:
                    parts.clear()
                else:
                    parts.append(part)
                if ended:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise Refused(408, headers=CLOSE) from None
