"""Match opened records with the entries of a log, and count the records that are left out by the reason."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sabal.checking.check import check
from sabal.checking.copy import LogCopy, entry_at, named_manifests
from sabal.checking.entries import Walked, walk
from sabal.checking.kept import Kept
from sabal.checking.report import Report
from sabal.records.export import Export, Opened, revoked_in
from sabal.refusal import Refusal
from tlog import TlogError, checkpoint
from tlog.entry import ENTRY_BYTES, Type

UNREADABLE = "could not be opened"
CHANGED = "are not the ones that were signed"
STRANGE = "are not in this log where their export says"
LATER = "are not in this copy of the log yet"
NO_INDEX = "have no index of their own in the export"
REVOKED = "were withdrawn or invalidated since"
NO_TEXT = "were signed under a text that the log does not name"


@dataclass(frozen=True)
class CheckedLog:
    """A log that passed the check, with its counted entries and the terms of its manifests."""

    copy: LogCopy
    report: Report
    walked: Walked
    terms: Mapping[bytes, Mapping[str, Any]]
    revoked_since: frozenset[int] = frozenset()
    """What the exports list as revoked. They may be newer than this copy."""

    def has_index(self, index: int | None) -> bool:
        """Return whether this copy has the index from an export. The copy may be older than the export."""
        return index is not None and index < self.copy.size

    def index_of(self, record: Opened) -> int | None:
        """Return the index of the entry that commits to a record; None if there is none."""
        if record.index is None or not self.has_index(record.index):
            return self._indexes.get(record.commitment)
        committed = self.walked.commitment_at(record.index)
        return record.index if committed == record.commitment else None

    @cached_property
    def _indexes(self) -> dict[bytes, int]:
        return dict(_commitments(self.copy.entries))


@dataclass(frozen=True)
class Matched:
    """The records by the index of their entry, and the number of records left out, by the reason."""

    records: Mapping[int, Opened]
    left_out: Counter[str] = field(default_factory=Counter)


def checked_log(copy: LogCopy, exports: Sequence[Export], now: int) -> CheckedLog:
    """Check a copy of the log, and compare it with the checkpoints in the exports. Raise `Refusal` if it fails."""
    headers = [export.header for export in exports]
    for header in headers:
        _refuse_another_log(header.origin, copy)
    # The agreed copy may be older than an export. Then it cannot be compared with that export's checkpoint.
    known = [header.checkpoint.encode() for header in headers if 0 < header.size <= copy.size]
    report = check(copy, now=now, kept=Kept(checkpoints=known))
    if not report.ok:
        raise Refusal(f"This log does not pass the check, so nothing is made from it. {report.problems[0]}")
    terms = {hash_: json.loads(copy.manifests[hash_])["terms"] for _, hash_ in named_manifests(copy.entries)}
    return CheckedLog(copy, report, walk(copy.entries, (), ()), terms, revoked_in(exports))


def match_records(opened: Iterable[Opened], log: CheckedLog) -> Matched:
    """Find the entry of each record. Use the index from the export only if that entry commits to the record."""
    records: dict[int, Opened] = {}
    left_out: Counter[str] = Counter()
    for one in opened:
        index = None if one.unreadable is not None else log.index_of(one)
        if one.unreadable is not None:
            left_out[UNREADABLE] += 1
        elif not one.checked:
            left_out[CHANGED] += 1
        elif index is None:
            left_out[STRANGE if log.has_index(one.index) else LATER] += 1
        elif index in log.walked.revoked or index in log.revoked_since:
            left_out[REVOKED] += 1
        elif one.manifest_hash not in log.terms:
            left_out[NO_TEXT] += 1
        else:
            records[index] = one
    return Matched(dict(sorted(records.items())), left_out)


def by_index(opened: Iterable[Opened]) -> Matched:
    """Return the records by the index in their export. This is for use without a copy of the log."""
    records: dict[int, Opened] = {}
    left_out: Counter[str] = Counter()
    for one in opened:
        if one.unreadable is not None:
            left_out[UNREADABLE] += 1
        elif not one.checked:
            left_out[CHANGED] += 1
        elif one.index is None:
            left_out[NO_INDEX] += 1
        else:
            records[one.index] = one
    return Matched(dict(sorted(records.items())), left_out)


def _refuse_another_log(origin: str, copy: LogCopy) -> None:
    try:
        here = checkpoint.peek(copy.checkpoint).origin
    except TlogError:
        return  # the check reports this with a better sentence
    if origin and origin != here:
        raise Refusal(
            "These records are of another petition than this log: their first line names another log."
        )


def _commitments(entries: bytes) -> Iterator[tuple[bytes, int]]:
    for index in reversed(range(len(entries) // ENTRY_BYTES)):  # if two are the same, keep the first
        entry = entry_at(entries, index)
        if entry[1] == Type.SIGN:
            yield entry[2:], index
