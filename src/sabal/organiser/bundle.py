"""A bundle for whom the petition is handed to: the whole log, and of the records what was promised and no more."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from pathlib import Path

import agefile
from sabal import private
from sabal.checking.bundle import CARRIED, README, write_bundle
from sabal.checking.check import check
from sabal.checking.copy import LogCopy
from sabal.checking.report import Report
from sabal.organiser import promised
from sabal.organiser.matched import Held, Log
from sabal.organiser.sample import Sample, as_json, draw
from sabal.records import record
from sabal.records.export import Opened
from sabal.refusal import Refusal


@dataclass(frozen=True)
class Plan:
    """What a bundle is to show, decided before any record is opened."""

    fields: Mapping[bytes, tuple[str, ...]] = field(default_factory=dict)
    """What is open, by the manifest that was signed; records of another stay closed."""
    sample: Sample | None = None
    closed: str = ""
    """Why those others do."""


@dataclass(frozen=True)
class Made:
    """What goes into the file, the report of its check, and sentences for whoever made it."""

    copy: LogCopy
    report: Report
    notes: tuple[str, ...] = ()


def names(log: Log, fields: tuple[str, ...] | None, today: date) -> Plan:
    """Everybody whose own text promised their name to the recipients. Raises Refusal where there is no such text.

    Where a petition was amended, those who signed when less was promised stay closed.
    """
    opened: dict[bytes, tuple[str, ...]] = {}
    refusals: list[Refusal] = []
    for hash_, terms in log.terms.items():
        try:
            promised.refuse_late(terms, today)
            opened[hash_] = promised.chosen(terms, promised.NAMES, fields)
        except Refusal as refusal:
            refusals.append(refusal)
    if not opened:
        raise refusals[0]
    return Plan(opened, closed=str(refusals[0]) if refusals else "")


def drawn(log: Log, fields: tuple[str, ...] | None, today: date, seed: str, wanted: int) -> Plan:
    """Those whom a seed chooses. Raises Refusal where any text of the petition promised less: a lot may fall on all."""
    opened: dict[bytes, tuple[str, ...]] = {}
    for hash_, terms in log.terms.items():
        promised.refuse_late(terms, today)
        opened[hash_] = promised.chosen(terms, promised.SAMPLE, fields)
    return Plan(opened, draw(log, seed, wanted))


def make(plan: Plan, log: Log, held: Held, now: int) -> Made:
    """The copy with the records that are to be shown, checked as whoever receives it will. Raises Refusal."""
    chosen = log.walked.signers if plan.sample is None else plan.sample.indexes
    there = {index: held.records[index] for index in chosen if index in held.records}
    shown = {index: one for index, one in there.items() if one.manifest_hash in plan.fields}
    lines = (line(index, one, plan.fields[one.manifest_hash]) for index, one in shown.items())
    copy = replace(log.copy, records=b"".join(lines))
    if plan.sample:
        copy = replace(copy, sample=as_json(plan.sample, log, shown))
    report = check(copy, now=now)
    if not report.ok:
        raise Refusal(f"The bundle does not pass its own check, and was not written. {report.problems[0]}")
    return Made(copy, report, tuple(_notes(plan, log, held, len(chosen), len(there), len(shown))))


def _notes(plan: Plan, log: Log, held: Held, chosen: int, there: int, shown: int) -> Iterator[str]:
    if plan.sample:
        yield (
            f"The seed “{plan.sample.seed}” chose {chosen:,} of {len(log.walked.signers):,} signatures. The seed"
            " must come from outside, and must have been announced before anybody could know it: lottery numbers,"
            " or a drand round."
        )
    if chosen > there:
        yield f"Signatures without a record here, which are not shown: {chosen - there:,}."
    for why, number in sorted(held.left_out.items()):
        yield f"Records that {why}: {number:,}."
    if there > shown:
        yield f"Signed under a text that did not promise this, and not shown: {there - shown:,}. {plan.closed}"


def line(index: int, one: Opened, open_fields: Sequence[str]) -> bytes:
    """A line of records.jsonl: fields that are open with their salts, the others as digests."""
    salts = one.salts()
    fields = {
        name: {"value": value, "salt": salts[name].hex()}
        if name in open_fields
        else {"digest": record.digest(salts[name], value).hex()}
        for name, value in one.fields.items()
    }
    document = {"index": index, "manifest": one.manifest_hash.hex(), "fields": fields}
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def write(made: Made, out: Path, recipients: Sequence[agefile.Recipient]) -> None:
    """Write the bundle, sealed where there are recipients: its owner's alone, whole or not there. Raises OSError."""
    file = io.BytesIO()
    write_bundle(file, made.copy, carried())
    data = file.getvalue()
    private.replace(out, [agefile.encrypt(data, recipients) if recipients else data])


def carried() -> Mapping[str, bytes]:
    """The files that travel in every bundle."""
    folder = resources.files("sabal.checking") / "carried"
    return {name: (folder / name).read_bytes() for name in (README, *CARRIED)}
