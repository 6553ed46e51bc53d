"""Opened records must be the ones that were signed, and a sample must be the one that its seed chooses."""

import hashlib
import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checking import made
from sabal.checking.check import check
from sabal.checking.copy import LogCopy
from sabal.checking.report import Report, Sampled
from sabal.checking.sample import choose

LOG = made.log(60, amend=30)
SIGNER, LATER = LOG.signers[3], LOG.signers[-1]
REVOKED = next(int.from_bytes(entry[2:10]) for entry in LOG.entries if entry[1] == 2)
Record = dict[str, Any]


def checked(copy: LogCopy) -> Report:
    return check(copy, now=0)


def shown(*lines: Record | bytes) -> LogCopy:
    """Return the log with these records, which are objects or bytes."""
    data = [
        line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines
    ]
    return replace(LOG.copy(), records=b"".join(line + b"\n" for line in data))


def refused(copy: LogCopy, sentence: str) -> None:
    report = checked(copy)
    assert len(report.problems) == 1 and sentence in report.problems[0], report.problems


def test_records_that_were_signed_match() -> None:
    report = checked(LOG.copy(show=LOG.signers))
    assert report.ok and report.shown == report.matched == len(LOG.signers)
    assert f"{len(LOG.signers)} shown and matched" in report.sentence


@pytest.mark.parametrize("open_", [(), made.FIELDS, ("email",), tuple(reversed(made.FIELDS))])
def test_any_fields_may_be_open(open_: tuple[str, ...]) -> None:
    record = LOG.record(SIGNER, open_)
    record["fields"] = dict(reversed(record["fields"].items()))
    assert checked(shown(record)).matched == 1


def test_a_record_may_be_any_form_of_its_json_and_empty_lines_are_ignored() -> None:
    record = json.dumps(LOG.record(SIGNER), indent=1, sort_keys=True).replace("\n", "\r").encode()
    report = checked(
        replace(LOG.copy(), records=b"\n" + record + b"\n\n" + json.dumps(LOG.record(LATER)).encode())
    )
    assert report.ok and report.matched == 2


def test_an_invalid_record_does_not_affect_the_others() -> None:
    report = checked(shown(LOG.record(SIGNER), b"garbage", LOG.record(LATER)))
    assert (report.shown, report.matched) == (3, 2) and "line 2" in report.sentence


def put(field: str, key: str, value: object) -> Callable[[Record], object]:
    return lambda record: record["fields"][field].update({key: value})


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (put("name", "value", "Eve"), "something in it was changed"),
        (put("name", "value", ""), "something in it was changed"),
        (put("name", "salt", "00" * 16), "something in it was changed"),
        (put("email", "digest", "00" * 32), "something in it was changed"),
        (lambda r: r["fields"].update(name=r["fields"]["place"], place=r["fields"]["name"]), "something in it was"),
        (lambda r: r.update(index=LATER), "something in it was changed"),
        (lambda r: r.update(manifest=LOG.manifest_at(30).hex()), "something in it was changed"),
        (lambda r: r.update(manifest="00" * 32), "not in the log"),
        (lambda r: r.update(manifest=LOG.manifest_at(0).hex().upper()), "not in the log"),
        (lambda r: r.update(manifest=None), "not in the log"),
        (lambda r: r.update(index=0), "which is not a signature"),
        (lambda r: r.update(index=30), "which is not a signature"),
        (lambda r: r.update(index=60), "which is not a signature"),
        (lambda r: r.update(index=10**18 - 1), "which is not a signature"),
        (lambda r: r.update(index=10**4000), "not written as a record"),
        (lambda r: r.update(index=REVOKED), "which was revoked"),
        (lambda r: r.update(index=True), "not written as a record"),
        (lambda r: r.update(index=-1), "not written as a record"),
        (lambda r: r.update(index=float(SIGNER)), "not written as a record"),
        (lambda r: r.update(index=str(SIGNER)), "not written as a record"),
        (lambda r: r.update(note="x"), "not written as a record"),
        (lambda r: r.pop("manifest"), "not written as a record"),
        (put("name", "digest", "00" * 32), "fields of its manifest"),
        (put("name", "salt", "00" * 15), "fields of its manifest"),
        (put("name", "salt", "0" * 31 + " "), "fields of its manifest"),
        (put("name", "salt", 7), "fields of its manifest"),
        (put("name", "value", 7), "fields of its manifest"),
        (put("name", "value", None), "fields of its manifest"),
        (put("email", "digest", "AB" * 32), "fields of its manifest"),
        (put("email", "value", "a@b.example"), "fields of its manifest"),
        (lambda r: r["fields"].pop("day"), "fields of its manifest"),
        (lambda r: r["fields"].update(age={"digest": "00" * 32}), "fields of its manifest"),
        (lambda r: r["fields"].update(day=[]), "fields of its manifest"),
        (lambda r: r.update(fields=[]), "fields of its manifest"),
    ],
)  # fmt: skip
def test_a_record_that_was_not_signed_is_refused(spoil: Callable[[Record], object], sentence: str) -> None:
    record = LOG.record(SIGNER)
    spoil(record)
    refused(shown(record), sentence)


