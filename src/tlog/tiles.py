"""A log as files: tiles of hashes and bundles of entries. c2sp.org/tlog-tiles."""

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from tlog.errors import Malformed, TlogError
from tlog.merkle import full_root
from tlog.wire import HASH_BYTES, MAX_SIZE

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""The number of hashes in a full tile, and of entries in a full bundle."""

ENTRIES = -1
"""The level of bundles of entries. They cover the same leaves as the tiles of level 0."""

MAX_ENTRY = 0xFFFF
"""The most bytes of an entry in a bundle."""

_PATH = re.compile(
    r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,7}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)
_LENGTH = struct.Struct(">H")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile of hashes, or at level ENTRIES a bundle of entries. It is partial if `width` is below 256."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return the path, such as `tile/0/x001/234.p/5`. c2sp.org/tlog-tiles "Merkle Tree", "Log entries"."""
        if not self._exists():
            raise TlogError(f"No tree has the {self}.")
        number = f"{self.index % 1000:03}"
        rest = self.index // 1000
        while rest:
            number = f"x{rest % 1000:03}/{number}"
            rest //= 1000
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{'entries' if self.level == ENTRIES else self.level}/{number}{partial}"

    @classmethod
    def parse(cls, path: str) -> Self:
        """Parse a path, in the one spelling that `path` gives. Raises Malformed. c2sp.org/tlog-tiles "Merkle Tree"."""
        found = _PATH.fullmatch(path)
        if found:
            level, number, width = found.groups()
            digits = number.replace("x", "").replace("/", "")
            tile = cls(ENTRIES if level == "entries" else int(level), int(digits), int(width or WIDTH))
            if tile._exists() and tile.path == path:
                return tile
        raise Malformed("This is not a path of a tile.")

    def is_within(self, size: int) -> bool:
        """Return whether a tree of `size` leaves or fewer has this tile. c2sp.org/tlog-tiles."""
        return self.index * WIDTH + self.width <= size >> HEIGHT * max(self.level, 0)

    def is_at(self, size: int) -> bool:
        """Return whether the tree of exactly `size` leaves has this tile. c2sp.org/tlog-tiles "Partial Tiles"."""
        left = (size >> HEIGHT * max(self.level, 0)) - self.index * WIDTH
        return left > 0 and self.width == min(WIDTH, left)

    def _exists(self) -> bool:
        """Return whether any tree of up to 2⁶³−1 leaves has this tile."""
        if not (ENTRIES <= self.level < HEIGHT and self.index >= 0 and 1 <= self.width <= WIDTH):
            return False
        return self.is_within(MAX_SIZE)


def new_tiles(old: int, new: int) -> Iterator[Tile]:
    """Yield the tiles of the tree of `new` leaves that the tree of `old` leaves does not have.

    The order is level by level, from the left. c2sp.org/tlog-tiles "Partial Tiles".
    """
    for level in range(HEIGHT):
        yield from _new(level, old >> HEIGHT * level, new >> HEIGHT * level)


def new_bundles(old: int, new: int) -> Iterator[Tile]:
    """Return the bundles of entries that are new, as in `new_tiles`. c2sp.org/tlog-tiles "Log entries"."""
    return _new(ENTRIES, old, new)


def _new(level: int, old: int, new: int) -> Iterator[Tile]:
    if old < new:
        for index in range(old // WIDTH, -(-new // WIDTH)):
            yield Tile(level, index, min(WIDTH, new - index * WIDTH))


Fetch = Callable[[Tile], bytes]
"""Return the bytes of a tile. For a partial tile it may return the full one, if the partial one is deleted."""


def grow(old: int, leaves: Sequence[bytes], fetch: Fetch) -> Iterator[tuple[Tile, bytes]]:
    """Append leaf hashes to the tree of `old` leaves, and yield the new tiles with their bytes.

    The order is that of `new_tiles`. `fetch` is called for the partial tiles of the old tree, at most one a level.
    c2sp.org/tlog-tiles "Merkle Tree".
    """
    hashes = list(leaves)
    for level in range(HEIGHT):
        if not hashes:
            return
        index, width = divmod(old, WIDTH)
        if width:
            hashes = [*split_hashes(fetch(Tile(level, index, width)), width), *hashes]
        above = []
        for at in range(0, len(hashes), WIDTH):
            part = hashes[at : at + WIDTH]
            yield Tile(level, index + at // WIDTH, len(part)), b"".join(part)
            if len(part) == WIDTH:
                above.append(full_root(part))
        old, hashes = index, above


class HashReader:
    """Read hashes of subtrees from tiles, for proofs. This is a `GetHash` of the tree of `size` leaves.

    Each tile is fetched once and stays in memory, so use one reader for one proof or a few. The reader does not verify
    the tiles: verify the proof against a checkpoint. c2sp.org/tlog-tiles "Merkle Tree".
    """

    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size = size
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of the full subtree over [index · 2^level, (index + 1) · 2^level). RFC 6962 §2.1."""
        if level < 0 or index < 0 or index + 1 > self._size >> level:
            raise TlogError(f"A tree of {self._size} leaves has no full subtree {index} at level {level}.")
        tile_level, height = divmod(level, HEIGHT)
        tile_index, start = divmod(index << height, WIDTH)
        return full_root(self._tile(tile_level, tile_index)[start : start + (1 << height)])

    def _tile(self, level: int, index: int) -> tuple[bytes, ...]:
        hashes = self._tiles.get((level, index))
        if hashes is None:
            width = min(WIDTH, (self._size >> HEIGHT * level) - index * WIDTH)
            hashes = split_hashes(self._fetch(Tile(level, index, width)), width)
            self._tiles[level, index] = hashes
        return hashes


def split_hashes(data: bytes, width: int) -> tuple[bytes, ...]:
    """Return the first `width` hashes of a tile of `width` or 256 hashes. Raises Malformed. c2sp.org/tlog-tiles."""
    if len(data) not in (width * HASH_BYTES, WIDTH * HASH_BYTES):
        raise Malformed(f"A tile of {width} hashes has {width * HASH_BYTES} bytes, not {len(data)}.")
    return struct.unpack_from(f"{HASH_BYTES}s" * width, data)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return a bundle: each entry after its length as uint16 in network order. c2sp.org/tlog-tiles "Log entries"."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise TlogError(f"An entry of {len(entry)} bytes is too long for a bundle.")
        parts += (_LENGTH.pack(len(entry)), entry)
    return b"".join(parts)


def decode_bundle(data: bytes, width: int) -> Sequence[bytes]:
    """Return the `width` entries of a bundle, which must have no other bytes. Raises Malformed.

    If all entries have the same length, as in Sabal's logs, this takes 30 ns an entry.
    c2sp.org/tlog-tiles "Log entries".
    """
    if not 1 <= width <= WIDTH:
        raise TlogError(f"A bundle holds 1 to {WIDTH} entries.")
    stride, rest = divmod(len(data), width)
    length = stride - 2
    if not rest and 0 <= length <= MAX_ENTRY and data[::stride] + data[1::stride] == _lengths(length, width):
        return struct.unpack(f"2x{length}s" * width, data)
    entries: list[bytes] = []
    at = 0
    while at + 2 <= len(data) and len(entries) < width:
        end = at + 2 + _LENGTH.unpack_from(data, at)[0]
        entries.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(entries) != width:
        raise Malformed(f"This is not a bundle of this width: {width}.")
    return entries


def _lengths(length: int, width: int) -> bytes:
    """Return the high bytes of `width` equal lengths, then their low bytes."""
    return bytes([length >> 8]) * width + bytes([length & 0xFF]) * width
