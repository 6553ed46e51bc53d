"""Limits in memory: how much one network may sign or ask for the newsletter, how many letters one mailbox gets.

Nothing here holds an address. A network, a mailbox or a domain is counted under an HMAC whose key is drawn
anew each day and never leaves the process; and it is counted in a table of fixed size. There is no eviction,
so nobody can push their own count out by filling the memory with others; all that a full table does is count
too high.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import secrets
import struct
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

from sabal import days

MINUTE, HOUR, DAY = 60, 3_600, days.SECONDS
SOFT_MINUTE, SOFT_HOUR, SOFT_DAY = 60, 1_000, 3_000
HARD = 10  # times the soft limit
WIDE = 10  # a /48 may do ten times what a /64 may
LETTERS_A_DAY = 3
SMALL_DOMAIN_AN_HOUR = 50
HELD_A_DAY = 5_000  # for one petition: in the days that a row may wait, they leave room for the others
HELD_A_NETWORK = 1_000  # of these: a flood from one place leaves the others' share alone
MOST = 65_535  # what a cell can count to; above every limit

logger = logging.getLogger("sabal.front")


class Verdict(Enum):
    """What a network may still do."""

    FREE = "free"
    SOFT = "soft"  # signatures are held, letters go by the slow lane
    HARD = "hard"  # nothing is stored


@dataclass(frozen=True, slots=True)
class Network:
    """A sender's network under today's key: ``near`` (/24, /64, onion, Tor) and, in IPv6, ``wide`` (/48)."""

    near: bytes
    wide: bytes | None = None


class Tally:
    """Counts of keys within fixed windows of ``seconds``: a count-min sketch with conservative update.

    Four rows of ``width`` 16-bit cells; a key's count is the least of its four cells, so it is never too low.
    (Cormode and Muthukrishnan 2005; Estan and Varghese 2002 for the update.)
    """

    def __init__(self, seconds: int, width: int = 65_536) -> None:
        if width & (width - 1):
            raise ValueError("the width of a tally is a power of two")
        self._seconds, self._mask = seconds, width - 1
        self._empty = bytes(2 * width)
        self._window = -1
        self._rows: tuple[array[int], ...] = ()

    def add(self, key: bytes, now: float) -> int:
        """Counts the key (16 random-looking bytes) once and gives its count in this window, itself included."""
        cells = self._cells(key, now)
        count = min(row[place] for row, place in cells) + 1
        if count > MOST:
            return MOST
        for row, place in cells:
            if row[place] < count:
                row[place] = count
        return count

    def count(self, key: bytes, now: float) -> int:
        """How often the key was counted in this window; never too low."""
        return min(row[place] for row, place in self._cells(key, now))

    def _cells(self, key: bytes, now: float) -> list[tuple[array[int], int]]:
        window = int(now) // self._seconds
        if window > self._window:  # a clock that goes back stays in the window: no count is lost by it
            self._rows = tuple(array("H", self._empty) for _ in range(4))
            self._window = window
        places = struct.unpack("<4I", key)
        return [(row, place & self._mask) for row, place in zip(self._rows, places, strict=True)]


class Attempts:
    """What networks try of one kind, within the minute and the hour, and how much of it is free."""

    def __init__(self, *soft: tuple[int, int]) -> None:
        """`soft` are pairs of seconds and how many attempts these may hold."""
        self._near = [(Tally(seconds), most) for seconds, most in soft]
        self._wide = [(Tally(seconds), WIDE * most) for seconds, most in soft]

    def add(self, network: Network | None, now: float) -> Verdict:
        """Counts one attempt from that network and says what it may do."""
        if network is None:
            return Verdict.FREE
        pressure = max(tally.add(network.near, now) / most for tally, most in self._near)
        if network.wide is not None:
            pressure = max(pressure, *(tally.add(network.wide, now) / most for tally, most in self._wide))
        if pressure > HARD:
            return Verdict.HARD
        return Verdict.SOFT if pressure > 1 else Verdict.FREE


class Limits:
    """The limits of one process, each divided by the number of processes; one object a process."""

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
        self._small = share(SMALL_DOMAIN_AN_HOUR)
        self._tor_exits = frozenset(tor_exits)
        self._unlimited_loopback = unlimited_loopback
        self._draw_key, self._key, self._day = draw_key, b"", -1
        self._mailboxes = Tally(DAY, 1 << 20)
        self._domains = Tally(HOUR)
        self._held, self._most_held = Tally(DAY, 1_024), share(HELD_A_DAY)
        self._held_near, self._most_held_near = Tally(DAY), share(HELD_A_NETWORK)

    def network(self, address: str, now: float, *, onion: bool = False) -> Network | None:
        """The network of a client's address; None where nothing is counted (loopback in development)."""
        near, wide = prefixes(address)
        if onion and near == LOOPBACK:
            near, wide = b"onion", None
        elif near == LOOPBACK and self._unlimited_loopback:
            return None
        elif address in self._tor_exits:
            near, wide = b"tor", None
        return Network(self._under(b"n" + near, now), None if wide is None else self._under(b"w" + wide, now))

    def sign(self, network: Network | None, now: float) -> Verdict:
        """Counts one attempt to sign from that network and says what it may do."""
        return self._signing.add(network, now)

    def ask(self, network: Network | None, now: float) -> Verdict:
        """Counts one asking for the newsletter from that network, by itself: neither uses up what the other may."""
        return self._asking.add(network, now)

    def letters_left(self, mailbox: bytes, now: float) -> bool:
        """Whether a mailbox (bytes that stand for it and for its petition) has not had its three letters today."""
        return self._mailboxes.count(self._under(b"m" + mailbox, now), now) < LETTERS_A_DAY

    def letter(self, mailbox: bytes, now: float) -> None:
        """Counts one letter to a mailbox: after it is on disk, so that what failed may be tried again."""
        self._mailboxes.add(self._under(b"m" + mailbox, now), now)

    def held(self, petition_id: int, network: bytes, now: float) -> bool:
        """Counts one signature to be held; False where its network, or the petition, has had the day's share of them.

        `network` is `Network.near`; empty where nothing is counted.
        """
        key = self._under(b"h%d/" % petition_id + network, now)
        if network and self._held_near.add(key, now) > self._most_held_near:
            return False
        return self._held.add(self._under(b"h%d" % petition_id, now), now) <= self._most_held

    def small_domain(self, domain: bytes, now: float) -> bool:
        """Counts one letter to a domain that is no large provider; False where it takes the slow lane."""
        return self._domains.add(self._under(b"d" + domain, now), now) <= self._small

    def _under(self, name: bytes, now: float) -> bytes:
        day = days.number_at(now)
        if day > self._day:
            self._day, self._key = day, self._draw_key()
        return hmac.digest(self._key, name, "sha256")[:16]


