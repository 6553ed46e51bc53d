"""Counting signatures: counted = sign entries − revoked sign entries. docs/log-format.md "Entries"."""

import re
import struct
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator

from tlog.entry import ENTRY_BYTES, VERSION, Amend, Close, Open, Reason, Revoke, Sign, Type, parse
from tlog.errors import Malformed, OutOfOrder

_NO_SIGN = re.compile(rb"[^%c]" % Type.SIGN, re.DOTALL)
_REVOKED = 0x80 | Type.SIGN
_SIGN_PREFIX = bytes((VERSION, Type.SIGN))
_PARTS = 256


class Tally:
    """Count the entries of a log, read in order, and refuse an entry that is not allowed at its position.

    Entry 0 opens the log, and no other entry does. After a close there are only revocations. A revocation names an
    earlier sign entry that is not revoked yet. Memory: one byte an entry. Runs of sign entries take almost no time.
    This class does not find repeated commitments, because that needs the whole log: use `first_repeat`.
    """

    def __init__(self) -> None:
        self.signed = 0
        self.revoked = dict.fromkeys(Reason, 0)
        self.manifest_hash: bytes | None = None
        """The hash of the current manifest, from the open entry or the last amend entry."""
        self.closed = False
        self._types = bytearray()

    @property
    def size(self) -> int:
        """Return the number of entries read, of all types. docs/log-format.md "Entries"."""
        return len(self._types)

    @property
    def counted(self) -> int:
        """Return the number of signatures that count. docs/log-format.md "Entries"."""
        return self.signed - sum(self.revoked.values())

    def extend(self, entries: Iterable[bytes]) -> None:
        """Read the next entries. Raises OutOfOrder or Malformed.

        After an error, the entries before the bad one are counted. docs/log-format.md "Entries".
        """
        batch = entries if isinstance(entries, (list, tuple)) else list(entries)
        bad = None
        if not {ENTRY_BYTES}.issuperset(map(len, batch)):
            bad = next(at for at, entry in enumerate(batch) if len(entry) != ENTRY_BYTES)
        joined = b"".join(batch[:bad])
        versions, types = joined[::ENTRY_BYTES], joined[1::ENTRY_BYTES]
        if versions.count(VERSION) != len(versions):
            bad = next(at for at, version in enumerate(versions) if version != VERSION)
            types = types[:bad]
        done = 0
        for found in _NO_SIGN.finditer(types):
            self._sign(found.start() - done)
            self._read(batch[found.start()])
            done = found.end()
        self._sign(len(types) - done)
        if bad is not None:
            self._read(batch[bad])

    def _sign(self, count: int) -> None:
        """Count sign entries. Their commitments may be any 32 bytes."""
        if count:
            self._expect_open()
            self._types += bytes((Type.SIGN,)) * count
            self.signed += count

    def _read(self, data: bytes) -> None:
        try:
            entry = parse(data)
        except Malformed as error:
            raise Malformed(f"Entry {self.size}: {error}") from None
        match entry:
            case Revoke(index, reason):
                self._revoke(index, reason)
            case Open(manifest_hash):
                if self.size:
                    raise OutOfOrder("a log is opened by entry 0, and only once.", self.size)
                self.manifest_hash = manifest_hash
            case Amend(manifest_hash):
                self._expect_open()
                self.manifest_hash = manifest_hash
            case Close():
                self._expect_open()
                self.closed = True
            case Sign():
                raise AssertionError("sign entries are read in runs")
        self._types.append(data[1])

    def _revoke(self, index: int, reason: Reason) -> None:
        if index >= self.size:
            raise OutOfOrder(f"a revocation of entry {index}, which is not before it.", self.size)
        if self._types[index] == _REVOKED:
            raise OutOfOrder(f"entry {index} was revoked before.", self.size)
        if self._types[index] != Type.SIGN:
            raise OutOfOrder(f"entry {index}, which it revokes, is not a signature.", self.size)
        self._types[index] = _REVOKED
        self.revoked[reason] += 1

    def _expect_open(self) -> None:
        if not self.size:
            raise OutOfOrder("the first entry opens the log, and this one does not.", self.size)
        if self.closed:
            raise OutOfOrder("the log was closed before; only revocations may follow.", self.size)


def first_repeat(entries: bytes) -> OutOfOrder | None:
    """Return the error of the first sign entry that repeats an earlier commitment, or None if all differ.

    `entries` is the whole log, 34 bytes an entry, without separators. Memory: 8 bytes an entry.
    docs/log-format.md "Entries".
    """
    # Python hashes bytes with a new random key in each process, so an attacker cannot prepare collisions.
    parts = [array("q") for _ in range(_PARTS)]
    for hash_ in map(hash, _split(entries)):
        parts[hash_ % _PARTS].append(hash_)
    crowded = (part for part in parts if len(set(part)) < len(part))
    doubtful = {hash_ for part in crowded for hash_, times in Counter(part).items() if times > 1}
    if not doubtful:
        return None
    first_index: dict[bytes, int] = {}
    for index, entry in enumerate(_split(entries)):
        if hash(entry) in doubtful and entry.startswith(_SIGN_PREFIX):
            first = first_index.setdefault(entry, index)
            if first != index:
                return OutOfOrder(
                    f"its commitment is that of entry {first}, and each may be in the log only once.", index
                )
    return None


def _split(entries: bytes) -> Iterator[bytes]:
    whole = memoryview(entries)[: len(entries) // ENTRY_BYTES * ENTRY_BYTES]
    return (entry for (entry,) in struct.iter_unpack(f"{ENTRY_BYTES}s", whole))
