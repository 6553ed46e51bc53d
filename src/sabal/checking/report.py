"""What a check found, and the words for it: one sentence, the lines below it, JSON. docs/checking.md."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from tlog.entry import Reason

_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_MONTHS = "January February March April May June July August September October November December".split()
_MOST_LINES = 20  # problems that are told to people; JSON has them all

WHAT_IT_SHOWS = (
    "The log shows that nothing was taken out or changed. That signers are people rests on confirmed email"
    " addresses and, where done, on an outsider's random sample."
)

A_WORD = (
    "A revocation is the operator's word. If it is wrong, keep your file and this copy, and say so in public."
)


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness of the policy that cosigned, by its name there; when, in POSIX seconds; and its vkey."""

    name: str
    time: int
    key: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample that was handed over: its seed, how many were wanted, chosen, and chosen but not to be opened."""

    seed: str
    wanted: int
    chosen: int
    unopened: int


@dataclass(frozen=True, slots=True)
class Other:
    """Another checkpoint that was held against the copy."""

    size: int
    consistent: bool


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise that the log's operator signed, and what became of it; where it was kept, why its signature was
    revoked, if it was."""

    include_by: int
    state: Literal["kept", "broken", "overdue", "waiting"]
    revoked: Reason | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry that a proof file proved to be in the log; why it was revoked, if it was."""

    index: int
    revoked: Reason | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. Only where `ok` is true is anything here more than a claim."""

    problems: tuple[str, ...]
    """Sentences; none where all is well."""
    origin: str | None
    """None, like `root`, where the checkpoint could not be read."""
    size: int
    root: bytes | None
    log_key: str | None
    """The vkey that has signed the checkpoint."""
    signed: int
    revoked: Mapping[Reason, int]
    closed: bool
    manifests: tuple[tuple[int, bytes], ...]
    """Index and hash of each that an entry names, the one in force last."""
    shown: int = 0
    matched: int = 0
    sample: Sampled | None = None
    witnesses: tuple[Witness, ...] = ()
    quorum: bool | None = None
    """None where the policy asks for no witness."""
    checkpoints: tuple[Other, ...] = ()
    promises: tuple[Promised, ...] = ()
    proofs: tuple[Proven, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the copy holds in everything that was checked."""
        return not self.problems

    @property
    def counted(self) -> int:
        """Signatures that count."""
        return self.signed - sum(self.revoked.values())

    @property
    def withdrawn(self) -> int:
        """Those that their signers took back."""
        return self.revoked[Reason.WITHDRAWN]

    @property
    def invalidated(self) -> int:
        """Those that do not count for any other reason."""
        return sum(self.revoked.values()) - self.withdrawn

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        if self.problems:
            return f"NOT OK: {self.problems[0]}"
        return f"OK: {'; '.join(_clauses(self))}."

    def lines(self) -> list[str]:
        """The sentence, what there is to add, and last what a log shows and the keys to compare."""
        below = [*self.problems[1:_MOST_LINES]]
        if len(self.problems) > _MOST_LINES:
            below.append(f"And {len(self.problems) - _MOST_LINES:,} more problems.")
        witnesses = ", ".join(witness.key for witness in self.witnesses)
        key = f"The log's key, to compare with the one on the petition's page: {self.log_key}"
        return [
            self.sentence,
            *below,
            *_additions(self),
            *([WHAT_IT_SHOWS] if self.ok else []),
            key if self.log_key else "No key of the log has signed this.",
            *([f"The witnesses' keys, to compare in the same way: {witnesses}"] if witnesses else []),
        ]

    def as_json(self) -> dict[str, Any]:
        """The report as one object for JSON. docs/checking.md "JSON"."""
        return {
            "ok": self.ok,
            "sentence": self.sentence,
            "problems": list(self.problems),
            "origin": self.origin,
            "size": self.size,
            "root": self.root.hex() if self.root else None,
            "signed": self.signed,
            "counted": self.counted,
            "withdrawn": self.withdrawn,
            "invalidated": self.invalidated,
            "closed": self.closed,
            "manifests": [{"index": index, "sha256": hash_.hex()} for index, hash_ in self.manifests],
            "shown": self.shown,
            "matched": self.matched,
            "sample": _slots(self.sample) if self.sample else None,
            "witnesses": [_slots(witness) for witness in self.witnesses],
            "quorum": self.quorum,
            "checkpoints": [_slots(other) for other in self.checkpoints],
            "promises": [_slots(promised) for promised in self.promises],
            "proofs": [_slots(proven) for proven in self.proofs],
            "log_key": self.log_key,
        }


def plain(text: str) -> str:
    """Text of strangers as it may go to a terminal: without characters that could make it lie."""
    return _UNPRINTABLE.sub("\ufffd", text)


def day(time: int) -> str:
    """The UTC day of POSIX seconds, as in 24 November 2026."""
    try:
        date = datetime.fromtimestamp(time, UTC)
    except (OverflowError, OSError, ValueError):
        return f"second {time}"  # a year that no calendar here has
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"


def last_day(time: int) -> str:
    """The last UTC day of which something is before `time`: of a midnight, the day that it ends."""
    return day(time - 1)


def _clauses(report: Report) -> Iterator[str]:
    """What the sentence says of a copy that holds."""
    parts = [
        f"{number:,} {what}"
        for number, what in (
            (report.signed, "confirmed"),
            (report.withdrawn, "withdrawn"),
            (report.invalidated, "invalidated"),
        )
        if number or what == "confirmed"
    ]
    noun = "signature counts" if report.counted == 1 else "signatures count"
    yield f"{report.counted:,} {noun} ({', '.join(parts)})"
    if report.shown or report.sample:
        yield f"{report.matched:,} shown and matched"
    if report.manifests:
        text = report.manifests[-1][1].hex()
        yield f"the text is manifest {text[:8]}…{text[-4:]}"
    yield _witnessed(report)


def _witnessed(report: Report) -> str:
    if not report.witnesses:
        return "no witness is required"
    by_day: dict[str, list[str]] = {}
    for witness in report.witnesses:
        by_day.setdefault(day(witness.time), []).append(witness.name)
    return "witnessed by " + " and ".join(f"{_listed(names)} on {when}" for when, names in by_day.items())


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _additions(report: Report) -> Iterator[str]:
    """What is found besides, a line each."""
    if report.closed:
        yield "The petition is closed."
    if sample := report.sample:
        unopened = f", of which {sample.unopened:,} could not be opened" if sample.unopened else ""
        yield f"The seed “{sample.seed}” chooses {sample.chosen:,} signatures{unopened}."
    agreed = [other for other in report.checkpoints if other.consistent]
    if agreed:
        noun = "checkpoint agrees" if len(agreed) == 1 else "checkpoints agree"
        yield f"{len(agreed):,} other {noun} with this copy."
    for promised in report.promises:
        if promised.state == "kept":
            yield f"The promise for {last_day(promised.include_by)} was kept; {_fate(promised.revoked)}."
        elif promised.state == "waiting":
            yield f"The promise for {last_day(promised.include_by)} is not due yet."
    for proven in report.proofs:
        yield f"Entry {proven.index:,} is in the log; {_fate(proven.revoked)}."
    if any(one.revoked for one in report.promises) or any(one.revoked for one in report.proofs):
        yield A_WORD


def _fate(revoked: Reason | None) -> str:
    return "the signature counts" if revoked is None else f"the signature was revoked, {_WHY[revoked]}"


_WHY = {
    Reason.WITHDRAWN: "as withdrawn by its signer",
    Reason.DUPLICATE: "as a duplicate",
    Reason.FAKE: "as automated or fake",
    Reason.OTHER: "for another reason",
}


def _slots(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}
