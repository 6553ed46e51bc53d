"""Read all entries once: hash them, check their order and count them. docs/log-format.md "Entries"."""

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
    """The result of reading all entries of a copy."""

    entries: bytes
    roots: Mapping[int, bytes]
    """The root over the first entries, for each requested size that the copy has."""
    leaves: Mapping[bytes, int]
    """The requested leaf hashes that are in the log, with the first index of each."""
    tally: Tally
    """The count up to the first entry that is invalid at its index."""
    disorder: str | None
    """A sentence that names this entry and the reason; None if all are valid."""

    @cached_property
    def revoked(self) -> dict[int, Reason]:
        """Return the reason of each revocation, by the index of the revoked entry. docs/log-format.md "Reasons"."""
        found = (match.start() for match in _REVOKE.finditer(self._types))
        revocations = (entry_at(self.entries, index) for index in found)
        return {int.from_bytes(entry[2:10]): Reason(entry[10]) for entry in revocations}

    @cached_property
    def signers(self) -> list[int]:
        """Return the indexes of all *sign* entries that count, ascending."""
        types = bytearray(self._types)
        for index in self.revoked:
            types[index] = Type.REVOKE
        return [match.start() for match in _SIGN.finditer(types)]

    def commitment_at(self, index: int) -> bytes | None:
        """Return the commitment of the *sign* entry at an index; None if there is no such entry."""
        if not 0 <= index < self.tally.size or self._types[index] != Type.SIGN:
            return None
        return entry_at(self.entries, index)[2:]

    @cached_property
    def _types(self) -> bytes:
        return self.entries[1::ENTRY_BYTES][: self.tally.size]


def walk(entries: bytes, sizes: Iterable[int], leaves: Iterable[bytes]) -> Walked:
    """Read all entries once. Never raise on their content."""
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
    """Count the entries up to a repeated commitment. Return a sentence on the first invalid entry, or None."""
    until_repeat = repeat.index - tally.size if repeat else len(batch)
    try:
        tally.extend(batch[:until_repeat])
    except tlog.TlogError as error:
        return str(error)
    return str(repeat) if until_repeat < len(batch) else None
