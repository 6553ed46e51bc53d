"""Make a bundle for recipients: the whole log, and only as much of the records as the signers were promised."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources

import agefile
from sabal.checking.bundle import CARRIED, README, write_bundle
from sabal.checking.check import check
from sabal.checking.copy import LogCopy
from sabal.checking.report import Report
from sabal.counted import counted
from sabal.organiser import promised
from sabal.organiser.matched import CheckedLog, Matched
from sabal.organiser.sample import Sample, as_json, draw
from sabal.records import record
from sabal.records.export import Opened
from sabal.refusal import Refusal


@dataclass(frozen=True)
class BundlePlan:
    """What a bundle shows. It is decided before any record is opened."""

    fields: Mapping[bytes, tuple[str, ...]] = field(default_factory=dict)
    """The open fields, by the hash of the signed manifest. Records of other manifests stay closed."""
    sample: Sample | None = None
    closed: str = ""
    """The reason why records of other manifests stay closed."""


@dataclass(frozen=True)
class MadeBundle:
    """The content of the file, the report of its check, and notes for the organiser."""

    copy: LogCopy
    report: Report
    notes: tuple[str, ...] = ()


def plan_names(log: CheckedLog, fields: tuple[str, ...] | None, today: date) -> BundlePlan:
    """Plan to show all signers whose own manifest allows recipients to see names. Raise `Refusal` if none does.

    If a petition was amended, the records of signers who were promised more privacy stay closed.
    """
    opened: dict[bytes, tuple[str, ...]] = {}
    refusals: list[Refusal] = []
    for hash_, terms in log.terms.items():
        try:
            promised.refuse_late(terms, today)
            opened[hash_] = promised.open_fields(terms, promised.NAMES, fields)
        except Refusal as refusal:
            refusals.append(refusal)
    if not opened:
        raise refusals[0]
    return BundlePlan(opened, closed=str(refusals[0]) if refusals else "")


def plan_sample(
    log: CheckedLog, fields: tuple[str, ...] | None, today: date, seed: str, wanted: int
) -> BundlePlan:
    """Plan to show the signers whom a seed chooses. Raise `Refusal` if any manifest does not allow it.

    All must allow it, because the draw can choose any signer.
    """
    opened: dict[bytes, tuple[str, ...]] = {}
    for hash_, terms in log.terms.items():
        promised.refuse_late(terms, today)
        opened[hash_] = promised.open_fields(terms, promised.SAMPLE, fields)
    return BundlePlan(opened, draw(log, seed, wanted))


def make(plan: BundlePlan, log: CheckedLog, matched: Matched, now: int) -> MadeBundle:
    """Add the records of the plan to the copy, and check it as a recipient will. Raise `Refusal` if the check fails."""
    chosen = log.walked.signers if plan.sample is None else plan.sample.indexes
    available = {index: matched.records[index] for index in chosen if index in matched.records}
    shown = {index: one for index, one in available.items() if one.manifest_hash in plan.fields}
    lines = (line(index, one, plan.fields[one.manifest_hash]) for index, one in shown.items())
    copy = replace(log.copy, records=b"".join(lines))
    if plan.sample:
        copy = replace(copy, sample=as_json(plan.sample, log, shown))
    report = check(copy, now=now)
    if not report.ok:
        raise Refusal(f"The bundle does not pass its own check, and was not written. {report.problems[0]}")
    return MadeBundle(
        copy, report, tuple(_notes(plan, log, matched, len(chosen), len(available), len(shown)))
    )


def _notes(
    plan: BundlePlan, log: CheckedLog, matched: Matched, chosen: int, available: int, shown: int
) -> Iterator[str]:
    if plan.sample:
        yield (
            f"The seed “{plan.sample.seed}” chose {chosen:,} of {counted(len(log.walked.signers), 'signature')}. The"
            " seed"
            " must come from outside, and must have been announced before anybody could know it: lottery numbers,"
            " or a drand round."
        )
    if chosen > available:
        yield f"Signatures without a record here, which are not shown: {chosen - available:,}."
    for why, number in sorted(matched.left_out.items()):
        yield f"Records that {why}: {number:,}."
    if available > shown:
        yield f"Signed under a text that did not promise this, and not shown: {available - shown:,}. {plan.closed}"


def line(index: int, one: Opened, open_fields: Sequence[str]) -> bytes:
    """Return a line of `records.jsonl`: the open fields with their salts, the others as digests."""
    salts = one.salts()
    fields = {
        name: {"value": value, "salt": salts[name].hex()}
        if name in open_fields
        else {"digest": record.digest(salts[name], value).hex()}
        for name, value in one.fields.items()
    }
    document = {"index": index, "manifest": one.manifest_hash.hex(), "fields": fields}
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def pack(made: MadeBundle, recipients: Sequence[agefile.Recipient]) -> bytes:
    """Return the bundle as a file, encrypted if there are recipients."""
    file = io.BytesIO()
    write_bundle(file, made.copy, carried())
    data = file.getvalue()
    return agefile.encrypt(data, recipients) if recipients else data


def carried() -> Mapping[str, bytes]:
    """Return the README and the two checkers that are in every bundle."""
    folder = resources.files("sabal.checking") / "carried"
    return {name: (folder / name).read_bytes() for name in (README, *CARRIED)}
