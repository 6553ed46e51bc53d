"""Compare a copy with checkpoints, promises and proofs that somebody kept. docs/log-format.md "The check"."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import tlog
from sabal.checking.checkpoint import SignedCheckpoint, signers_of
from sabal.checking.copy import LogCopy, entry_at
from sabal.checking.entries import Walked
from sabal.checking.records import AddProblem
from sabal.checking.report import OtherCheckpoint, Promised, Proven, day, last_day
from sabal.counted import counted, some_entries
from tlog import Checkpoint, Promise, Proof, Verifier, note
from tlog.policy import NONE


@dataclass(frozen=True, slots=True)
class Kept:
    """What somebody kept of a log: checkpoints and promises, each as a signed note, and proof files."""

    checkpoints: Sequence[bytes] = ()
    promises: Sequence[bytes] = ()
    proofs: Sequence[bytes] = ()


NOTHING_KEPT = Kept()


@dataclass(frozen=True, slots=True)
class Trust:
    """What the person checking knows without the copy: honest witnesses, and when the log's own site
    served this copy."""

    witnesses: Sequence[Verifier] = ()
    fetched: int | None = None
    """Unix time (seconds); None if the copy did not come from the log's own site."""


NO_TRUST = Trust()


def sizes_and_leaves(kept: Kept) -> tuple[list[int], list[bytes]]:
    """Return the sizes whose roots are needed, and the leaf hashes to look for. No signature is checked yet."""
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


