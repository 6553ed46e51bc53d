"""Allow connections to witnesses only at public addresses of the Internet. Each name is looked up once.

An organiser types the URL of a witness, and DNS gives its addresses. Neither must make the server connect to its own
network. The addresses are used as they were looked up, so that a second look-up cannot give others.
"""

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

IPAddress = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

MAX_ADDRESSES = 4  # tried for one name; each may take a while to fail
MAX_URL = 500

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?", re.ASCII)
_ADDRESS_6 = re.compile(r"[0-9A-Fa-f:.]{2,45}", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*", re.ASCII)

# Not public: IANA's registries of special-purpose addresses (RFC 6890), and multicast (RFC 5771).
_REFUSED_4 = tuple(
    map(
        IPv4Network,
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24"
        " 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4"
        " 240.0.0.0/4".split(),
    )
)
# IPv6 has one public block (RFC 4291 §2.4). Protocols, tunnels and examples in it are not public.
_GLOBAL_6 = IPv6Network("2000::/3")
_REFUSED_6 = tuple(map(IPv6Network, "2001::/23 2001:db8::/32 2002::/16 3fff::/20".split()))
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: the last 32 bits are an IPv4 address


_HTTPS = "A witness is asked over https only."


class Unreachable(Exception):
    """The witness was not asked, or its answer is unreadable. The sentence contains no text from the witness."""


class Deadline:
    """A time limit for a whole exchange. It does not restart with each byte from the other side."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, above 0. Raises TimeoutError if the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name from the system. Raises OSError."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class NetworkSettings:
    """Which connections to witnesses are allowed, and how names and certificates are checked."""

    allow_private: bool = False
    """Allow any address, and http to loopback: for a server and a witness on one machine or network, and for tests."""
    resolve: Resolve = look_up
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)


class Endpoint(NamedTuple):
    """A parsed URL of a witness, and the addresses of its host as they were looked up."""

    secure: bool
    host: str
    port: int
    path: str
    addresses: tuple[IPAddress, ...]


def check_url(url: str, *, allow_private: bool) -> None:
    """Raise Unreachable if a witness cannot be asked at this URL. The host is not looked up."""
    if not _parse(url).secure and not allow_private:
        raise Unreachable(_HTTPS)


def find_endpoint(url: str, network: NetworkSettings, deadline: Deadline) -> Endpoint:
    """Look the host up once, and keep the addresses that are allowed. Raises Unreachable and TimeoutError."""
    endpoint = _parse(url)
    if not endpoint.secure and not network.allow_private:
        raise Unreachable(_HTTPS)
    found = _look_up_in_time(endpoint, network.resolve, deadline)
    usable = [address for address in found if network.allow_private or is_public(address)]
    if not usable:
        raise Unreachable("The witness's name leads to no address of the open Internet, so it was not asked.")
    if not endpoint.secure and not all(address.is_loopback for address in usable):
        raise Unreachable("Without TLS a witness is asked on this machine only.")
    return endpoint._replace(addresses=tuple(usable[:MAX_ADDRESSES]))


def is_public(address: IPAddress) -> bool:
    """Return whether an address is public, also if it is an IPv4 address inside an IPv6 one."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_4)
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _REFUSED_6)


def _parse(url: str) -> Endpoint:
    """Parse a URL strictly: scheme, host, optional port, optional path. Raises Unreachable."""
    try:
        parts = urlsplit(url[: MAX_URL + 1])
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    path = parts.path.rstrip("/") if host else ""
    plain = host and f"{parts.scheme}://{parts.netloc}{parts.path}" == url and "@" not in parts.netloc
    if not plain or parts.scheme not in ("http", "https") or len(url) > MAX_URL or port == 0:
        raise Unreachable("The witness's URL should read https://host/ and perhaps a path.")
    pattern = _ADDRESS_6 if "[" in parts.netloc else _HOST
    if not pattern.fullmatch(host) or not _PATH.fullmatch(path):
        raise Unreachable("The witness's URL holds characters that must be written in ASCII.")
    secure = parts.scheme == "https"
    return Endpoint(secure, host, port or (443 if secure else 80), path, ())


def _look_up_in_time(endpoint: Endpoint, resolve: Resolve, deadline: Deadline) -> list[IPAddress]:
    """Look up in a separate thread, because a system look-up that hangs cannot be stopped."""
    found: list[Sequence[str]] = []

    def run() -> None:
        try:
            found.append(resolve(endpoint.host, endpoint.port))
        except (OSError, UnicodeError):
            found.append(())

    thread = threading.Thread(target=run, name="witness-look-up", daemon=True)
    thread.start()
    thread.join(deadline.left())
    if thread.is_alive():
        raise TimeoutError
    addresses = list(dict.fromkeys(map(ip_address, found[0] if found else ())))
    if not addresses:
        raise Unreachable("The witness's name could not be looked up.")
    return addresses
