"""Every defect of a log is found and reported in the sentence."""

import dataclasses
import hashlib
import re
from dataclasses import replace

import pytest

import tlog
from checking import made
from checking.verdicts import COPY, LOG, NOW, SIGN, checked, with_checkpoint, wrong
from sabal.checking.check import MOST_PROBLEMS, check
from sabal.checking.report import Witness, day
from tlog.entry import Amend, Close, Open, Reason, Revoke, Sign

# A log that holds


def test_an_honest_log_is_ok() -> None:
    report = checked(COPY)
    reasons = [Reason(entry[10]) for entry in LOG.entries if entry[1] == 2]
    assert report.ok and report.problems == ()
    assert (report.origin, report.size, report.root) == (made.ORIGIN, 40, LOG.root)
    assert (report.signed, report.counted) == (len(LOG.signers) + len(reasons), len(LOG.signers))
    assert report.revoked == {reason: reasons.count(reason) for reason in Reason}
    assert report.manifests == ((0, LOG.manifest_at(0)), (20, LOG.manifest_at(20)))
    assert (
        report.witnesses == (Witness("first", made.WITNESSED, str(made.FIRST.verifier)),)
        and report.quorum is True
    )
    assert report.log_key == str(made.CAROL.verifier) and not report.closed


def test_a_closed_log_may_have_later_revocations() -> None:
    log = made.log(20, close=True).with_entries(Revoke(1, Reason.WITHDRAWN).encode())
    report = checked(log.copy())
    assert report.ok and report.closed and "The petition is closed." in report.lines()


def test_a_log_without_entries_is_ok() -> None:
    report = checked(made.Made((), {}).copy())
    assert report.ok and (report.size, report.counted, report.manifests) == (0, 0, ())


def test_a_policy_may_require_no_witness() -> None:
    report = checked(replace(LOG, policy=made.NO_WITNESS).copy())
    assert report.ok and report.quorum is None and "no witness is required" in report.sentence


# The checkpoint


def test_an_unreadable_policy_is_reported() -> None:
    for policy in (b"", b"garbage\n", made.ONE_WITNESS[:-1], b"\xff\0", made.ONE_WITNESS * 2):
        report = checked(replace(COPY, policy=policy))
        assert report.problems[0].startswith("The policy cannot be read.")
        assert report.log_key is None and report.size == 40


def test_an_unreadable_checkpoint_is_reported() -> None:
    for checkpoint in (
        b"",
        b"garbage",
        b"\xff" * 100,
        COPY.checkpoint[1:-1],
        COPY.checkpoint.replace(b"\n", b"\r\n"),
    ):
        report = checked(with_checkpoint(COPY, checkpoint))
        assert report.problems[0].startswith("The checkpoint does not hold.")
        assert (report.origin, report.root, report.size, report.quorum) == (None, None, 40, False)


def test_a_checkpoint_signed_by_another_key_is_reported() -> None:
    right = tlog.Checkpoint(made.ORIGIN, 40, LOG.root)
    wrong(with_checkpoint(COPY, made.signed(right, made.FIRST, by=made.EVE)), "No known key")
    other = tlog.Signer("other.example/log", b"o" * 32)
    foreign = tlog.Checkpoint("other.example/log", 40, LOG.root)
    signed = made.signed(foreign, made.FIRST, by=other)
    report = checked(with_checkpoint(COPY, signed))
    assert "No known key of the log other.example/log" in report.problems[0]


def test_a_forged_size_is_reported() -> None:
    forged = COPY.checkpoint.replace(b"\n40\n", b"\n41\n")
    wrong(with_checkpoint(COPY, forged), "does not fit this text", "counts 41 entries, but this copy has 40")


def test_a_false_size_signed_by_the_log_is_reported() -> None:
    for size in (39, 41, 2**63 - 1):
        signed = made.signed(tlog.Checkpoint(made.ORIGIN, size, LOG.root), made.FIRST)
        report = checked(with_checkpoint(COPY, signed))
        assert f"counts {size:,} entries, but this copy has 40" in report.problems[0]


def test_too_few_witnesses_are_reported() -> None:
    report = wrong(replace(LOG, policy=made.TWO_WITNESSES), "Too few of the policy's witnesses")
    assert report.quorum is False and report.witnesses == (
        Witness("first", made.WITNESSED, str(made.FIRST.verifier)),
    )
    alone = made.signed(tlog.Checkpoint(made.ORIGIN, 40, LOG.root))
    assert wrong(with_checkpoint(COPY, alone), "Too few").witnesses == ()


