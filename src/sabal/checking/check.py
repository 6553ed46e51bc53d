"""The check of a copy of a log: all that can be found without believing anybody. docs/checking.md "What is checked".

Whom to believe is said by the policy that came with the copy; so whoever checks compares its key with one that came
another way.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

import tlog
from sabal.checking.copy import LogCopy, entry_at, named_manifests
from sabal.checking.entries import Walked, walk
from sabal.checking.head import Head, check_head, signers_of
from sabal.checking.manifests import check_manifests, promise_keys
from sabal.checking.records import Wrong, check_records, check_sample
from sabal.checking.report import Other, Promised, Proven, Report, Sampled, day, last_day, plain
from tlog import Checkpoint, Promise, Proof, Verifier, note
from tlog.policy import NONE

MOST_PROBLEMS = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What somebody kept of a log beside the copy: signed notes of checkpoints and promises, proof files."""

    checkpoints: Sequence[bytes] = ()
    promises: Sequence[bytes] = ()
    proofs: Sequence[bytes] = ()


NOTHING = Kept()


@dataclass(frozen=True, slots=True)
class Trust:
    """What the person checking knows by themselves: who witnesses honestly, when the house gave this copy."""

    witnesses: Sequence[Verifier] = ()
    fetched: int | None = None
    """POSIX seconds; None where the copy came another way than from the house."""


NOBODY = Trust()


def check(
    copy: LogCopy, *, now: int, kept: Kept = NOTHING, log_key: Verifier | None = None, trust: Trust = NOBODY
) -> Report:
    """Check a copy, and what was kept of its log, each part as far as that is possible. Never raises on what it holds.

    `now`, in POSIX seconds, is the time at which promises are due. `log_key` is the key that the log must have. By
    `trust` alone a copy is known to be newer than a promise that it does not keep.
    """
    problems: list[str] = []

    def wrong(sentence: str) -> None:
        if len(problems) < MOST_PROBLEMS:
            problems.append(plain(sentence))

    for flaw in copy.flaws:
        wrong(flaw)
    head = check_head(copy, log_key, wrong)
    sizes, leaves = _asked(kept)
    walked = walk(copy.entries, [head.size, *sizes], leaves)
    _check_tree(copy, head, walked, wrong)
    terms = check_manifests(copy, head, wrong)
    shown = check_records(copy.records or b"", walked, terms, wrong)
    sample = _check_sample(copy, head, walked, shown.matched, wrong)
    due = Due(now, _newest(copy, head, walked, trust))
    checkpoints, promises, proofs = _check_kept(kept, copy, head, walked, promise_keys(terms), due, wrong)
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
        checkpoints=checkpoints,
        promises=promises,
        proofs=proofs,
    )


def _asked(kept: Kept) -> tuple[list[int], list[bytes]]:
    """At what sizes a root is needed, and of which leaf hashes it is asked whether they are there; all unproven yet."""
    sizes, leaves = [], []
    for data in kept.checkpoints:
        with suppress(tlog.TlogError):
            sizes.append(tlog.checkpoint.peek(data).size)
    for data in kept.proofs:
        with suppress(tlog.TlogError):
            sizes.append(tlog.checkpoint.peek(Proof.parse(data).checkpoint).size)
    for data in kept.promises:
        with suppress(tlog.TlogError):
            leaves.append(Promise.parse(note.split(data)[0]).leaf)
    return sizes, leaves


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


def _check_kept(
    kept: Kept, copy: LogCopy, head: Head, walked: Walked, keys: Sequence[Verifier], due: "Due", wrong: Wrong
) -> tuple[tuple[Other, ...], tuple[Promised, ...], tuple[Proven, ...]]:
    """What of it is this log's, held against the copy; the checkpoints of proofs stand with the others."""
    others = [_check_other(data, head, walked, wrong) for data in kept.checkpoints]
    promises = [_check_promise(data, keys, head, walked, due, wrong) for data in kept.promises]
    proofs = [_check_proof(data, copy, head, walked, wrong) for data in kept.proofs]
    return (
        tuple(other for other in [*others, *(other for other, _ in proofs)] if other),
        tuple(promised for promised in promises if promised),
        tuple(proven for _, proven in proofs if proven),
    )


def _check_other(data: bytes, head: Head, walked: Walked, wrong: Wrong) -> Other | None:
    """Whether the copy goes on from another checkpoint: that one's root is over our first entries."""
    other = _open_other(data, head, wrong)
    if other is None:
        return None
    root = walked.roots.get(other.size)
    if other.size > head.size:
        wrong(
            f"This copy is older than what was seen: it has {head.size:,} entries, and a checkpoint that was given has"
            f" {other.size:,}. Fetch a newer one."
        )
    elif root is None:
        wrong(f"A checkpoint of {other.size:,} entries was given; this copy has too few to compare them.")
    elif root != other.root:
        wrong(
            f"The first {other.size:,} entries are not those of a checkpoint that was given: this log has shown"
            " different entries to different people. Keep both."
        )
    return Other(other.size, consistent=other.size <= head.size and root == other.root)


