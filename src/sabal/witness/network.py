"""Where a witness may be: addresses of the open Internet, found once and then held on to.

An organiser types a witness's URL, and DNS says where it leads; neither may make the server speak to its own network.
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

MOST_ADDRESSES = 4  # of a name that are tried; nobody needs more, and each may take a while to fail
LONGEST_URL = 500

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?", re.ASCII)
_ADDRESS_6 = re.compile(r"[0-9A-Fa-f:.]{2,45}", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*", re.ASCII)

# IANA's registries of special-purpose addresses (RFC 6890), and multicast (RFC 5771): nothing public is there.
_REFUSED_4 = tuple(
    map(
        IPv4Network,
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24"
        " 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4"
        " 240.0.0.0/4".split(),
    )
)
# IPv6 is public in one block alone (RFC 4291 §2.4), but for protocols, tunnels and examples within it.
_GLOBAL_6 = IPv6Network("2000::/3")
_REFUSED_6 = tuple(map(IPv6Network, "2001::/23 2001:db8::/32 2002::/16 3fff::/20".split()))
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: an IPv4 address stands in its last 32 bits


_HTTPS = "A witness is asked over https only."


class Unreachable(Exception):
    """The witness was not asked, or gave no answer that can be read; the sentence holds nothing that it sent."""


class Deadline:
    """The moment at which everything must be over, however slowly the other side goes on."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, above 0; raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def look_up(host: str, port: int) -> list[str]:
    """What the system says a name's addresses are; raises OSError."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Network:
    """How witnesses are reached."""

    allow_private: bool = False
    """For a house and a witness on one machine or one network, and for tests: any address, and http to loopback."""
    resolve: Resolve = look_up
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)


class Place(NamedTuple):
    """A witness's URL, and the addresses that its host had when it was looked up."""

    secure: bool
    host: str
    port: int
    path: str
    addresses: tuple[IPAddress, ...]


def refuse_unaskable(url: str, *, allow_private: bool) -> None:
    """Raise Unreachable for a URL that no witness can be asked at, before anybody relies on it; looks nothing up."""
    if not _parse(url).secure and not allow_private:
        raise Unreachable(_HTTPS)


def find(url: str, network: Network, deadline: Deadline) -> Place:
    """Look the host up, once, and keep the addresses that may be asked. Raises Unreachable and TimeoutError."""
    place = _parse(url)
    if not place.secure and not network.allow_private:
        raise Unreachable(_HTTPS)
    found = _look_up_in_time(place, network.resolve, deadline)
    usable = [address for address in found if network.allow_private or is_public(address)]
    if not usable:
        raise Unreachable("The witness's name leads to no address of the open Internet, so it was not asked.")
    if not place.secure and not all(address.is_loopback for address in usable):
        raise Unreachable("Without TLS a witness is asked on this machine only.")
    return place._replace(addresses=tuple(usable[:MOST_ADDRESSES]))


def is_public(address: IPAddress) -> bool:
    """Whether an address is one of the open Internet, also where IPv6 only wraps it."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_4)
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _REFUSED_6)


def _parse(url: str) -> Place:
    """Strictly: scheme, host, a port perhaps, a path perhaps, and nothing else."""
    try:
        parts = urlsplit(url[: LONGEST_URL + 1])
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    path = parts.path.rstrip("/") if host else ""
    plain = host and f"{parts.scheme}://{parts.netloc}{parts.path}" == url and "@" not in parts.netloc
    if not plain or parts.scheme not in ("http", "https") or len(url) > LONGEST_URL or port == 0:
        raise Unreachable("The witness's URL should read https://host/ and perhaps a path.")
    named = _ADDRESS_6 if "[" in parts.netloc else _HOST
    if not named.fullmatch(host) or not _PATH.fullmatch(path):
        raise Unreachable("The witness's URL holds characters that must be written in ASCII.")
    secure = parts.scheme == "https"
    return Place(secure, host, port or (443 if secure else 80), path, ())


def _look_up_in_time(place: Place, resolve: Resolve, deadline: Deadline) -> list[IPAddress]:
    """In a thread of its own, since nothing can end a look-up of the system's that hangs."""
    found: list[Sequence[str]] = []

    def run() -> None:
        try:
            found.append(resolve(place.host, place.port))
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
