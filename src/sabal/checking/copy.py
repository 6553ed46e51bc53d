"""A copy of a log, wherever it came from. docs/log-format.md "Tiles" and "Entries" hold what is in it."""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sabal.refusal import Refusal
from tlog.entry import ENTRY_BYTES, Type

MOST_ENTRIES = 20_000_000
"""A copy is held in memory: this many are 680 MB."""
MOST_NOTE = 65_536
"""Bytes of a checkpoint, and of a policy."""
MOST_MANIFEST = 1 << 20
MOST_MANIFESTS = 1_000
MOST_RECORDS = 1 << 30
MOST_SAMPLE = 32 << 20

Progress = Callable[[int, int], None]
"""Called with the entries that were read and those that there are."""

_CHUNK = 4_096
_CHUNK_BYTES = _CHUNK * ENTRY_BYTES
_SPLIT = struct.Struct(f"{ENTRY_BYTES}s" * _CHUNK)
_NAMES = re.compile(rb"[%c%c]" % (Type.OPEN, Type.AMEND), re.DOTALL)


class CannotCheck(Refusal):
    """There is nothing to check here, or no way to read it. A sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class LogCopy:
    """What somebody has of a log, read but not believed."""

    checkpoint: bytes
    """The signed note, byte for byte."""
    policy: bytes
    """A c2sp.org/tlog-policy, as it came with the copy."""
    entries: bytes
    """All of them, 34 bytes each, nothing between: a million are 34 MB. See `batches` and `entry_at`."""
    manifests: Mapping[bytes, bytes]
    """The bytes of manifests by the hash under which they came."""
    records: bytes | None = None
    """records.jsonl, where opened records are shown."""
    sample: bytes | None = None
    """sample.json, where the shown ones are a sample."""
    flaws: tuple[str, ...] = ()
    """Sentences on what was found wrong while reading; a check says them too."""

    @property
    def size(self) -> int:
        """Whole entries that are here, which is not always what the checkpoint says."""
        return len(self.entries) // ENTRY_BYTES


def entry_at(entries: bytes, index: int) -> bytes:
    """The 34 bytes of one entry that is there."""
    return entries[index * ENTRY_BYTES : (index + 1) * ENTRY_BYTES]


def batches(entries: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, ...]]:
    """The entries from `start` up to `end`, at most 4,096 at once, which is what tlog reads fastest."""
    at = start * ENTRY_BYTES
    stop = len(entries) // ENTRY_BYTES * ENTRY_BYTES if end is None else end * ENTRY_BYTES
    while at + _CHUNK_BYTES <= stop:
        yield _SPLIT.unpack_from(entries, at)
        at += _CHUNK_BYTES
    if at < stop:
        yield struct.unpack_from(f"{ENTRY_BYTES}s" * ((stop - at) // ENTRY_BYTES), entries, at)


def named_manifests(entries: bytes) -> list[tuple[int, bytes]]:
    """Index and manifest hash of each entry that opens or amends. docs/log-format.md "Entries"."""
    types = entries[1::ENTRY_BYTES]
    whole = len(entries) // ENTRY_BYTES
    found = (match.start() for match in _NAMES.finditer(types, 0, whole))
    return [(index, entry_at(entries, index)[2:]) for index in found]


def manifest_path(hash_: bytes) -> str:
    """Where a manifest lies in a log and in a bundle."""
    return f"manifests/{hash_.hex()}.json"
