"""One walk over all entries: every hash, every rule of their order, the numbers. docs/log-format.md "Entries"."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import tlog
from sabal.checking.copy import batches, entry_at
from tlog import Frontier, Tally
from tlog.entry import ENTRY_BYTES, Reason, Type

_REVOKE = re.compile(rb"%c" % Type.REVOKE)
_SIGN = re.compile(rb"%c" % Type.SIGN)


@dataclass(frozen=True)
class Walked:
    """What all entries of a copy come to."""

    entries: bytes
    roots: Mapping[int, bytes]
    """Roots over the first so many entries, at each size that was asked for and is there."""
    leaves: Mapping[bytes, int]
    """Those of the leaf hashes asked for that are in the log, with the first index of each."""
    tally: Tally
    """Up to the first entry that may not stand where it stands."""
    disorder: str | None
    """Which entry that is and why, as a sentence."""

    @cached_property
    def revoked(self) -> dict[int, Reason]:
        """Why a sign entry does not count any more, by its index. docs/log-format.md "Reasons"."""
        found = (match.start() for match in _REVOKE.finditer(self._types))
        revocations = (entry_at(self.entries, index) for index in found)
        return {int.from_bytes(entry[2:10]): Reason(entry[10]) for entry in revocations}

    @cached_property
    def signers(self) -> list[int]:
        """The indexes of all sign entries that count, ascending."""
        types = bytearray(self._types)
        for index in self.revoked:
            types[index] = Type.REVOKE
        return [match.start() for match in _SIGN.finditer(types)]

    def commitment_at(self, index: int) -> bytes | None:
        """What the sign entry at an index commits to; None where there is none."""
        if not 0 <= index < self.tally.size or self._types[index] != Type.SIGN:
            return None
        return entry_at(self.entries, index)[2:]

    @cached_property
    def _types(self) -> bytes:
        return self.entries[1::ENTRY_BYTES][: self.tally.size]


def walk(entries: bytes, sizes: Iterable[int], leaves: Iterable[bytes]) -> Walked:
    """Read all entries, once. Never raises on what they hold."""
    whole = len(entries) // ENTRY_BYTES
    frontier, tally, disorder = Frontier(), Tally(), None
    repeat = tlog.first_repeat(entries)
    wanted, found, roots = set(leaves), dict[bytes, int](), {}
    for stop in sorted({size for size in sizes if size <= whole} | {whole}):
        for batch in batches(entries, frontier.size, stop):
            hashes = tlog.leaf_hashes(batch)
            if wanted:
                for leaf in wanted.intersection(hashes):
                    found.setdefault(leaf, frontier.size + hashes.index(leaf))
            frontier.extend(hashes)
            if disorder is None:
                disorder = _count(tally, batch, repeat)
        roots[stop] = frontier.root()
    return Walked(entries, roots, found, tally, disorder)


def _count(tally: Tally, batch: Sequence[bytes], repeat: tlog.OutOfOrder | None) -> str | None:
    """Let the tally read on, up to a commitment that stands in the log before; what is wrong there, if anything."""
    room = repeat.index - tally.size if repeat else len(batch)
    try:
        tally.extend(batch[:room])
    except tlog.TlogError as error:
        return str(error)
    return str(repeat) if room < len(batch) else None
