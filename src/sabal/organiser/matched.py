"""Opened records held against a log: which entry each one is, and what is left out and why."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sabal.checking.check import check
from sabal.checking.copy import LogCopy, entry_at, named_manifests
from sabal.checking.entries import Walked, walk
from sabal.checking.kept import Kept
from sabal.checking.report import Report
from sabal.records.export import Export, Opened
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
class Log:
    """A log that holds, and what its entries and manifests say."""

    copy: LogCopy
    report: Report
    walked: Walked
    terms: Mapping[bytes, Mapping[str, Any]]

    def reaches(self, index: int | None) -> bool:
        """Whether an index that an export gave lies in this copy, which may be older than the export."""
        return index is not None and index < self.copy.size

    def index_of(self, record: Opened) -> int | None:
        """The entry that commits to a record."""
        if record.index is None or not self.reaches(record.index):
            return self._indexes.get(record.commitment)
        committed = self.walked.commitment_at(record.index)
        return record.index if committed == record.commitment else None

    @cached_property
    def _indexes(self) -> dict[bytes, int]:
        return dict(_commitments(self.copy.entries))


@dataclass(frozen=True)
class Held:
    """The records by the index of their entry, all of which count, and how many others there were, by why."""

    records: Mapping[int, Opened]
    left_out: Counter[str] = field(default_factory=Counter)


def sound(copy: LogCopy, exports: Iterable[Export], now: int) -> Log:
    """The log in a copy, after it was checked against what the exports say of it. Raises Refusal where it fails."""
    headers = [export.header for export in exports]
    for header in headers:
        _refuse_another_log(header.origin, copy)
    # An export may be newer than the copy that was agreed upon; an older copy proves nothing about its checkpoint.
    known = [header.checkpoint.encode() for header in headers if 0 < header.size <= copy.size]
    report = check(copy, now=now, kept=Kept(checkpoints=known))
    if not report.ok:
        raise Refusal(f"This log does not pass the check, so nothing is made from it. {report.problems[0]}")
    terms = {hash_: json.loads(copy.manifests[hash_])["terms"] for _, hash_ in named_manifests(copy.entries)}
    return Log(copy, report, walk(copy.entries, (), ()), terms)


def hold(opened: Iterable[Opened], log: Log) -> Held:
    """Find the entry of each record; the index that an export gives it is believed where the log agrees."""
    records: dict[int, Opened] = {}
    left_out: Counter[str] = Counter()
    for one in opened:
        index = None if one.unreadable is not None else log.index_of(one)
        if one.unreadable is not None:
            left_out[UNREADABLE] += 1
        elif not one.checked:
            left_out[CHANGED] += 1
        elif index is None:
            left_out[STRANGE if log.reaches(one.index) else LATER] += 1
        elif index in log.walked.revoked:
            left_out[REVOKED] += 1
        elif one.manifest_hash not in log.terms:
            left_out[NO_TEXT] += 1
        else:
            records[index] = one
    return Held(dict(sorted(records.items())), left_out)


def by_index(opened: Iterable[Opened]) -> Held:
    """The records by the index that their export gives them, where no log is at hand."""
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
    return Held(dict(sorted(records.items())), left_out)


def _refuse_another_log(origin: str, copy: LogCopy) -> None:
    try:
        here = checkpoint.peek(copy.checkpoint).origin
    except TlogError:
        return  # the check says it better
    if origin and origin != here:
        raise Refusal(
            "These records are of another petition than this log: their first line names another log."
        )


def _commitments(entries: bytes) -> Iterator[tuple[bytes, int]]:
    for index in reversed(range(len(entries) // ENTRY_BYTES)):  # of two that are the same the first stays
        entry = entry_at(entries, index)
        if entry[1] == Type.SIGN:
            yield entry[2:], index
