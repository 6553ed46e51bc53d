"""What pages and machine views say of a petition's log; nothing that counts while it is gathering."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sabal import settings
from sabal.ledger.policy import Witnessed, log_key, witnessed
from sabal.petitions.snapshot import PetitionSnapshot
from tlog import TlogError, checkpoint


@dataclass(frozen=True)
class Logged:
    """A published log as it is shown. `size`, `root` and days are None while the petition is gathering.

    The size is the count in other words, and the day of a witness dates the first signatures. The checkpoint itself is
    public at all times, or nobody could check: who opens it has gone to count.
    """

    origin: str
    key: str  # as a vkey
    size: int | None  # entries
    root: bytes | None
    checkpoint: str  # its address
    witnesses: tuple[tuple[str, date | None], ...]  # the policy's names, by the UTC day on which they signed
    witnessed: bool | None  # whether they are enough; None where nobody is asked


def logged(petition: PetitionSnapshot) -> Logged | None:
    """The log of that petition; None until its first checkpoint is shown."""
    if not petition.counts.checkpoint:
        return None
    tree, told = checkpoint.peek(petition.counts.checkpoint), not petition.gathering
    found = _witnessed(petition)
    return Logged(
        origin=petition.origin,
        key=str(log_key(petition.manifest)),
        size=tree.size if told else None,
        root=tree.root if told else None,
        checkpoint=f"{settings.BASE_URL}/{petition.slug}/log/checkpoint",
        witnesses=_by_day(found, told=told),
        witnessed=found.enough,
    )


def _witnessed(petition: PetitionSnapshot) -> Witnessed:
    try:
        return witnessed(petition)
    except TlogError:  # a spoiled line of a policy must not take a page off the house
        return Witnessed((), False)


def _by_day(found: Witnessed, *, told: bool) -> tuple[tuple[str, date | None], ...]:
    days: dict[date | None, list[str]] = {}
    for name, time in sorted(found.by, key=lambda witness: witness[1] if told else 0):
        days.setdefault(datetime.fromtimestamp(time, UTC).date() if told else None, []).append(name)
    return tuple((", ".join(names), day) for day, names in days.items())
