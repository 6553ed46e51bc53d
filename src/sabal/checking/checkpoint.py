"""Check the signatures on a copy's checkpoint: the log's, the witnesses' and the quorum. c2sp.org/tlog-policy."""

from dataclasses import dataclass

import tlog
from sabal.checking.copy import LogCopy
from sabal.checking.records import AddProblem
from sabal.checking.report import Witness, plain
from tlog import Checkpoint, Policy, Signature, Verifier
from tlog.policy import NONE

_EMPTY_POLICY = Policy((), {}, {}, NONE, {})


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A copy's checkpoint and the keys that signed it. There are no keys and witnesses if a signature is invalid."""

    policy: Policy
    claim: Checkpoint | None
    """The text of the checkpoint, signed or not; None if it cannot be read."""
    size: int
    """The size in the checkpoint. If it cannot be read, the number of entries in the copy."""
    key: Verifier | None = None
    """The key to show for comparison: the requested one if it signed, else the first that signed."""
    signers: tuple[Verifier, ...] = ()
    """All keys of the log that signed."""
    witnesses: tuple[Witness, ...] = ()
    quorum: bool | None = None
    """Whether enough witnesses cosigned; None if the policy requires no witness."""


def check_checkpoint(copy: LogCopy, log_key: Verifier | None, add_problem: AddProblem) -> SignedCheckpoint:
    """Verify the checkpoint under the policy. If `log_key` is given, that key must have signed it."""
    policy = _policy(copy.policy, add_problem)
    needs_witnesses = policy.quorum != NONE
    try:
        opened = tlog.checkpoint.open(copy.checkpoint, policy.logs, policy.witnesses.values())
    except tlog.TlogError as error:
        add_problem(f"The checkpoint does not hold. {error}")
        claim = _claim(copy.checkpoint)
        size = claim.size if claim else copy.size
        return SignedCheckpoint(policy, claim, size, quorum=False if needs_witnesses else None)
    claim, verified = opened.checkpoint, opened.note.verified
    keys = signers_of(opened, policy)
    if log_key and log_key not in keys:
        add_problem(f"The log is signed by another key than {log_key}.")
    witnesses = [
        Witness(plain(name), max(map(tlog.cosigned_at, values)), plain(str(key)))
        for name, key in policy.witnesses.items()
        if (values := _values_of(key, verified))
    ]
    quorum = policy.satisfied_by(verified) if needs_witnesses else None
    if quorum is False:
        add_problem("Too few of the policy's witnesses have cosigned this checkpoint.")
    key = log_key if log_key in keys else keys[0]
    return SignedCheckpoint(policy, claim, claim.size, key, tuple(keys), tuple(witnesses), quorum)


def signers_of(opened: tlog.checkpoint.OpenedCheckpoint, policy: Policy) -> list[Verifier]:
    """Return the log keys of the policy that signed the checkpoint and have its origin as their name."""
    return [
        key
        for key in policy.logs
        if key.name == opened.checkpoint.origin and _values_of(key, opened.note.verified)
    ]


def _policy(data: bytes, add_problem: AddProblem) -> Policy:
    try:
        return Policy.parse(data)
    except tlog.TlogError as error:
        add_problem(f"The policy cannot be read. {error}")
        return _EMPTY_POLICY


def _claim(data: bytes) -> Checkpoint | None:
    try:
        return tlog.checkpoint.peek(data)
    except tlog.TlogError:
        return None


def _values_of(key: Verifier, verified: tuple[Signature, ...]) -> list[bytes]:
    """Return the values of this key's signature lines."""
    return [line.value for line in verified if (line.name, line.key_id) == (key.name, key.key_id)]
