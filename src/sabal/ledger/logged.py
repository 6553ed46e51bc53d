"""The state of a petition's log for pages and the API, without numbers while the petition is gathering."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sabal import settings
from sabal.ledger.policy import Witnessed, log_key, witnessed
from sabal.petitions.snapshot import PetitionSnapshot
from tlog import TlogError, checkpoint


@dataclass(frozen=True)
class Logged:
    """A published log as pages show it. `size`, `root` and days are None while the petition is gathering.

    The size gives the count away, and a witness's day dates the first signatures. The checkpoint itself is always
    public, because checking needs it. A reader who opens it sees the size, which is accepted.
    """

    origin: str
    key: str  # as a vkey
    size: int | None  # entries
    root: bytes | None
    checkpoint: str  # its URL
    witnesses: tuple[tuple[str, date | None], ...]  # names in the policy, grouped by the UTC day of signing
    witnessed: bool | None  # whether the quorum is met; None if no witness is asked


def logged(petition: PetitionSnapshot) -> Logged | None:
    """Return the log of a petition; None until its first checkpoint is published."""
    if not petition.counts.checkpoint:
        return None
    tree, with_numbers = checkpoint.peek(petition.counts.checkpoint), not petition.gathering
    found = _witnessed(petition)
    return Logged(
        origin=petition.origin,
        key=str(log_key(petition.manifest)),
        size=tree.size if with_numbers else None,
        root=tree.root if with_numbers else None,
        checkpoint=f"{settings.BASE_URL}/{petition.slug}/log/checkpoint",
        witnesses=_by_day(found, with_days=with_numbers),
        witnessed=found.enough,
    )


def _witnessed(petition: PetitionSnapshot) -> Witnessed:
    try:
        return witnessed(petition)
    except TlogError:  # a damaged line of a policy must not break the page
        return Witnessed((), False)


def _by_day(found: Witnessed, *, with_days: bool) -> tuple[tuple[str, date | None], ...]:
    days: dict[date | None, list[str]] = {}
    for name, time in sorted(found.by, key=lambda witness: witness[1] if with_days else 0):
        days.setdefault(datetime.fromtimestamp(time, UTC).date() if with_days else None, []).append(name)
    return tuple((", ".join(names), day) for day, names in days.items())
