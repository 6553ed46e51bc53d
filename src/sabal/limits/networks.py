"""Limits in memory: for signing and newsletter requests of one network, and for emails to one email address.

No address is stored. A network, an email address or a domain is counted under a keyed hash (BLAKE2b, RFC 7693), with a
new random key each day that never leaves the process. The counts are in tables of fixed size without eviction. So a
client cannot remove its own count by filling the memory with others; a full table only counts too high.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import socket
import struct
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from pathlib import Path

from sabal import days

MINUTE, HOUR, DAY = 60, 3_600, days.SECONDS
SOFT_MINUTE, SOFT_HOUR, SOFT_DAY = 60, 1_000, 3_000
HARD = 10  # factor from the soft to the hard limit
WIDE = 10  # factor from the limit of a /64 to that of its /48
EMAILS_A_DAY = 3
SMALL_DOMAIN_AN_HOUR = 50
SURGE = 100  # attempts of one network within an hour, from which on it is a surge
HELD_A_DAY = 5_000  # for one petition, so that over the days that a row may wait, capacity is left for other signatures
HELD_A_NETWORK = 1_000  # of these for one network, so that a flood from it leaves the share of the others
MOST = 65_535  # the maximum of a cell; above every limit
HASH_BYTES = 16
Rows = tuple["array[int]", "array[int]", "array[int]", "array[int]"]
_columns: Callable[[bytes], tuple[int, int, int, int]] = struct.Struct("<4I").unpack

logger = logging.getLogger("sabal.front")


class Verdict(Enum):
    """The result of counting an attempt of a network."""

    FREE = "free"
    SOFT = "soft"  # signatures are held, emails use the slow lane
    HARD = "hard"  # nothing is stored


@dataclass(frozen=True, slots=True)
class Network:
    """A client's network under today's key: `near` (/24, /64, onion, Tor) and, in IPv6, `wide` (/48)."""

    near: bytes
    wide: bytes | None = None


class CountMinSketch:
    """Counts of keys within fixed windows of `seconds`, with conservative update.

    It has four rows of `width` 16-bit cells. A key's count is the least of its four cells, so it is never too low.
    (Cormode and Muthukrishnan 2005; Estan and Varghese 2002 for the update.)
    """

    def __init__(self, seconds: int, width: int = 65_536) -> None:
        if width & (width - 1):
            raise ValueError("the width of a count-min sketch is a power of two")
        self._seconds, self._mask = seconds, width - 1
        self._empty = bytes(2 * width)
        self._window = -1
        self._rows: Rows = (
            array("H"),
            array("H"),
            array("H"),
            array("H"),
        )  # made when the first window begins

    def add(self, key: bytes, now: float) -> int:
        """Count the key (16 pseudorandom bytes) once, and return its count in this window, this one included."""
        # Written out, because each attempt is counted in three to six windows.
        first, second, third, fourth = self._current_rows(now)
        a, b, c, d = _columns(key)
        mask = self._mask
        a, b, c, d = a & mask, b & mask, c & mask, d & mask
        count = min(first[a], second[b], third[c], fourth[d]) + 1
        if count > MOST:
            return MOST
        if first[a] < count:
            first[a] = count
        if second[b] < count:
            second[b] = count
        if third[c] < count:
            third[c] = count
        if fourth[d] < count:
            fourth[d] = count
        return count

    def count(self, key: bytes, now: float) -> int:
        """Return how often the key was counted in this window; the number is never too low."""
        columns = zip(self._current_rows(now), _columns(key), strict=True)
        return min(row[column & self._mask] for row, column in columns)

    def _current_rows(self, now: float) -> Rows:
        window = int(now) // self._seconds
        if window > self._window:  # if the clock is set back, the window stays, so that no count is lost
            empty = self._empty
            self._rows = (array("H", empty), array("H", empty), array("H", empty), array("H", empty))
            self._window = window
        return self._rows


class Attempts:
    """The attempts of networks to do one thing, with a soft limit for each window."""

    def __init__(self, *soft: tuple[int, int]) -> None:
        """Take pairs: the seconds of a window, and its soft limit of attempts."""
        self._near = [(CountMinSketch(seconds), most) for seconds, most in soft]
        self._windows = {seconds: counts for (seconds, _), (counts, _) in zip(soft, self._near, strict=True)}
        self._wide = [(CountMinSketch(seconds), WIDE * most) for seconds, most in soft]

    def within(self, seconds: int, network: Network, now: float) -> int:
        """Return the number of attempts of a network in the present window of that length."""
        return self._windows[seconds].count(network.near, now)

    def add(self, network: Network | None, now: float, strictness: float = 1.0) -> Verdict:
        """Count one attempt from that network, and return the verdict. Its number is multiplied by `strictness`."""
        if network is None:
            return Verdict.FREE
        pressure = 0.0
        for counts, most in self._near:
            pressure = max(pressure, counts.add(network.near, now) / most)
        if network.wide is not None:
            for counts, most in self._wide:
                pressure = max(pressure, counts.add(network.wide, now) / most)
        pressure *= strictness
        if pressure > HARD:
            return Verdict.HARD
        return Verdict.SOFT if pressure > 1 else Verdict.FREE


class Limits:
    """The limits of one process. Each limit is divided by the number of processes."""

    def __init__(
        self,
        *,
        workers: int = 1,
        tor_exits: Iterable[str] = (),
        unlimited_loopback: bool = False,
        draw_key: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    ) -> None:
        def share(limit: int) -> int:
            return max(1, -(-limit // workers))

        soft = [(MINUTE, share(SOFT_MINUTE)), (HOUR, share(SOFT_HOUR)), (DAY, share(SOFT_DAY))]
        self._signing, self._asking = Attempts(*soft), Attempts(*soft)
        self.surge_from = share(SURGE)
        self.small_domain_until = share(SMALL_DOMAIN_AN_HOUR)
        self._tor_exits = frozenset(tor_exits)
        self._unlimited_loopback = unlimited_loopback
        self._draw_key, self._day = draw_key, -1
        self._keyed = blake2b(digest_size=HASH_BYTES)  # with the key of the day, to be copied
        self._mailboxes = CountMinSketch(DAY, 1 << 20)
        self._domains = CountMinSketch(HOUR)
        self._held, self._most_held = CountMinSketch(DAY, 1_024), share(HELD_A_DAY)
        self._held_near, self._most_held_near = CountMinSketch(DAY), share(HELD_A_NETWORK)

    def network(self, address: str, now: float, *, onion: bool = False) -> Network | None:
        """Return the network of a client's address; None if it is not counted (loopback in development)."""
        near, wide = prefixes(address)
        if onion and near == LOOPBACK:
            near, wide = b"onion", None
        elif near == LOOPBACK and self._unlimited_loopback:
            return None
        elif address in self._tor_exits:
            near, wide = b"tor", None
        return Network(self._under(b"n" + near, now), None if wide is None else self._under(b"w" + wide, now))

    def sign(self, network: Network | None, now: float, strictness: float = 1.0) -> Verdict:
        """Count one attempt to sign from that network, and return the verdict."""
        return self._signing.add(network, now, strictness)

    def ask(self, network: Network | None, now: float, strictness: float = 1.0) -> Verdict:
        """Count one newsletter request from that network, and return the verdict. Signing has other counts."""
        return self._asking.add(network, now, strictness)

    def surge(self, address: str, network: Network | None, now: float, *, onion: bool = False) -> str:
        """Return the name of a network that tries to sign very often within this hour; empty if it does not.

        It is its /24 or /64, "onion" or "tor".
        """
        if network is None or self._signing.within(HOUR, network, now) <= self.surge_from:
            return ""
        data = packed(address)
        if address in self._tor_exits:
            return "tor"
        if onion or not data:
            return "onion" if onion else ""
        bits = 24 if len(data) == 4 else 64
        return str(ipaddress.ip_network((data, bits), strict=False))

    def emails_left(self, mailbox: bytes, now: float) -> bool:
        """Return whether a mailbox has not had its three emails today. `mailbox` identifies it and its petition."""
        return self._mailboxes.count(self._under(b"m" + mailbox, now), now) < EMAILS_A_DAY

    def count_email(self, mailbox: bytes, now: float) -> None:
        """Count one email to a mailbox. Call it after the email is on disk, so that a failed one can be tried again."""
        self._mailboxes.add(self._under(b"m" + mailbox, now), now)

    def held(self, petition_id: int, network: bytes, now: float) -> bool:
        """Count one signature to be held; return False if its network or the petition has used up the day's share.

        `network` is `Network.near`, or empty if the network is not counted.
        """
        return self._has_share(b"h%d" % petition_id, network, now)

    def robot(self, organisation: str, network: bytes, now: float) -> bool:
        """Count one newsletter request that a robot may have sent; return False as `held` does.

        Each organisation has a share of its own.
        """
        return self._has_share(b"r" + organisation.encode(), network, now)

    def _has_share(self, name: bytes, network: bytes, now: float) -> bool:
        key = self._under(name + b"/" + network, now)
        if network and self._held_near.add(key, now) > self._most_held_near:
            return False
        return self._held.add(self._under(name, now), now) <= self._most_held

    def small_domain(self, domain: bytes, now: float) -> bool:
        """Count one email to a domain that is no large provider; return False if the email must use the slow lane."""
        return self._domains.add(self._under(b"d" + domain, now), now) <= self.small_domain_until

    def _under(self, name: bytes, now: float) -> bytes:
        day = days.number_at(now)
        if day > self._day:
            self._day, self._keyed = day, blake2b(key=self._draw_key(), digest_size=HASH_BYTES)
        keyed = self._keyed.copy()
        keyed.update(name)
        return keyed.digest()


