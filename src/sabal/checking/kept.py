"""What somebody kept of a log, held against a copy: checkpoints, promises, proofs. docs/log-format.md "The check"."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import tlog
from sabal.checking.copy import LogCopy, entry_at
from sabal.checking.entries import Walked
from sabal.checking.head import Head, signers_of
from sabal.checking.records import Wrong
from sabal.checking.report import Other, Promised, Proven, day, last_day
from tlog import Checkpoint, Promise, Proof, Verifier, note
from tlog.policy import NONE


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


def asked(kept: Kept) -> tuple[list[int], list[bytes]]:
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


@dataclass(frozen=True)
class Checked:
    """A copy that was walked; what is wrong with what is held against it is told to `wrong`."""

    copy: LogCopy
    head: Head
    walked: Walked
    wrong: Wrong

    def hold(
        self, kept: Kept, keys: Sequence[Verifier], now: int, trust: Trust
    ) -> tuple[tuple[Other, ...], tuple[Promised, ...], tuple[Proven, ...]]:
        """What of it is this log's; the checkpoints of proofs stand with the others.

        `keys` sign promises; `now` in POSIX seconds.
        """
        newest = self._newest(trust)
        others = [self._other(data) for data in kept.checkpoints]
        promises = [self._promise(data, keys, now, newest) for data in kept.promises]
        proofs = [self._proof(data) for data in kept.proofs]
        return (
            tuple(other for other in [*others, *(other for other, _ in proofs)] if other),
            tuple(promised for promised in promises if promised),
            tuple(proven for _, proven in proofs if proven),
        )

    def _newest(self, trust: Trust) -> int | None:
        """The latest time at which this copy is known to have been the newest; None where nobody knows.

        Of a copy that is not whole nothing is known. docs/log-format.md "The check".
        """
        head, walked = self.head, self.walked
        if head.key is None or head.claim is None or walked.roots.get(head.size) != head.claim.root:
            return None
        text, lines = note.split(self.copy.checkpoint)
        times = [
            tlog.cosigned_at(line.value)
            for line in lines
            for key in trust.witnesses
            if (line.name, line.key_id) == (key.name, key.key_id) and key.verifies(text, line.value)
        ]
        return max([*times, *([] if trust.fetched is None else [trust.fetched])], default=None)

    def _other(self, data: bytes) -> Other | None:
        """Whether the copy goes on from another checkpoint: that one's root is over our first entries."""
        other = self._open_other(data)
        if other is None:
            return None
        head, wrong, root = self.head, self.wrong, self.walked.roots.get(other.size)
        if other.size > head.size:
            wrong(
                f"This copy is older than a checkpoint that was given: it has {head.size:,} entries, and the"
                f" checkpoint has {other.size:,}. Fetch a newer copy."
            )
        elif root is None:
            wrong(
                f"A checkpoint of {other.size:,} entries was given. This copy has too few entries to compare them."
            )
        elif root != other.root:
            wrong(
                f"The first {other.size:,} entries are not those of a checkpoint that was given. This log has"
                " shown different entries to different people. Keep both."
            )
        return Other(other.size, consistent=other.size <= head.size and root == other.root)

    def _open_other(self, data: bytes) -> Checkpoint | None:
        """A checkpoint of this log, from elsewhere; its witnesses may be others than the policy's of today.

        By another key than the copy's it is no evidence against the copy, nor for it.
        """
        head, wrong = self.head, self.wrong
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
                    f"A checkpoint of {other.size:,} entries that was given is signed by another key of the policy"
                    " than this copy. Ask which of the two is the log's."
                )
            return None
        return other

    def _promise(
        self, data: bytes, keys: Sequence[Verifier], now: int, newest: int | None
    ) -> Promised | None:
        """Kept, not due, broken, or overdue in a copy that may be older. docs/log-format.md "Promise"."""
        promise = self._open_promise(data, keys)
        if promise is None:
            self.wrong(
                "A promise that was given is not signed by the key that this petition's text names for promises."
            )
            return None
        if (index := self.walked.leaves.get(promise.leaf)) is not None:
            return Promised(promise.include_by, "kept", self.walked.revoked.get(index))
        if promise.include_by > now:
            return Promised(promise.include_by, "waiting")
        if newest is None or promise.include_by > newest:
            self.wrong(
                f"The promise of an entry by {last_day(promise.include_by)} is not kept in this copy, which may be"
                " old. Fetch a newer copy from the petition's own site."
            )
            return Promised(promise.include_by, "overdue")
        self.wrong(
            f"The log broke a promise: a signature that should be in it since {day(promise.include_by)} is not."
            " Keep the promise and this copy."
        )
        return Promised(promise.include_by, "broken")

    def _open_promise(self, data: bytes, keys: Sequence[Verifier]) -> Promise | None:
        claim = self.head.claim
        for key in keys:
            with suppress(tlog.TlogError):
                promise = Promise.open(data, key)
                if claim and promise.origin == claim.origin:
                    return promise
        return None

    def _proof(self, data: bytes) -> tuple[Other | None, Proven | None]:
        """What the proof's own checkpoint is to the copy, and the entry that it proves.

        That checkpoint needs no witnesses of its own, for the copy goes on from it: one that was saved before the log
        had witnesses, or while it had others, proves as much.
        """
        copy, wrong = self.copy, self.wrong
        try:
            proof = Proof.parse(data)
        except tlog.TlogError as error:
            wrong(f"A proof that was given cannot be read. {error}")
            return None, None
        other = self._other(proof.checkpoint)
        if other is None:
            return None, None
        if proof.index >= copy.size:
            wrong(f"A proof was given of entry {proof.index:,}, but this copy has no such entry.")
            return other, None
        try:
            proof.verify(
                tlog.leaf_hash(entry_at(copy.entries, proof.index)), self.head.policy._replace(quorum=NONE)
            )
        except tlog.TlogError as error:
            wrong(f"The proof of entry {proof.index:,} does not hold. {error}")
            return other, None
        return other, Proven(proof.index, self.walked.revoked.get(proof.index))
