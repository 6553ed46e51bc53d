"""A copy is compared with the checkpoints, promises and proofs that people kept."""

from dataclasses import replace

import pytest

import tlog
from checking import made
from checking.verdicts import COPY, LOG, NOW, SIGN, checked, with_checkpoint, wrong
from sabal.checking.check import check
from sabal.checking.copy import LogCopy
from sabal.checking.kept import Kept, Trust
from sabal.checking.report import OtherCheckpoint, Promised, Proven
from tlog.entry import Reason

# Other checkpoints


@pytest.mark.parametrize("size", [0, 1, 7, 39, 40])
def test_an_earlier_checkpoint_agrees(size: int) -> None:
    report = checked(COPY, checkpoints=[LOG.checkpoint(size)])
    assert report.ok and report.checkpoints == (OtherCheckpoint(size, True),)


def test_a_fork_is_found() -> None:
    forked = replace(LOG, entries=(*LOG.entries[:9], SIGN, *LOG.entries[10:]))
    for size in (10, 40):
        report = wrong(LOG, "different entries to different people", checkpoints=[forked.checkpoint(size)])
        assert report.checkpoints == (OtherCheckpoint(size, False),)
    assert checked(COPY, checkpoints=[forked.checkpoint(9)]).ok


def test_a_copy_without_a_valid_signature_proves_no_fork() -> None:
    checkpoint = tlog.Checkpoint(made.ORIGIN, 40, LOG.root)
    by_eve = with_checkpoint(COPY, made.signed(checkpoint, made.FIRST, by=made.EVE))
    forked = replace(LOG, entries=(*LOG.entries[:9], SIGN, *LOG.entries[10:]))
    assert wrong(by_eve, "does not hold", checkpoints=[forked.checkpoint(40)]).checkpoints == ()


def test_a_copy_older_than_a_kept_checkpoint_is_reported() -> None:
    report = wrong(LOG, "This copy is older", checkpoints=[made.log(50, amend=20).checkpoint()])
    assert report.checkpoints == (OtherCheckpoint(50, False),)


def test_a_checkpoint_with_another_signature_is_refused() -> None:
    checkpoint = tlog.Checkpoint(made.ORIGIN, 10, tlog.root_of_entries(LOG.entries[:10]))
    wrong(LOG, "not signed by this log", checkpoints=[made.signed(checkpoint, made.FIRST, by=made.EVE)])
    wrong(LOG, "not signed by this log", checkpoints=[b"garbage"])
    other = tlog.Signer("other.example/log", b"o" * 32)
    policy = made.ONE_WITNESS + f"log {other.verifier}\n".encode()
    foreign = tlog.Checkpoint("other.example/log", 10, checkpoint.root)
    wrong(replace(LOG, policy=policy), "of another log", checkpoints=[foreign.sign(other)])


def test_an_earlier_checkpoint_needs_no_witness() -> None:
    checkpoint = tlog.Checkpoint(made.ORIGIN, 10, tlog.root_of_entries(LOG.entries[:10]))
    assert checked(COPY, checkpoints=[made.signed(checkpoint)]).ok


def test_a_checkpoint_of_more_entries_than_the_copy_has_cannot_be_compared() -> None:
    short = with_checkpoint(replace(LOG, entries=LOG.entries[:30]).copy(), COPY.checkpoint)
    wrong(short, "this copy has 30", "too few entries to compare", checkpoints=[LOG.checkpoint(35)])


# Promises


def absent(include_by: int) -> bytes:
    return tlog.Promise(made.ORIGIN, tlog.leaf_hash(SIGN), include_by).sign(made.PROMISER)


def test_a_promise_whose_entry_is_in_the_log_is_kept_at_any_time() -> None:
    report = checked(COPY, promises=[LOG.promise(5, 1), LOG.promise(5, NOW * 2)])
    assert report.ok and [one.state for one in report.promises] == ["kept", "kept"]


def promised(by: int, trust: Trust, copy: LogCopy = COPY, now: int = NOW) -> str:
    report = check(copy, now=now, kept=Kept(promises=[absent(by)]), trust=trust)
    (one,) = report.promises
    assert report.ok == (one.state == "waiting") and one.include_by == by
    words = {
        "broken": "broke a promise",
        "overdue": "which may be old. Fetch a newer copy from the petition's own site.",
    }
    assert one.state == "waiting" or words[one.state] in report.sentence
    return one.state