LOOPBACK = b"loopback"
UNKNOWN = b"unknown"  # what is no address shares one bucket: it must not be a way around the limits


@lru_cache(maxsize=4_096)
def prefixes(address: str) -> tuple[bytes, bytes | None]:
    """The /24 of an IPv4 address, or the /64 and the /48 of an IPv6 one (IPv4 within IPv6 counts as IPv4)."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN, None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return LOOPBACK, None
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.packed[:3], None
    return ip.packed[:8], ip.packed[:6]


class Clients:
    """Takes a client's address from the peer and X-Forwarded-For, by the configured trusted hops."""

    def __init__(self, trusted_hops: int) -> None:
        self._hops = trusted_hops
        self._shouted = False

    def address(self, peer: str, forwarded: bytes | None) -> str:
        """The address that the outermost trusted proxy saw: counted from the right, never from the left.

        Each trusted proxy appends the address it was called from. What stands further left was sent by the
        client, and can be anything.
        """
        if not self._hops or forwarded is None:
            return peer
        seen = forwarded.decode("latin-1").split(",")
        return bare(seen[-min(self._hops, len(seen))].strip())

    def notice(self, peer: str, forwarded: bytes | None) -> None:
        """Shouts, once, where a proxy on this machine stands before us and nobody told us."""
        if forwarded is not None and not self._hops and not self._shouted and prefixes(peer)[0] == LOOPBACK:
            self._shouted = True
            logger.error(
                "A proxy on this machine sends X-Forwarded-For, but SABAL_TRUSTED_HOPS is 0, so all visitors"
                " share one network limit. Set SABAL_TRUSTED_HOPS to the number of your proxies."
            )


def bare(entry: str) -> str:
    """An address of X-Forwarded-For without the port that some proxies add."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def tor_exits(path: Path) -> frozenset[str]:
    """The addresses of a list of Tor exits, one a line (``#`` comments); none where there is no such file."""
    try:
        lines = path.read_text("ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