@dataclass(frozen=True)
class CheckedCopy:
    """A copy whose entries were read, to compare with what was kept. Differences go to `add_problem`."""

    copy: LogCopy
    checkpoint: SignedCheckpoint
    walked: Walked
    add_problem: AddProblem

    def compare(
        self, kept: Kept, keys: Sequence[Verifier], now: int, trust: Trust
    ) -> tuple[tuple[OtherCheckpoint, ...], tuple[Promised, ...], tuple[Proven, ...]]:
        """Return the results for what belongs to this log. The checkpoints of proofs are among the checkpoints.

        `keys` sign promises. `now` is Unix time (seconds).
        """
        newest = self._known_newest_at(trust)
        others = [self._compare_checkpoint(data) for data in kept.checkpoints]
        promises = [self._compare_promise(data, keys, now, newest) for data in kept.promises]
        proofs = [self._compare_proof(data) for data in kept.proofs]
        return (
            tuple(other for other in [*others, *(other for other, _ in proofs)] if other),
            tuple(promised for promised in promises if promised),
            tuple(proven for _, proven in proofs if proven),
        )

    def _known_newest_at(self, trust: Trust) -> int | None:
        """Return the latest time at which this copy is known to have been the newest; None if unknown.

        It is unknown for a copy that is not complete. docs/log-format.md "The check".
        """
        ours, walked = self.checkpoint, self.walked
        if ours.key is None or ours.claim is None or walked.roots.get(ours.size) != ours.claim.root:
            return None
        text, lines = note.split(self.copy.checkpoint)
        times = [
            tlog.cosigned_at(line.value)
            for line in lines
            for key in trust.witnesses
            if (line.name, line.key_id) == (key.name, key.key_id) and key.verifies(text, line.value)
        ]
        return max([*times, *([] if trust.fetched is None else [trust.fetched])], default=None)

    def _compare_checkpoint(self, data: bytes) -> OtherCheckpoint | None:
        """Check that the copy continues from another checkpoint: its root must be that of the copy's first entries."""
        other = self._open_checkpoint(data)
        if other is None:
            return None
        ours, add_problem, root = self.checkpoint, self.add_problem, self.walked.roots.get(other.size)
        if other.size > ours.size:
            add_problem(
                f"This copy is older than a checkpoint that was given: it has {some_entries(ours.size)}, and the"
                f" checkpoint has {other.size:,}. Fetch a newer copy."
            )
        elif root is None:
            add_problem(
                f"A checkpoint of {some_entries(other.size)} was given. This copy has too few entries to compare them."
            )
        elif root != other.root:
            add_problem(
                f"The first {counted(other.size, 'entry is not that', 'entries are not those')} of a checkpoint that"
                " was given. This log has"
                " shown different entries to different people. Keep both."
            )
        return OtherCheckpoint(other.size, consistent=other.size <= ours.size and root == other.root)

    def _open_checkpoint(self, data: bytes) -> Checkpoint | None:
        """Open a checkpoint of this log from another source. Return None if it cannot be compared.

        Its witnesses are not checked, because the policy may have changed since. A checkpoint signed by another key
        than the copy's is evidence neither for nor against the copy.
        """
        ours, add_problem = self.checkpoint, self.add_problem
        try:
            opened = tlog.checkpoint.open(data, ours.policy.logs)
        except tlog.TlogError as error:
            add_problem(f"A checkpoint that was given is not signed by this log. {error}")
            return None
        other = opened.checkpoint
        if ours.claim and other.origin != ours.claim.origin:
            add_problem(f"A checkpoint that was given is of another log: {other.origin}.")
            return None
        if not set(signers_of(opened, ours.policy)).intersection(ours.signers):
            if ours.signers:
                add_problem(
                    f"A checkpoint of {some_entries(other.size)} that was given is signed by another key of the policy"
                    " than this copy. Ask which of the two is the log's."
                )
            return None
        return other

    def _compare_promise(
        self, data: bytes, keys: Sequence[Verifier], now: int, newest: int | None
    ) -> Promised | None:
        """Return whether a promise was kept, is not due, was broken, or is overdue in a copy that may be older.

        docs/log-format.md "Promise".
        """
        promise = self._open_promise(data, keys)
        if promise is None:
            self.add_problem(
                "A promise that was given is not signed by the key that this petition's text names for promises."
            )
            return None
        if (index := self.walked.leaves.get(promise.leaf)) is not None:
            return Promised(promise.include_by, "kept", self.walked.revoked.get(index))
        if promise.include_by > now:
            return Promised(promise.include_by, "waiting")
        if newest is None or promise.include_by > newest:
            self.add_problem(
                f"The promise of an entry by {last_day(promise.include_by)} is not kept in this copy, which may be"
                " old. Fetch a newer copy from the petition's own site."
            )
            return Promised(promise.include_by, "overdue")
        self.add_problem(
            f"The log broke a promise: a signature that should be in it since {day(promise.include_by)} is not."
            " Keep the promise and this copy."
        )
        return Promised(promise.include_by, "broken")

    def _open_promise(self, data: bytes, keys: Sequence[Verifier]) -> Promise | None:
        claim = self.checkpoint.claim
        for key in keys:
            with suppress(tlog.TlogError):
                promise = Promise.open(data, key)
                if claim and promise.origin == claim.origin:
                    return promise
        return None

    def _compare_proof(self, data: bytes) -> tuple[OtherCheckpoint | None, Proven | None]:
        """Compare the proof's checkpoint with the copy, and return it with the entry that the proof proves.

        That checkpoint needs no quorum of its own, because the copy continues from it. So a proof saved before the log
        had witnesses, or while it had others, is as good.
        """
        copy, add_problem = self.copy, self.add_problem
        try:
            proof = Proof.parse(data)
        except tlog.TlogError as error:
            add_problem(f"A proof that was given cannot be read. {error}")
            return None, None
        other = self._compare_checkpoint(proof.checkpoint)
        if other is None:
            return None, None
        if proof.index >= copy.size:
            add_problem(f"A proof was given of entry {proof.index:,}, but this copy has no such entry.")
            return other, None
        try:
            proof.verify(
                tlog.leaf_hash(entry_at(copy.entries, proof.index)),
                self.checkpoint.policy._replace(quorum=NONE),
            )
        except tlog.TlogError as error:
            add_problem(f"The proof of entry {proof.index:,} does not hold. {error}")
            return other, None
        return other, Proven(proof.index, self.walked.revoked.get(proof.index))