def _open_other(data: bytes, head: Head, wrong: Wrong) -> Checkpoint | None:
    """A checkpoint of this log, from elsewhere; its witnesses may be others than the policy's of today.

    By another key than the copy's it is no evidence against the copy, nor for it.
    """
    try:
        opened = tlog.checkpoint.open(data, head.policy.logs)
    except tlog.TlogError as error:
        wrong(f"A checkpoint that was given is not signed by this log. {error}")
        return None
    other = opened.checkpoint
    if head.claim and other.origin != head.claim.origin:
        wrong(f"A checkpoint that was given is of another log: {other.origin}.")
        return None
    if not set(signers_of(opened, head.policy)).intersection(head.signers):
        if head.signers:
            wrong(
                f"A checkpoint of {other.size:,} entries that was given is signed by another key of the policy than"
                " this copy: ask which of the two is the log's."
            )
        return None
    return other


@dataclass(frozen=True, slots=True)
class Due:
    """The time, and the latest at which this copy is known to have been the newest; None where nobody knows."""

    now: int
    newest: int | None


def _newest(copy: LogCopy, head: Head, walked: Walked, trust: Trust) -> int | None:
    """See Due. Of a copy that is not whole nothing is known. docs/log-format.md "The check"."""
    if head.key is None or head.claim is None or walked.roots.get(head.size) != head.claim.root:
        return None
    text, lines = note.split(copy.checkpoint)
    times = [
        tlog.cosigned_at(line.value)
        for line in lines
        for key in trust.witnesses
        if (line.name, line.key_id) == (key.name, key.key_id) and key.verifies(text, line.value)
    ]
    return max([*times, *([] if trust.fetched is None else [trust.fetched])], default=None)


def _check_promise(
    data: bytes, keys: Sequence[Verifier], head: Head, walked: Walked, due: Due, wrong: Wrong
) -> Promised | None:
    """Kept, not due, broken, or overdue in a copy that may be older. docs/log-format.md "Promise"."""
    promise = _open_promise(data, keys, head)
    if promise is None:
        wrong(
            "A promise that was given is not signed by the key that this petition's text names for promises."
        )
        return None
    if (index := walked.leaves.get(promise.leaf)) is not None:
        return Promised(promise.include_by, "kept", walked.revoked.get(index))
    if promise.include_by > due.now:
        return Promised(promise.include_by, "waiting")
    if due.newest is None or promise.include_by > due.newest:
        wrong(
            f"The promise of an entry by {last_day(promise.include_by)} is not kept in this copy, which may be older:"
            " fetch a newer one from the house."
        )
        return Promised(promise.include_by, "overdue")
    wrong(
        f"The log broke a promise: a signature that it should hold since {day(promise.include_by)} is not in it."
        " Keep the promise and this copy."
    )
    return Promised(promise.include_by, "broken")


def _open_promise(data: bytes, keys: Sequence[Verifier], head: Head) -> Promise | None:
    for key in keys:
        with suppress(tlog.TlogError):
            promise = Promise.open(data, key)
            if head.claim and promise.origin == head.claim.origin:
                return promise
    return None


def _check_proof(
    data: bytes, copy: LogCopy, head: Head, walked: Walked, wrong: Wrong
) -> tuple[Other | None, Proven | None]:
    """What the proof's own checkpoint is to the copy, and the entry that it proves.

    That checkpoint needs no witnesses of its own, for the copy goes on from it: one that was saved before the log had
    witnesses, or while it had others, proves as much.
    """
    try:
        proof = Proof.parse(data)
    except tlog.TlogError as error:
        wrong(f"A proof that was given cannot be read. {error}")
        return None, None
    other = _check_other(proof.checkpoint, head, walked, wrong)
    if other is None:
        return None, None
    if proof.index >= copy.size:
        wrong(f"A proof was given of entry {proof.index:,}, which this copy does not have.")
        return other, None
    try:
        proof.verify(tlog.leaf_hash(entry_at(copy.entries, proof.index)), head.policy._replace(quorum=NONE))
    except tlog.TlogError as error:
        wrong(f"The proof of entry {proof.index:,} does not hold. {error}")
        return other, None
    return other, Proven(proof.index, walked.revoked.get(proof.index))
