"""The result of a check as one sentence, as lines and as JSON. docs/checking.md."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sabal.counted import counted
from tlog.entry import Reason

# Controls, direction marks, private use, noncharacters, and ranges in which nothing is assigned. All checkers have the
# same list, whatever Unicode their computer knows. Not U+200C and U+200D, which join letters in Persian, Hindi and
# emoji. Not the tags of flags, and no other character that is too new to be known.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff"
    r"\U0001d173-\U0001d17a\U0001fffe\U0001ffff\U0002fffe\U0002ffff"
    r"\U0003fffe-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U0010ffff]"
)
_HALVES = re.compile(
    r"[\ud800-\udc7f\udd00-\udfff]"
)  # of pairs, and not the bytes of a name that is not UTF-8
_MONTHS = "January February March April May June July August September October November December".split()
_MOST_LINES = 20  # problems that are printed; JSON lists all of them

WHAT_IT_SHOWS = (
    "The log shows that nothing was taken out or changed. That signers are people rests on confirmed email"
    " addresses and, where done, on an outsider's random sample."
)

REVOCATION_NOTE = (
    "A revocation is the operator's word. If it is wrong, keep your file and this copy, and say so in public."
)


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness of the policy that cosigned: its name there, the time in Unix time (seconds), and its vkey."""

    name: str
    time: int
    key: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """The sample in the copy: its seed, and how many signatures were wanted, chosen, and chosen but not opened."""

    seed: str
    wanted: int
    chosen: int
    unopened: int


@dataclass(frozen=True, slots=True)
class OtherCheckpoint:
    """Another checkpoint of the log that was compared with the copy."""

    size: int
    consistent: bool


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise of the log's operator and its state. `revoked` is set if it was kept and its signature was revoked."""

    include_by: int
    state: Literal["kept", "broken", "overdue", "waiting"]
    revoked: Reason | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry that a proof file proved to be in the log. `revoked` is the reason if it was revoked."""

    index: int
    revoked: Reason | None


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check. If `ok` is false, the other values are unverified claims."""

    problems: tuple[str, ...]
    """Sentences; empty if everything holds."""
    origin: str | None
    """None, like `root`, if the checkpoint could not be read."""
    size: int
    root: bytes | None
    log_key: str | None
    """The vkey that signed the checkpoint."""
    signed: int
    revoked: Mapping[Reason, int]
    closed: bool
    manifests: tuple[tuple[int, bytes], ...]
    """The index of each entry that names a manifest, with the manifest's hash. The last one is in force."""
    shown: int = 0
    matched: int = 0
    sample: Sampled | None = None
    witnesses: tuple[Witness, ...] = ()
    quorum: bool | None = None
    """None if the policy requires no witness."""
    checkpoints: tuple[OtherCheckpoint, ...] = ()
    promises: tuple[Promised, ...] = ()
    proofs: tuple[Proven, ...] = ()
    title: str | None = None
    """The title of the petition in the text in force. None, like `organiser`, if that text is missing or changed."""
    organiser: str | None = None
    checked: int = 0
    """When it was checked: Unix time (seconds)."""

    @property
    def ok(self) -> bool:
        """Return whether no problem was found."""
        return not self.problems

    @property
    def counted(self) -> int:
        """Return the number of signatures that count."""
        return self.signed - sum(self.revoked.values())

    @property
    def withdrawn(self) -> int:
        """Return the number of signatures that their signers withdrew."""
        return self.revoked[Reason.WITHDRAWN]

    @property
    def invalidated(self) -> int:
        """Return the number of signatures that were revoked for any other reason."""
        return sum(self.revoked.values()) - self.withdrawn

    @property
    def sentence(self) -> str:
        """Return the result in one line, which names the petition, its organiser and the day."""
        if self.problems:
            return f"NOT OK: {_subject(self)}: {self.problems[0]}"
        return f"OK: {_subject(self)}: {'; '.join(_clauses(self))}."

    def lines(self) -> list[str]:
        """Return the sentence, further problems and findings, what a log shows, and the keys to compare."""
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
        """Return the report as one object for JSON. docs/checking.md "JSON"."""
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
            "title": self.title,
            "organiser": self.organiser,
            "checked": self.checked,
        }


def plain(text: str) -> str:
    """Return untrusted text without control and direction characters, which could falsify the output of a terminal."""
    # Names in a policy can be any bytes.
    text = _HALVES.sub("\ufffd", text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _UNPRINTABLE.sub("\ufffd", text)


def day(time: int) -> str:
    """Return the UTC day of a Unix time (seconds), as in "24 November 2026"."""
    try:
        date = datetime.fromtimestamp(time, UTC)
    except (OverflowError, OSError, ValueError):
        return f"second {time}"  # a year that Python's datetime does not have
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"


def last_day(time: int) -> str:
    """Return the UTC day of the second before `time`. If `time` is midnight, that is the day that ends."""
    return day(time - 1)


def _subject(report: Report) -> str:
    """Return what was checked and when. Without a signed text, the log's own name must do."""
    name = "a log" if report.origin is None else f"the log {report.origin}"
    if report.title:
        name = f"the petition “{report.title}”" + (f" by {report.organiser}" if report.organiser else "")
    return f"{name}, checked on {day(report.checked)}"


def _clauses(report: Report) -> Iterator[str]:
    """Yield the parts of the sentence about a copy without problems."""
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
    return "witnessed by " + " and ".join(f"{_joined(names)} on {when}" for when, names in by_day.items())


def _joined(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _additions(report: Report) -> Iterator[str]:
    """Yield one line for each further finding."""
    if report.closed:
        yield "The petition is closed."
    if sample := report.sample:
        unopened = f", of which {sample.unopened:,} could not be opened" if sample.unopened else ""
        yield f"The seed “{sample.seed}” chooses {counted(sample.chosen, 'signature')}{unopened}."
    agreed = [other for other in report.checkpoints if other.consistent]
    if agreed:
        yield f"{counted(len(agreed), 'other checkpoint agrees', 'other checkpoints agree')} with this copy."
    for promised in report.promises:
        if promised.state == "kept":
            yield f"The promise for {last_day(promised.include_by)} was kept; {_fate(promised.revoked)}."
        elif promised.state == "waiting":
            yield f"The promise for {last_day(promised.include_by)} is not due yet."
    for proven in report.proofs:
        yield f"Entry {proven.index:,} is in the log; {_fate(proven.revoked)}."
    if any(one.revoked for one in report.promises) or any(one.revoked for one in report.proofs):
        yield REVOCATION_NOTE


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