@pytest.mark.parametrize(
    "line",
    [
        b"garbage", b"null", b"[]", b"\xff", b"[" * 100_000, b"x" * 300_000, b'{"index": 1, "index": 1}', b"NaN",
        "\ufeff{}".encode(), b'{"index":' + b"9" * 5_000 + b"}",
    ],
)  # fmt: skip
def test_a_line_that_is_not_a_record_is_refused(line: bytes) -> None:
    refused(shown(line), "not written as a record")


def test_half_a_character_is_refused() -> None:
    line = json.dumps(LOG.record(SIGNER)).replace(json.dumps(made.value_of("name", SIGNER)), r'"\ud800"')
    refused(shown(line.encode()), "not written as a record")


def test_a_repeated_name_that_parsers_read_differently_is_refused() -> None:
    line = json.dumps(LOG.record(SIGNER)).replace('"value":', '"value": "Eve", "value":', 1)
    refused(shown(line.encode()), "not written as a record")


def test_a_repeated_index_is_refused() -> None:
    refused(shown(LOG.record(SIGNER), LOG.record(SIGNER, ("day",))), "appears twice")


def test_a_record_of_a_missing_manifest_is_refused() -> None:
    copy = shown(LOG.record(SIGNER))
    report = checked(replace(copy, manifests={LOG.manifest_at(30): LOG.manifests[LOG.manifest_at(30)]}))
    assert "is not here" in report.problems[0] and "not in the log" in report.problems[1]


@pytest.mark.parametrize(
    "fields", [None, [], "name", ["name", "name"], [1], list(made.FIELDS[:5]), [*made.FIELDS, "x"]]
)
def test_a_manifest_with_other_fields_does_not_fit_the_record(fields: object) -> None:
    log = made.log(5, manifests=(made.manifest(fields=fields), b""), revoke_each=0)
    assert "fields of its manifest" in checked(log.copy(show=[2])).problems[0]


def test_a_record_may_name_any_manifest_of_the_log() -> None:
    """A signature made just before an amendment may enter the log after it, and the other way around."""
    early = made.commitment(LOG.manifest_at(0), 60)
    log = LOG.with_entries(b"\1\1" + early)
    record = log.record(60) | {"manifest": LOG.manifest_at(0).hex()}
    assert checked(replace(log.copy(), records=json.dumps(record).encode())).matched == 1


# Samples


def sample(wanted: int = 5, seed: str = "7 4 1 9", **other: object) -> dict[str, Any]:
    chosen = choose(LOG.root, seed, wanted, LOG.signers)
    count = len(LOG.signers)
    return {
        "seed": seed,
        "wanted": wanted,
        "of": count,
        "size": 60,
        "root": LOG.root.hex(),
        "indexes": chosen,
    } | other


def sampled(file: dict[str, Any], show: list[int] | None = None) -> LogCopy:
    return LOG.copy(show=file["indexes"] if show is None else show, sample=file)


def test_a_correct_sample_holds() -> None:
    report = checked(sampled(sample()))
    assert report.ok and report.sample == Sampled("7 4 1 9", 5, 5, 0) and report.matched == 5
    assert report.as_json()["sample"] == {"seed": "7 4 1 9", "wanted": 5, "chosen": 5, "unopened": 0}
    assert "The seed “7 4 1 9” chooses 5 signatures." in report.lines()


def test_all_are_chosen_if_there_are_fewer_than_wanted() -> None:
    for wanted in (len(LOG.signers), 10**6, 10**18 - 1):
        assert checked(sampled(sample(wanted))).sample == Sampled("7 4 1 9", wanted, len(LOG.signers), 0)
    assert checked(LOG.copy(sample=sample(0))).ok
    refused(sampled(sample(10**400)), "not written as a sample")


