"""The policy of a log: its own key, and the witnesses that the organiser chose. c2sp.org/tlog-policy."""

import json
from dataclasses import dataclass

from sabal import settings
from sabal.petitions.snapshot import PetitionSnapshot
from tlog import Policy, Verifier, checkpoint, cosigned_at

NO_WITNESS = "quorum none\n"


@dataclass(frozen=True)
class Witnessed:
    """The witnesses that cosigned a checkpoint, each with its Unix time (seconds), and whether the quorum is met.

    `enough` is None if no witness is asked.
    """

    by: tuple[tuple[str, int], ...]
    enough: bool | None


def policy_of(petition: PetitionSnapshot) -> bytes:
    """Return the policy that is served with a log: its key and URL, then the witnesses."""
    return policy_text(
        log_key(petition.manifest), f"{settings.BASE_URL}/{petition.slug}/log/", petition.counts.witnesses
    )


def policy_text(key: Verifier, url: str, witnesses: str) -> bytes:
    """Return the policy of a log. `witnesses` are the lines of witnesses, groups and the quorum, or empty."""
    return f"log {key} {url}\n{witnesses or NO_WITNESS}".encode()


def log_key(manifest: bytes) -> Verifier:
    """Return the log key that a manifest names."""
    return Verifier.parse(json.loads(manifest)["terms"]["log"]["key"])


def witnessed(petition: PetitionSnapshot) -> Witnessed:
    """Return the witnesses of the published checkpoint."""
    policy = Policy.parse(policy_of(petition))
    if policy.quorum == "none":
        return Witnessed((), None)
    names = {(key.name, key.key_id): name for name, key in policy.witnesses.items()}
    if not petition.counts.checkpoint:
        return Witnessed((), False)
    opened = checkpoint.open(petition.counts.checkpoint, policy.logs, policy.witnesses.values())
    found = [s for s in opened.note.verified if (s.name, s.key_id) in names]
    by = tuple((names[s.name, s.key_id], cosigned_at(s.value)) for s in found)
    return Witnessed(by, policy.satisfied_by(found))