def test_a_promise_is_broken_only_if_a_trusted_source_dates_the_copy() -> None:
    at, named = made.WITNESSED, Trust([made.FIRST.verifier])
    assert promised(at, Trust()) == promised(1, Trust([made.SECOND.verifier])) == "overdue"
    assert promised(NOW, Trust()) == "overdue" and promised(NOW + 1, Trust()) == "waiting"
    assert promised(at, named) == "broken" and promised(at + 1, named) == "overdue"
    assert promised(at + 1, named, now=at) == promised(at, named, now=at - 1) == "waiting"
    assert (
        promised(NOW, Trust(fetched=NOW)) == "broken" and promised(NOW, Trust(fetched=NOW - 1)) == "overdue"
    )


def test_an_incomplete_copy_breaks_no_promise() -> None:
    spoilt = replace(COPY, entries=LOG.without(30).copy().entries + SIGN[:33] + b"x")
    report = check(spoilt, now=NOW, kept=Kept(promises=[absent(1)]), trust=Trust([made.FIRST.verifier], NOW))
    assert not report.ok and report.promises == (Promised(1, "overdue"),)


def test_a_promise_with_another_signature_is_refused() -> None:
    leaf = tlog.leaf_hash(SIGN)
    eve = tlog.promise_key(made.ORIGIN, b"e" * 32)
    other = tlog.promise_key("other.example/log", b"p" * 32)
    for promise in (
        tlog.Promise(made.ORIGIN, leaf, 1).sign(eve),
        tlog.Promise("other.example/log", leaf, 1).sign(other),
        COPY.checkpoint,
        b"garbage",
    ):
        assert wrong(LOG, "not signed by the key", promises=[promise]).promises == ()


def test_a_manifest_cannot_take_over_the_promises_of_another_log() -> None:
    other = tlog.promise_key("other.example/log", b"o" * 32)
    log = {"origin": made.ORIGIN, "key": str(made.CAROL.verifier), "promise_key": str(other.verifier)}
    promise = tlog.Promise("other.example/log", bytes(32), 1).sign(other)
    wrong(made.log(3, manifests=(made.manifest(log=log), b"")), "not signed by the key", promises=[promise])


# Proofs


def test_a_proof_holds_and_reports_a_revocation() -> None:
    revoked = next(int.from_bytes(entry[2:10]) for entry in LOG.entries if entry[1] == 2)
    signer = LOG.signers[0]
    report = checked(COPY, proofs=[LOG.proof(signer, 30), LOG.proof(revoked)])
    assert report.ok and report.checkpoints == (OtherCheckpoint(30, True), OtherCheckpoint(40, True))
    assert report.proofs[0] == Proven(signer, None) and report.proofs[1].revoked in Reason
    assert f"Entry {signer} is in the log; the signature counts." in report.lines()
    report = checked(COPY, promises=[LOG.promise(revoked)])
    assert report.promises[0].revoked in Reason
    assert any("operator's word" in line for line in report.lines())


def test_an_altered_proof_is_refused() -> None:
    good = tlog.Proof.parse(LOG.proof(5))
    wrong(LOG, "proof of entry 4 does not hold", proofs=[replace(good, index=4).encode()])
    wrong(LOG, "but this copy has no such entry", proofs=[replace(good, index=99).encode()])
    wrong(LOG, "proof of entry 5 does not hold", proofs=[replace(good, path=good.path[:-1]).encode()])
    wrong(LOG, "cannot be read", proofs=[b"garbage"])
    alone = made.signed(tlog.Checkpoint(made.ORIGIN, 40, LOG.root))
    # The copy continues from this checkpoint and has its quorum, so this one needs no witnesses.
    assert checked(COPY, proofs=[replace(good, checkpoint=alone).encode()]).ok
    by_eve = made.signed(tlog.Checkpoint(made.ORIGIN, 40, LOG.root), made.FIRST, by=made.EVE)
    wrong(LOG, "not signed by this log", proofs=[replace(good, checkpoint=by_eve).encode()])


def test_a_proof_from_a_longer_log_shows_that_the_copy_is_older() -> None:
    longer = made.log(50, amend=20)
    wrong(LOG, "This copy is older", proofs=[longer.proof(5)])
    wrong(LOG, "This copy is older", "no such entry", proofs=[longer.proof(45)])