def test_unopened_signatures_are_counted_and_reported() -> None:
    file = sample()
    missing = file["indexes"][2]
    copy = sampled(file | {"unopened": [missing]}, [index for index in file["indexes"] if index != missing])
    report = checked(copy)
    assert report.ok and report.sample == Sampled("7 4 1 9", 5, 5, 1)
    assert any("of which 1 could not be opened" in line for line in report.lines())


def test_the_choice_follows_its_description() -> None:
    def rank(index: int) -> bytes:
        text = unicodedata.normalize("NFC", "씨앗 é").encode()
        return hashlib.sha256(b"petition/1 sample\n" + LOG.root + text + b"\n" + index.to_bytes(8)).digest()

    expected = sorted(sorted(LOG.signers, key=rank)[:7])
    for form in ("NFC", "NFD"):
        assert choose(LOG.root, unicodedata.normalize(form, "씨앗 é"), 7, LOG.signers) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seed": "another"}, "not the one that its seed chooses"),
        ({"wanted": 6}, "not the one that its seed chooses"),
        ({"root": "00" * 32}, "drawn from another tree"),
        ({"size": 59}, "drawn from another tree"),
        ({"of": 7}, "says that it is of 7"),
        ({"unopened": [1]}, "lists signatures as unopened"),
        ({"indexes": LOG.signers[:5]}, "not the one that its seed chooses"),
    ],
)
def test_a_changed_sample_is_refused(change: dict[str, Any], sentence: str) -> None:
    assert any(
        sentence in problem for problem in checked(sampled(sample() | change, sample()["indexes"])).problems
    )


def test_unordered_or_repeated_indexes_are_refused() -> None:
    for indexes in (sample()["indexes"][::-1], [*sample()["indexes"], sample()["indexes"][-1]]):
        refused(
            sampled(sample() | {"indexes": indexes}, sample()["indexes"]), "not the one that its seed chooses"
        )


def test_a_chosen_record_must_be_shown_and_match() -> None:
    file = sample()
    refused(
        sampled(file, file["indexes"][1:]),
        f"1 chosen signature has no matching record: index {file['indexes'][0]}.",
    )
    refused(LOG.copy(sample=file), "5 chosen signatures have no matching record")


def test_a_shown_record_cannot_be_listed_as_unopened() -> None:
    refused(sampled(sample() | {"unopened": sample()["indexes"][:1]}), "lists signatures as unopened")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"7", b"\xff", b"[" * 100_000, b'{"seed": "x"}', b'{"seed": "\\ud800"}'],
)
def test_a_file_that_is_not_a_sample_is_refused(data: bytes) -> None:
    refused(replace(LOG.copy(), sample=data), "not written as a sample")


@pytest.mark.parametrize(
    "change",
    [{"seed": 7}, {"seed": None}, {"wanted": "5"}, {"wanted": True}, {"wanted": -1}, {"wanted": 5.0}, {"of": None},
     {"size": []}, {"root": 7}, {"indexes": {}}, {"indexes": ["1"]}, {"indexes": [True]}, {"unopened": 7},
     {"unopened": [-1]}, {"more": 1}],
)  # fmt: skip
def test_a_sample_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    refused(LOG.copy(sample=sample() | change), "not written as a sample")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(), st.binary())
def test_any_bytes_are_refused_without_an_error(records: bytes, file: bytes) -> None:
    report = checked(replace(LOG.copy(), records=records, sample=file))
    assert not report.ok and report.matched == 0


NAMES = st.sampled_from(["terms", "log", "fields", "seed", "index"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES | st.text(), inner),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, derandomize=True)
@given(json_values, json_values, json_values)
def test_any_json_is_refused_without_an_error(record: Any, file: Any, fields: Any) -> None:
    honest = LOG.record(SIGNER)
    lines = (
        json.dumps(one).encode()
        for one in (record, honest | {"fields": fields}, honest | {"manifest": record})
    )
    log = made.log(3, manifests=(json.dumps({"terms": fields}).encode(), b""))
    assert not checked(replace(LOG.copy(), records=b"\n".join(lines), sample=json.dumps(file).encode())).ok
    assert checked(log.copy()).origin == made.ORIGIN
