"""Compare opened records with the log: each must be the one that was signed, and must count. docs/checking.md."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sabal import strict
from sabal.checking.entries import Walked
from sabal.checking.report import Sampled, plain
from sabal.checking.sample import MOST_SEED, choose
from sabal.counted import counted
from tlog import Checkpoint
from tlog.wire import HASH_BYTES

MOST_LINE = 1 << 18
SALT_BYTES = 16

_LINE = re.compile(rb"[^\n]+")
_KEYS = {"index", "manifest", "fields"}
_SAMPLE_KEYS = {"seed", "wanted", "of", "size", "root", "indexes"}

ManifestTerms = Mapping[bytes, Mapping[str, Any]]
"""The terms of the manifests that the log names and the copy has, by the manifest's hash."""
AddProblem = Callable[[str], None]
"""Takes the sentence of one problem."""


class _Mismatch(Exception):
    """A record is not valid. The text is the end of a sentence that begins with the record."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The number of records shown, and the entry indexes of those that match."""

    number: int
    matched: Collection[int]


def check_records(data: bytes, log: Walked, terms: ManifestTerms, add_problem: AddProblem) -> Shown:
    """Check each line of a `records.jsonl`. An invalid record adds a problem and does not stop the others."""
    number, seen, matched = 0, set[int](), set[int]()
    for number, line in enumerate(_LINE.finditer(data), start=1):
        try:
            index, record = _read(line[0])
            if index in seen:
                raise _Mismatch("appears twice")
            seen.add(index)
            _match(index, record, log, terms)
            matched.add(index)
        except _Mismatch as error:
            add_problem(f"The record in line {number:,} {error}.")
    return Shown(number, matched)


def _read(line: bytes) -> tuple[int, dict[str, Any]]:
    try:
        record = strict.parse(line) if len(line) <= MOST_LINE else None
    except ValueError:
        record = None
    if not isinstance(record, dict) or set(record) != _KEYS or not strict.is_count(record["index"]):
        raise _Mismatch("is not written as a record is")
    return record["index"], record


def _match(index: int, record: Mapping[str, Any], log: Walked, terms: ManifestTerms) -> None:
    """Raise `_Mismatch` unless a *sign* entry that counts commits to this record. docs/log-format.md."""
    committed = log.commitment_at(index)
    if committed is None:
        raise _Mismatch(f"is of entry {index:,}, which is not a signature")
    if index in log.revoked:
        raise _Mismatch(f"is of entry {index:,}, which was revoked")
    manifest = strict.hex_of(record["manifest"], HASH_BYTES)
    if manifest is None or manifest not in terms:
        raise _Mismatch(f"(entry {index:,}) names a manifest that is not in the log")
    digests = _digests(record["fields"], terms[manifest].get("fields"))
    if digests is None:
        raise _Mismatch(f"(entry {index:,}) does not have the fields of its manifest, each open or closed")
    if sha256(b"petition/1 commit\n" + manifest + digests).digest() != committed:
        raise _Mismatch(f"(entry {index:,}) is not the one that was signed: something in it was changed")


def _digests(fields: object, names: object) -> bytes | None:
    """Return the digests of all fields in the manifest's order; None unless the record has exactly these fields."""
    if not isinstance(fields, dict) or not isinstance(names, list) or not names:
        return None
    if not all(isinstance(name, str) for name in names) or set(names) != set(fields):
        return None
    found = [_digest(fields[name]) for name in names]
    return None if len(fields) != len(names) or None in found else b"".join(filter(None, found))


def _digest(field: object) -> bytes | None:
    """Return the digest of a field. docs/log-format.md "Token…".

    Of an open field it is SHA-256(02 ‖ salt ‖ value). A closed field gives it directly. None if it is neither.
    """
    match field:
        case {"value": str(value), "salt": salt, **rest} if not rest:
            salted = strict.hex_of(salt, SALT_BYTES)
            return None if salted is None else sha256(b"\2" + salted + value.encode()).digest()
        case {"digest": digest, **rest} if not rest:
            return strict.hex_of(digest, HASH_BYTES)
        case _:
            return None


def check_sample(
    data: bytes, claim: Checkpoint, log: Walked, shown: Collection[int], add_problem: AddProblem
) -> Sampled | None:
    """Draw the sample again and compare `sample.json` with it. Return None if the file cannot be read."""
    sample = _read_sample(data)
    if sample is None:
        add_problem("The file sample.json is not written as a sample is.")
        return None
    if (sample["size"], sample["root"]) != (claim.size, claim.root.hex()):
        add_problem("The sample was drawn from another tree than this checkpoint's.")
    elif sample["of"] != len(log.signers):
        add_problem(
            f"The sample says that it is of {counted(sample['of'], 'signature')};"
            f" {counted(len(log.signers), 'counts', 'count')}."
        )
    chosen = choose(claim.root, sample["seed"], sample["wanted"], log.signers)
    if sample["indexes"] != chosen:
        add_problem("The sample is not the one that its seed chooses.")
    unopened = set(sample.get("unopened", ()))
    if not unopened.issubset(chosen) or unopened & set(shown):
        add_problem("The sample lists signatures as unopened that were not chosen, or that are shown.")
    lacking = sorted(set(chosen) - unopened - set(shown))
    if lacking:
        some = ", ".join(map(str, lacking[:5])) + (", …" if len(lacking) > 5 else "")
        add_problem(
            f"{counted(len(lacking), 'chosen signature has', 'chosen signatures have')} no matching record: index"
            f" {some}."
        )
    return Sampled(plain(sample["seed"]), sample["wanted"], len(chosen), len(unopened))


def _read_sample(data: bytes) -> dict[str, Any] | None:
    try:
        sample = strict.parse(data)
    except ValueError:
        return None
    if not isinstance(sample, dict) or not isinstance(sample.get("seed"), str):
        return None
    if len(sample["seed"]) > MOST_SEED:
        return None
    lists = [sample.get("indexes"), sample.get("unopened", [])]
    sound = (
        set(sample) | {"unopened"} == _SAMPLE_KEYS | {"unopened"}
        and all(strict.is_count(sample[name]) for name in ("wanted", "of", "size"))
        and isinstance(sample["root"], str)
        and all(isinstance(one, list) and all(map(strict.is_count, one)) for one in lists)
    )
    return sample if sound else None
