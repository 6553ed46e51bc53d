"""The head of a copy: who signed the checkpoint, who cosigned it, and whether that is enough. c2sp.org/tlog-policy."""

from dataclasses import dataclass

import tlog
from sabal.checking.copy import LogCopy
from sabal.checking.records import Wrong
from sabal.checking.report import Witness, plain
from tlog import Checkpoint, Policy, Signature, Verifier
from tlog.policy import NONE

_NOBODY = Policy((), {}, {}, NONE, {})


@dataclass(frozen=True, slots=True)
class Head:
    """What the checkpoint claims, None where it cannot be read; and who stands behind it, none where it fails."""

    policy: Policy
    claim: Checkpoint | None
    size: int
    """The checkpoint's; where that cannot be read, of the entries that are here."""
    key: Verifier | None = None
    """The one to compare: that which was asked for, where it has signed."""
    signers: tuple[Verifier, ...] = ()
    """All keys of the log that have signed."""
    witnesses: tuple[Witness, ...] = ()
    quorum: bool | None = None


def check_head(copy: LogCopy, log_key: Verifier | None, wrong: Wrong) -> Head:
    """Open the checkpoint under the policy, and by `log_key` if that is given."""
    policy = _policy(copy.policy, wrong)
    asked = policy.quorum != NONE
    try:
        opened = tlog.checkpoint.open(copy.checkpoint, policy.logs, policy.witnesses.values())
    except tlog.TlogError as error:
        wrong(f"The checkpoint does not hold. {error}")
        claim = _claim(copy.checkpoint)
        return Head(policy, claim, claim.size if claim else copy.size, quorum=False if asked else None)
    claim, verified = opened.checkpoint, opened.note.verified
    keys = signers_of(opened, policy)
    if log_key and log_key not in keys:
        wrong(f"The log is signed by another key than {log_key}.")
    witnesses = [
        Witness(plain(name), max(map(tlog.cosigned_at, values)), plain(str(key)))
        for name, key in policy.witnesses.items()
        if (values := _by(key, verified))
    ]
    quorum = policy.satisfied_by(verified) if asked else None
    if quorum is False:
        wrong("Too few of the policy's witnesses have cosigned this checkpoint.")
    key = log_key if log_key in keys else keys[0]
    return Head(policy, claim, claim.size, key, tuple(keys), tuple(witnesses), quorum)


def signers_of(opened: tlog.checkpoint.OpenedCheckpoint, policy: Policy) -> list[Verifier]:
    """The logs of the policy that signed a checkpoint under its own name."""
    return [
        key for key in policy.logs if key.name == opened.checkpoint.origin and _by(key, opened.note.verified)
    ]


def _policy(data: bytes, wrong: Wrong) -> Policy:
    try:
        return Policy.parse(data)
    except tlog.TlogError as error:
        wrong(f"The policy cannot be read. {error}")
        return _NOBODY


def _claim(data: bytes) -> Checkpoint | None:
    try:
        return tlog.checkpoint.peek(data)
    except tlog.TlogError:
        return None


def _by(key: Verifier, verified: tuple[Signature, ...]) -> list[bytes]:
    """What this key signed: the values of its lines."""
    return [line.value for line in verified if (line.name, line.key_id) == (key.name, key.key_id)]
