"""A copy of a log from any source. docs/log-format.md "Tiles" and "Entries" describe its content."""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sabal.refusal import Refusal
from tlog.entry import ENTRY_BYTES, Type

MOST_ENTRIES = 20_000_000
"""A copy is kept in memory; 20 million entries are 680 MB."""
MOST_NOTE = 65_536
"""The most bytes of a checkpoint and of a policy."""
MOST_MANIFEST = 1 << 20
MOST_MANIFESTS = 1_000
MOST_RECORDS = 1 << 30
MOST_SAMPLE = 32 << 20

Progress = Callable[[int, int], None]
"""Called with the number of entries read so far and the number of all entries."""

_CHUNK = 4_096
_CHUNK_BYTES = _CHUNK * ENTRY_BYTES
_SPLIT = struct.Struct(f"{ENTRY_BYTES}s" * _CHUNK)
_NAMES = re.compile(rb"[%c%c]" % (Type.OPEN, Type.AMEND), re.DOTALL)


class CannotCheck(Refusal):
    """There is no log to check, or it cannot be read. The text gives the reason and the next step."""


@dataclass(frozen=True, slots=True)
class LogCopy:
    """A copy of a log, read but not verified."""

    checkpoint: bytes
    """The signed note, byte for byte."""
    policy: bytes
    """The c2sp.org/tlog-policy that came with the copy."""
    entries: bytes
    """All entries, joined, 34 bytes each: a million are 34 MB. See `batches` and `entry_at`."""
    manifests: Mapping[bytes, bytes]
    """The bytes of each manifest, by the hash in its file name."""
    records: bytes | None = None
    """The file `records.jsonl`, if opened records are shown."""
    sample: bytes | None = None
    """The file `sample.json`, if the shown records are a sample."""
    flaws: tuple[str, ...] = ()
    """Problems that were found while reading, as sentences. The check reports them too."""

    @property
    def size(self) -> int:
        """Return the number of complete entries in the copy. The checkpoint may name another number."""
        return len(self.entries) // ENTRY_BYTES


def entry_at(entries: bytes, index: int) -> bytes:
    """Return the 34 bytes of an entry. It must exist."""
    return entries[index * ENTRY_BYTES : (index + 1) * ENTRY_BYTES]


def batches(entries: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, ...]]:
    """Yield the entries from `start` up to `end` in batches of at most 4,096, which `tlog` reads fastest."""
    at = start * ENTRY_BYTES
    stop = len(entries) // ENTRY_BYTES * ENTRY_BYTES if end is None else end * ENTRY_BYTES
    while at + _CHUNK_BYTES <= stop:
        yield _SPLIT.unpack_from(entries, at)
        at += _CHUNK_BYTES
    if at < stop:
        yield struct.unpack_from(f"{ENTRY_BYTES}s" * ((stop - at) // ENTRY_BYTES), entries, at)


def named_manifests(entries: bytes) -> list[tuple[int, bytes]]:
    """Return the index and manifest hash of each *open* and *amend* entry. docs/log-format.md "Entries"."""
    types = entries[1::ENTRY_BYTES]
    whole = len(entries) // ENTRY_BYTES
    found = (match.start() for match in _NAMES.finditer(types, 0, whole))
    return [(index, entry_at(entries, index)[2:]) for index in found]


def manifest_path(hash_: bytes) -> str:
    """Return the path of a manifest in a log and in a bundle."""
    return f"manifests/{hash_.hex()}.json"
