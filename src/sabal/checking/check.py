"""The check of a copy of a log: all that can be found without believing anybody. docs/checking.md "What is checked".

Whom to believe is said by the policy that came with the copy; so whoever checks compares its key with one that came
another way.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import tlog
from sabal.checking.copy import LogCopy, entry_at, named_manifests
from sabal.checking.entries import Walked, walk
from sabal.checking.head import Head, check_head
from sabal.checking.manifests import check_manifests, promise_keys
from sabal.checking.records import Terms, Wrong, check_records, check_sample
from sabal.checking.report import Other, Promised, Proven, Report, Sampled, day, plain
from tlog import Checkpoint, Promise, Proof, Verifier

MOST_PROBLEMS = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What somebody kept of a log beside the copy: signed notes of checkpoints and promises, proof files."""

    checkpoints: Sequence[bytes] = ()
    promises: Sequence[bytes] = ()
    proofs: Sequence[bytes] = ()


def check(copy: LogCopy, *, now: int, kept: Kept | None = None, log_key: Verifier | None = None) -> Report:
    """Check a copy, and what was kept of its log, each part as far as that is possible. Never raises on what it holds.

    `now`, in POSIX seconds, is the time for promises where no witness has cosigned. `log_key` is the key that the log
    must have.
    """
    problems: list[str] = []

    def wrong(sentence: str) -> None:
        if len(problems) < MOST_PROBLEMS:
            problems.append(plain(sentence))

    for flaw in copy.flaws:
        wrong(flaw)
    head = check_head(copy, log_key, wrong)
    terms = check_manifests(copy, head, wrong)
    known = _open_kept(kept or Kept(), head, terms, wrong)
    sizes = [head.size, *(other.size for other in known.checkpoints)]
    walked = walk(copy.entries, sizes, [promise.leaf for promise in known.promises])
    _check_tree(copy, head, walked, wrong)
    shown = check_records(copy.records or b"", walked, terms, wrong)
    sample = _check_sample(copy, head, walked, shown.matched, wrong)
    checkpoints = [_check_other(other, head, walked, wrong) for other in known.checkpoints]
    promises = [_check_promise(promise, head, walked, now, wrong) for promise in known.promises]
    proofs = [_check_proof(proof, copy, head, walked, wrong) for proof in known.proofs]
    return Report(
        tuple(problems),
        origin=plain(head.claim.origin) if head.claim else None,
        size=head.size,
        root=head.claim.root if head.claim else None,
        log_key=plain(str(head.key)) if head.key else None,
        signed=walked.tally.signed,
        revoked=walked.tally.revoked,
        closed=walked.tally.closed,
        manifests=tuple(named_manifests(copy.entries)),
        shown=shown.number,
        matched=len(shown.matched),
        sample=sample,
        witnesses=head.witnesses,
        quorum=head.quorum,
        checkpoints=tuple(checkpoints),
        promises=tuple(promises),
        proofs=tuple(proof for proof in proofs if proof),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What was kept and is of this log: signed by its keys, not yet compared."""

    checkpoints: list[Checkpoint]
    promises: list[Promise]
    proofs: list[Proof]


def _open_kept(kept: Kept, head: Head, terms: Terms, wrong: Wrong) -> _Known:
    known = _Known([], [], [])
    for data in kept.checkpoints:
        if other := _open_other(data, head, wrong):
            known.checkpoints.append(other)
    keys = promise_keys(terms)
    for data in kept.promises:
        if promise := _open_promise(data, head, keys, wrong):
            known.promises.append(promise)
    for data in kept.proofs:
        try:
            proof = Proof.parse(data)
        except tlog.TlogError as error:
            wrong(f"A proof that was given cannot be read. {error}")
            continue
        if other := _open_other(proof.checkpoint, head, wrong):
            known.checkpoints.append(other)
            known.proofs.append(proof)
    return known


def _open_other(data: bytes, head: Head, wrong: Wrong) -> Checkpoint | None:
    """A checkpoint of this log, from elsewhere; its witnesses may be others than the policy's of today."""
    try:
        other = tlog.checkpoint.open(data, head.policy.logs).checkpoint
    except tlog.TlogError as error:
        wrong(f"A checkpoint that was given is not signed by this log. {error}")
        return None
    if head.claim and other.origin != head.claim.origin:
        wrong(f"A checkpoint that was given is of another log: {other.origin}.")
        return None
    return other


def _open_promise(data: bytes, head: Head, keys: Sequence[Verifier], wrong: Wrong) -> Promise | None:
    for key in keys:
        try:
            promise = Promise.open(data, key)
        except tlog.TlogError:
            continue
        if head.claim and promise.origin == head.claim.origin:
            return promise
    wrong("A promise that was given is not signed by the key that this petition's text names for promises.")
    return None


def _check_tree(copy: LogCopy, head: Head, walked: Walked, wrong: Wrong) -> None:
    if copy.size != head.size:
        wrong(f"The checkpoint counts {head.size:,} entries; this copy has {copy.size:,}.")
    root = walked.roots.get(head.size)
    if head.claim and root is not None and root != head.claim.root:
        wrong(
            "The entries do not lead to the checkpoint's root: one of them was changed, or left out, or added."
        )
    if walked.disorder:
        wrong(walked.disorder)


def _check_sample(
    copy: LogCopy, head: Head, walked: Walked, matched: Collection[int], wrong: Wrong
) -> Sampled | None:
    if copy.sample is None or head.claim is None:
        return None
    return check_sample(copy.sample, head.claim, walked, matched, wrong)


def _check_other(other: Checkpoint, head: Head, walked: Walked, wrong: Wrong) -> Other:
    """Whether the copy goes on from another checkpoint: that one's root is over our first entries."""
    if other.size > head.size:
        wrong(
            f"This copy is older than what was seen: it has {head.size:,} entries, and a checkpoint that was given has"
            f" {other.size:,}. Fetch a newer one."
        )
        return Other(other.size, consistent=False)
    root = walked.roots.get(other.size)
    if root is None:
        wrong(f"A checkpoint of {other.size:,} entries was given; this copy has too few to compare them.")
    elif root != other.root:
        wrong(
            f"The first {other.size:,} entries are not those of a checkpoint that was given: this log has shown"
            " different entries to different people. Keep both."
        )
    return Other(other.size, consistent=root == other.root)


def _check_promise(promise: Promise, head: Head, walked: Walked, now: int, wrong: Wrong) -> Promised:
    """Kept, broken, or not due at the time of the newest cosignature. docs/log-format.md "Promise"."""
    if promise.leaf in walked.leaves:
        return Promised(promise.include_by, "kept")
    seen = max((witness.time for witness in head.witnesses), default=now)
    if promise.include_by > seen:
        return Promised(promise.include_by, "waiting")
    wrong(
        f"The log broke a promise: a signature that it should hold since {day(promise.include_by)} is not in it."
        " Keep the promise and this copy."
    )
    return Promised(promise.include_by, "broken")


def _check_proof(proof: Proof, copy: LogCopy, head: Head, walked: Walked, wrong: Wrong) -> Proven | None:
    if proof.index >= copy.size:
        wrong(f"A proof was given of entry {proof.index:,}, which this copy does not have.")
        return None
    try:
        proof.verify(tlog.leaf_hash(entry_at(copy.entries, proof.index)), head.policy)
    except tlog.TlogError as error:
        wrong(f"The proof of entry {proof.index:,} does not hold. {error}")
        return None
    return Proven(proof.index, walked.revoked.get(proof.index))