def test_an_unknown_witness_does_not_count() -> None:
    signed = made.signed(tlog.Checkpoint(made.ORIGIN, 40, LOG.root), made.SECOND)
    assert wrong(with_checkpoint(COPY, signed), "Too few").witnesses == ()
    both = made.signed(tlog.Checkpoint(made.ORIGIN, 40, LOG.root), made.FIRST, made.SECOND)
    assert [witness.name for witness in checked(with_checkpoint(COPY, both)).witnesses] == ["first"]


def test_a_cosignature_of_another_tree_is_reported() -> None:
    line = tlog.cosign(tlog.Checkpoint(made.ORIGIN, 39, LOG.root), made.FIRST, made.WITNESSED)
    spoilt = tlog.note.append(tlog.Checkpoint(made.ORIGIN, 40, LOG.root).sign(made.CAROL), [line])
    wrong(with_checkpoint(COPY, spoilt), "The signature of witness.example/w1 does not fit")


def test_the_newest_of_two_cosignatures_is_reported() -> None:
    checkpoint = tlog.Checkpoint(made.ORIGIN, 40, LOG.root)
    later = tlog.cosign(checkpoint, made.FIRST, made.WITNESSED + 9)
    report = checked(with_checkpoint(COPY, tlog.note.append(COPY.checkpoint, [later])))
    assert report.witnesses == (Witness("first", made.WITNESSED + 9, str(made.FIRST.verifier)),)


def test_another_key_than_the_given_one_is_reported() -> None:
    assert check(COPY, now=NOW, log_key=made.CAROL.verifier).ok
    report = check(COPY, now=NOW, log_key=made.EVE.verifier)
    assert not report.ok and "another key" in report.sentence
    assert report.log_key == str(made.CAROL.verifier)


# The entries


@pytest.mark.parametrize("index", [0, 1, 19, 20, 39])
def test_a_dropped_entry_is_reported(index: int) -> None:
    report = checked(with_checkpoint(LOG.without(index).copy(), COPY.checkpoint))
    assert "counts 40 entries, but this copy has 39" in report.problems[0]


def test_an_additional_entry_is_reported() -> None:
    wrong(with_checkpoint(LOG.with_entries(SIGN).copy(), COPY.checkpoint), "this copy has 41")


@pytest.mark.parametrize("at", [34, 35, 36, 67, 34 * 39 + 33])
def test_a_changed_byte_is_reported(at: int) -> None:
    entries = bytearray(COPY.entries)
    entries[at] ^= 1
    assert (
        "do not lead to the checkpoint's root" in checked(replace(COPY, entries=bytes(entries))).problems[0]
    )


def test_entries_in_another_order_are_reported() -> None:
    entries = (*LOG.entries[:2], LOG.entries[3], LOG.entries[2], *LOG.entries[4:])
    wrong(with_checkpoint(replace(LOG, entries=entries).copy(), COPY.checkpoint), "do not lead to")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ([Open(made.log(1).manifest_at(0)).encode()], "Entry 40: a log is opened by entry 0"),
        ([Close().encode(), SIGN], "Entry 41: the log was closed before"),
        ([Close().encode(), Amend(LOG.manifest_at(0)).encode()], "Entry 41: the log was closed before"),
        ([Close().encode(), Close().encode()], "Entry 41: the log was closed before"),
        ([Revoke(0, Reason.FAKE).encode()], "is not a signature"),
        ([Revoke(20, Reason.FAKE).encode()], "is not a signature"),
        ([Revoke(41, Reason.FAKE).encode(), SIGN], "is not before it"),
        ([Revoke(40, Reason.FAKE).encode()], "is not before it"),
        ([Revoke(1, Reason.FAKE).encode()] * 2, "entry 1 was revoked before"),
        ([b"\1\2" + bytes(7) + b"\1\0" + bytes(23)], "a reason from 1 to 4"),
        ([b"\1\2" + bytes(7) + b"\1\1" + b"\1" * 23], "ends in zeros"),
        ([b"\1\4" + b"\1" * 32], "nothing but zeros"),
        ([b"\1\5" + bytes(32)], "no entries of type 05"),
        ([b"\2\1" + bytes(32)], "of which the first is 01"),
    ],
)  # fmt: skip
def test_an_entry_that_is_invalid_at_its_index_is_reported(more: list[bytes], sentence: str) -> None:
    wrong(LOG.with_entries(*more), sentence)


@pytest.mark.parametrize("first", [LOG.signers[0], LOG.signers[-1], 5, 40])
@pytest.mark.parametrize("between", [0, 1, 5_000])
def test_a_repeated_commitment_is_not_counted(first: int, between: int) -> None:
    """This includes a signer who withdrew (entry 5), and two entries that are far apart."""
    more = [SIGN, *(Sign(index.to_bytes(32)).encode() for index in range(between))]
    log = LOG.with_entries(*more)
    repeated = len(log.entries)
    again = log.with_entries(log.entries[first], Sign(b"t" * 32).encode(), Close().encode(), SIGN)
    report = wrong(
        again,
        f"Entry {repeated}: its commitment is that of entry {first}, and each may be in the log only once.",
    )
    assert report.signed == checked(log.copy()).signed and not report.closed


