"""Check a copy of a log without trusting its source. docs/checking.md "What is checked".

The policy comes with the copy, and it names the keys to believe. So the person checking must compare the log's key
with one that came another way.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sabal.checking.checkpoint import SignedCheckpoint, check_checkpoint
from sabal.checking.copy import LogCopy, named_manifests
from sabal.checking.entries import Walked, walk
from sabal.checking.kept import NO_TRUST, NOTHING_KEPT, CheckedCopy, Kept, Trust, sizes_and_leaves
from sabal.checking.manifests import check_manifests, promise_keys
from sabal.checking.records import AddProblem, check_records, check_sample
from sabal.checking.report import Report, Sampled, plain
from sabal.checking.subject import organiser_of, title_of
from sabal.counted import some_entries
from tlog import Verifier

MOST_PROBLEMS = 1_000


def check(
    copy: LogCopy,
    *,
    now: int,
    kept: Kept = NOTHING_KEPT,
    log_key: Verifier | None = None,
    trust: Trust = NO_TRUST,
) -> Report:
    """Check a copy, and compare it with what was kept of its log. Never raise on the content of either.

    Each part is checked as far as possible. Promises are due at `now`, in Unix time (seconds). `log_key` is the key
    that the log must have. Only `trust` shows that the copy is newer than the due time of a promise: without it a
    missing entry is overdue, not a broken promise.
    """
    problems: list[str] = []

    def add_problem(sentence: str) -> None:
        if len(problems) < MOST_PROBLEMS:
            problems.append(plain(sentence))

    for flaw in copy.flaws:
        add_problem(flaw)
    checkpoint = check_checkpoint(copy, log_key, add_problem)
    sizes, leaves = sizes_and_leaves(kept)
    walked = walk(copy.entries, [checkpoint.size, *sizes], leaves)
    in_order = _check_tree(copy, checkpoint, walked, add_problem)
    terms = check_manifests(copy, checkpoint, add_problem)
    shown = check_records(copy.records or b"", walked, terms, add_problem)
    sample = _check_sample(copy, checkpoint, walked, shown.matched, add_problem)
    checked = CheckedCopy(copy, checkpoint, walked, add_problem)
    checkpoints, promises, proofs = checked.compare(kept, promise_keys(terms), now, trust)
    # Name the petition by its text only if the log was signed and leads to this text.
    named = named_manifests(copy.entries) if checkpoint.key and in_order else []
    current = terms.get(named[-1][1], {}) if named else {}
    return replace(
        _report(copy, checkpoint, walked, problems),
        shown=shown.number,
        matched=len(shown.matched),
        sample=sample,
        checkpoints=checkpoints,
        promises=promises,
        proofs=proofs,
        title=title_of(current),
        organiser=organiser_of(current),
        checked=now,
    )


def _check_tree(copy: LogCopy, checkpoint: SignedCheckpoint, walked: Walked, add_problem: AddProblem) -> bool:
    """Return whether the entries are those of the checkpoint, in a valid order."""
    if copy.size != checkpoint.size:
        add_problem(
            f"The checkpoint counts {some_entries(checkpoint.size)}, but this copy has {copy.size:,}."
        )
    root = walked.roots.get(checkpoint.size)
    if checkpoint.claim and root is not None and root != checkpoint.claim.root:
        add_problem(
            "The entries do not lead to the checkpoint's root. One of them was changed, left out or added."
        )
    if walked.disorder:
        add_problem(walked.disorder)
    return (
        not walked.disorder
        and root is not None
        and checkpoint.claim is not None
        and root == checkpoint.claim.root
    )


def _report(copy: LogCopy, checkpoint: SignedCheckpoint, walked: Walked, problems: Sequence[str]) -> Report:
    """Return the report on the log itself, without records and without comparisons."""
    return Report(
        tuple(problems),
        origin=plain(checkpoint.claim.origin) if checkpoint.claim else None,
        size=checkpoint.size,
        root=checkpoint.claim.root if checkpoint.claim else None,
        log_key=plain(str(checkpoint.key)) if checkpoint.key else None,
        signed=walked.tally.signed,
        revoked=walked.tally.revoked,
        closed=walked.tally.closed,
        manifests=tuple(named_manifests(copy.entries)),
        witnesses=checkpoint.witnesses,
        quorum=checkpoint.quorum,
    )


def _check_sample(
    copy: LogCopy,
    checkpoint: SignedCheckpoint,
    walked: Walked,
    matched: Collection[int],
    add_problem: AddProblem,
) -> Sampled | None:
    if copy.sample is None or checkpoint.claim is None:
        return None
    return check_sample(copy.sample, checkpoint.claim, walked, matched, add_problem)
