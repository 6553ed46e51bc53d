"""Hash trees over SHA-256: RFC 6962 §2.1, the same as RFC 9162 §2.1.

The code hashes whole levels at once, in loops that call only SHA-256 on short byte strings. One core hashes about a
million entries a second.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice

from tlog.errors import TlogError
from tlog.wire import HASH_BYTES, MAX_SIZE

GetHash = Callable[[int, int], bytes]
"""(level, index) → hash of the full subtree over the leaves [index · 2^level, (index + 1) · 2^level)."""

EMPTY_ROOT = sha256().digest()
"""The root of the tree without leaves. RFC 6962 §2.1."""

_CHUNK = 4_096  # entries in memory at once; they fit into the cache of a core


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(00 ‖ entry). RFC 6962 §2.1."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(01 ‖ left ‖ right). RFC 6962 §2.1."""
    return sha256(b"\1" + left + right).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the leaf hash of each entry, in order. RFC 6962 §2.1."""
    hash_ = sha256
    return [hash_(b"\0" + entry).digest() for entry in entries]


def level_above(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the node over each pair. An odd hash at the end is left out. RFC 6962 §2.1."""
    hash_ = sha256
    pairs = iter(hashes)
    return [hash_(b"\1" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]


def full_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes whose number is a power of two. RFC 6962 §2.1."""
    while len(hashes) > 1:
        hashes = level_above(hashes)
    return hashes[0]


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes. RFC 6962 §2.1."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def root_of_entries(entries: Iterable[bytes]) -> bytes:
    """Return the root over entries, which may be a stream. At most 4,096 are in memory at once. RFC 6962 §2.1."""
    frontier = Frontier()
    stream = iter(entries)
    while chunk := leaf_hashes(islice(stream, _CHUNK)):
        frontier.extend(chunk)
    return frontier.root()


class Frontier:
    """A tree that only grows, represented by its compact range: the roots of its largest full subtrees.

    RFC 6962 §2.1 splits every tree at the largest power of two. So the compact range has one hash for each bit that is
    set in `size`. Store `size` and `compact_range`: Frontier(size, compact_range) gives the same tree again.
    """

    __slots__ = ("_by_level", "size")

    def __init__(self, size: int = 0, compact_range: Sequence[bytes] = ()) -> None:
        """Make the empty tree or a stored one. Raises TlogError if the compact range does not fit the size."""
        if not 0 <= size <= MAX_SIZE or len(compact_range) != size.bit_count():
            raise TlogError(
                f"A tree of {size} leaves does not have a compact range of {len(compact_range)} hashes."
            )
        if any(len(hash_) != HASH_BYTES for hash_ in compact_range):
            raise TlogError("A hash of this compact range has a wrong length.")
        self.size = size
        rest = list(compact_range)
        # The smallest subtree is at 0. An item is None if its bit in `size` is not set.
        self._by_level = [rest.pop() if size >> level & 1 else None for level in range(size.bit_length())]

    @classmethod
    def read(cls, size: int, get_hash: GetHash) -> "Frontier":
        """Return the tree of `size` leaves, with its compact range from stored hashes. RFC 6962 §2.1."""
        levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
        return cls(size, [get_hash(level, (size >> level) - 1) for level in levels])

    @property
    def compact_range(self) -> tuple[bytes, ...]:
        """Return the roots of the full subtrees from left to right, the largest first. RFC 6962 §2.1."""
        return tuple(hash_ for hash_ in reversed(self._by_level) if hash_ is not None)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes, as made by `leaf_hash`. RFC 6962 §2.1."""
        hashes = list(leaves)
        self.size += len(hashes)
        level = 0
        while hashes:
            if level == len(self._by_level):
                self._by_level.append(None)
            left = self._by_level[level]
            if left is not None:
                hashes.insert(0, left)
            self._by_level[level] = hashes.pop() if len(hashes) % 2 else None
            hashes = level_above(hashes)
            level += 1

    def root(self) -> bytes:
        """Return the root at this size. RFC 6962 §2.1."""
        return root_of_subtrees(self.compact_range)


def root_of_subtrees(hashes: Sequence[bytes]) -> bytes:
    """Return the root over full subtrees from left to right, each smaller than the one before. RFC 6962 §2.1."""
    if not hashes:
        return EMPTY_ROOT
    *rest, result = hashes
    for left in reversed(rest):
        result = node_hash(left, result)
    return result


def subtree_hash(start: int, end: int, get_hash: GetHash) -> bytes:
    """Return MTH(D[start:end]), where start is a multiple of the largest power of two ≤ end − start. RFC 6962 §2.1."""
    hashes = []
    while start < end:
        level = (end - start).bit_length() - 1
        hashes.append(get_hash(level, start >> level))
        start += 1 << level
    return root_of_subtrees(hashes)


def tree_root(size: int, get_hash: GetHash) -> bytes:
    """Return the root of the tree of `size` leaves from stored hashes, to compare with a checkpoint. RFC 6962 §2.1."""
    return subtree_hash(0, size, get_hash)