def test_an_earlier_problem_is_reported_before_a_repeated_commitment() -> None:
    wrong(LOG.with_entries(Revoke(0, Reason.FAKE).encode(), SIGN, SIGN), "Entry 40")
    wrong(LOG.with_entries(SIGN, SIGN, Revoke(0, Reason.FAKE).encode()), "Entry 41")


def test_other_entries_may_hold_the_same_bytes() -> None:
    text = LOG.manifest_at(0)
    assert checked(LOG.with_entries(*[Amend(text).encode()] * 2, Sign(text).encode()).copy()).ok


def test_a_log_without_an_open_entry_is_reported() -> None:
    assert "first entry opens the log" in checked(made.Made((SIGN, SIGN), {}).copy()).problems[0]


def test_bytes_left_over_after_the_entries_are_reported() -> None:
    wrong(
        replace(COPY, entries=COPY.entries + b"x", flaws=("The entries are not 34 bytes each.",)),
        "34 bytes each",
    )


# Manifests


def test_a_missing_or_changed_manifest_is_reported() -> None:
    first, second = LOG.manifest_at(0), LOG.manifest_at(20)
    wrong(replace(COPY, manifests={first: LOG.manifests[first]}), "manifest of entry 20")
    changed = {**LOG.manifests, first: LOG.manifests[first].replace(b"Plant", b"Plane")}
    wrong(replace(COPY, manifests=changed), "was changed")
    wrong(replace(COPY, manifests={}), "manifest of entry 0", "manifest of entry 20")
    swapped = {first: LOG.manifests[second], second: LOG.manifests[first]}
    wrong(replace(COPY, manifests=swapped), "was changed", "was changed")


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        (b"no json", "not written as"),
        (b"[]", "not written as"),
        (b"\xff\xfe{\0}\0", "not written as"),
        (b"[" * 100_000, "not written as"),
        (b'{"v": 1}', "not written as"),
        (b'{"terms": []}', "not written as"),
        (b'{"terms": {"log": "x"}}', "not written as"),
        (b'{"terms": {"log": {}}, "terms": {"log": {}}}', "not written as"),
        (made.manifest(log={"origin": "x/log", "key": str(made.CAROL.verifier)}), "belongs to another log"),
        (made.manifest(log={"origin": made.ORIGIN, "key": str(made.EVE.verifier)}), "not in the policy"),
        (made.manifest(log={"origin": made.ORIGIN, "key": [1]}), "not in the policy"),
    ],
)
def test_an_invalid_manifest_or_one_of_another_log_is_reported(manifest: bytes, sentence: str) -> None:
    wrong(made.log(3, manifests=(manifest, b"")), sentence)


def test_unknown_terms_are_not_an_error() -> None:
    assert checked(made.log(3, manifests=(made.manifest(novel={"deep": [1]}, fields=7), b"")).copy()).ok


# All of it


def test_all_problems_are_listed_and_the_first_is_the_sentence() -> None:
    forged = COPY.checkpoint.replace(b"\n40\n", b"\n41\n")
    copy = replace(COPY, checkpoint=forged, manifests={}, records=b"{}\n", policy=made.ONE_WITNESS)
    report = wrong(copy, "does not hold", "counts 41", "entry 0", "entry 20", "line 1")
    assert report.sentence == f"NOT OK: the log {made.ORIGIN}, checked on {day(NOW)}: {report.problems[0]}"
    assert report.lines()[1:5] == list(report.problems[1:])


def test_the_number_of_problems_has_a_limit() -> None:
    report = checked(replace(COPY, records=b"{}\n" * 5_000))
    assert len(report.problems) == MOST_PROBLEMS and report.shown == 5_000 and report.matched == 0
    assert any(re.fullmatch(r"And 980 more problems\.", line) for line in report.lines())


def test_a_name_cannot_control_the_terminal() -> None:
    policy = (
        f"log {made.CAROL.verifier}\n".encode()
        + b"witness \xe2\x80\xaefirst\xff "
        + str(made.FIRST.verifier).encode()
        + b"\nquorum none\n"
    )
    report = checked(replace(COPY, policy=policy))
    assert report.ok and report.witnesses[0].name == "\ufffdfirst\ufffd"


def test_a_report_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        checked(COPY).size = 3  # type: ignore[misc]


def test_many_missing_manifests_reach_the_limit_of_problems() -> None:
    amends = [Amend(hashlib.sha256(b"%d" % n).digest()).encode() for n in range(3_000)]
    assert len(checked(LOG.with_entries(*amends).copy()).problems) == MOST_PROBLEMS