LOOPBACK = b"loopback"
UNKNOWN = b"unknown"  # invalid addresses share one network, so that they are no way around the limits
_MAPPED = bytes(10) + b"\xff\xff"  # IPv4-mapped addresses (RFC 4291 §2.5.5.2)
_LOOPBACK_6 = bytes(15) + b"\x01"


def prefixes(address: str) -> tuple[bytes, bytes | None]:
    """Return the /24 of an IPv4 address, or the /64 and the /48 of an IPv6 one (IPv4 within IPv6 counts as IPv4)."""
    data = packed(address)
    if data == _LOOPBACK_6 or (len(data) == 4 and data[0] == 127):
        return LOOPBACK, None
    if len(data) == 4:
        return data[:3], None
    return (data[:8], data[:6]) if data else (UNKNOWN, None)


def packed(address: str) -> bytes:
    """Return the 4 or 16 bytes of an address (4 for IPv4 within IPv6), or no byte if it is none."""
    address = address.partition("%")[0]
    try:
        data = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):  # no address, or characters that none has
        return b""
    return data[12:] if len(data) == 16 and data.startswith(_MAPPED) else data


class Clients:
    """The addresses of clients, from the peer and X-Forwarded-For, by the configured trusted hops."""

    def __init__(self, trusted_hops: int) -> None:
        self._hops = trusted_hops
        self._warned = False

    def address(self, peer: str, forwarded: bytes | None) -> str:
        """Return the address that the outermost trusted proxy saw, counted from the right.

        Each trusted proxy appends the address of its own client. Everything further left was sent by the client, and
        can be false.
        """
        if not self._hops or forwarded is None:
            return peer
        seen = forwarded.decode("latin-1").split(",")
        return bare(seen[-min(self._hops, len(seen))].strip())

    def notice(self, peer: str, forwarded: bytes | None) -> None:
        """Log an error, once, if a proxy on this machine is in front of the server and no trusted hops are set."""
        if forwarded is not None and not self._hops and not self._warned and prefixes(peer)[0] == LOOPBACK:
            self._warned = True
            logger.error(
                "A proxy on this machine sends X-Forwarded-For, but SABAL_TRUSTED_HOPS is 0, so all visitors"
                " share one network limit. Set SABAL_TRUSTED_HOPS to the number of your proxies."
            )


def bare(entry: str) -> str:
    """Return an address of X-Forwarded-For without the port that some proxies add."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def tor_exits(path: Path) -> frozenset[str]:
    """Return the addresses of a list of Tor exits, one a line (`#` comments); none if there is no such file."""
    try:
        lines = path.read_text("ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
