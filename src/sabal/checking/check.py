"""The check of a copy of a log: all that can be found without believing anybody. docs/checking.md "What is checked".

Whom to believe is said by the policy that came with the copy; so whoever checks compares its key with one that came
another way.
"""

from collections.abc import Collection

from sabal.checking.copy import LogCopy, named_manifests
from sabal.checking.entries import Walked, walk
from sabal.checking.head import Head, check_head
from sabal.checking.kept import NOBODY, NOTHING, Checked, Kept, Trust, asked
from sabal.checking.manifests import check_manifests, promise_keys
from sabal.checking.records import Wrong, check_records, check_sample
from sabal.checking.report import Report, Sampled, plain
from tlog import Verifier

MOST_PROBLEMS = 1_000


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
    sizes, leaves = asked(kept)
    walked = walk(copy.entries, [head.size, *sizes], leaves)
    _check_tree(copy, head, walked, wrong)
    terms = check_manifests(copy, head, wrong)
    shown = check_records(copy.records or b"", walked, terms, wrong)
    sample = _check_sample(copy, head, walked, shown.matched, wrong)
    checked = Checked(copy, head, walked, wrong)
    checkpoints, promises, proofs = checked.hold(kept, promise_keys(terms), now, trust)
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


def _check_tree(copy: LogCopy, head: Head, walked: Walked, wrong: Wrong) -> None:
    if copy.size != head.size:
        wrong(f"The checkpoint counts {head.size:,} entries, but this copy has {copy.size:,}.")
    root = walked.roots.get(head.size)
    if head.claim and root is not None and root != head.claim.root:
        wrong("The entries do not lead to the checkpoint's root. One of them was changed, left out or added.")
    if walked.disorder:
        wrong(walked.disorder)


def _check_sample(
    copy: LogCopy, head: Head, walked: Walked, matched: Collection[int], wrong: Wrong
) -> Sampled | None:
    if copy.sample is None or head.claim is None:
        return None
    return check_sample(copy.sample, head.claim, walked, matched, wrong)
