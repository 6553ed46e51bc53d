"""Find: what a mailed link stands for, without touching anything."""

from dataclasses import dataclass

from sabal.database import Database
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.rows import Link, links

LATE_DAYS = 7  # so long after its batch a guarded link still shows the receipt


@dataclass(frozen=True, slots=True)
class Entered:
    """A signature in the public log: a batch (number and day since 1970) by which it stands there, and where."""

    batch: int
    day: int
    index: int | None  # None of a later link


@dataclass(frozen=True, slots=True)
class Found:
    """What a token stands for: a pending signature (with its pending payload) or a confirmed one.

    Commitment, w and place in the log belong to the link that made the signature. A later link gets none of them: who
    signs again with a mailbox must not hold what the first signer could prove with.
    """

    petition_id: int
    pending_payload: bytes | None = None
    counted_on: int | None = None
    commitment: bytes = b""
    w: bytes = b""
    entered: Entered | None = None


def find(database: Database, hashes: list[bytes]) -> list[Found | None]:
    """What each token hash stands for now; None where nothing."""
    where, params = database.among("token_hash", hashes)
    rows = database.query(
        f"SELECT token_hash, petition_id, pending_payload FROM signing_pending WHERE {where}", params
    )
    found = {bytes(r[0]): Found(r[1], bytes(r[2])) for r in rows}
    found |= {t: _found(database, link) for t, link in links(database, hashes).items()}
    return [found.get(h) for h in hashes]


def is_late(petition: PetitionSnapshot | None, counted_on: int | None, today: int) -> bool:
    """Whether a link shows nothing any more: a guarded one a week after its batch (days since 1970).

    An inbox that is searched then proves nothing by it.
    """
    if petition is None or counted_on is None or not petition.profile.guarded:
        return False
    return today > counted_on + LATE_DAYS


def _found(database: Database, link: Link) -> Found:
    entered = _entered(database, link)
    if not link.is_first:
        return Found(link.petition_id, None, link.counted_on, entered=entered)
    return Found(link.petition_id, None, link.counted_on, link.commitment, link.w, entered)


def _entered(database: Database, link: Link) -> Entered | None:
    """Of a later link the batch after its own click: an earlier one would tell that its mailbox had signed before."""
    if link.index is None or link.counted_on is None:
        return None
    if link.is_first:
        condition, after = "size > ? ORDER BY size", link.index
    else:
        condition, after = "day <= ? ORDER BY size DESC", link.counted_on
    rows = database.query(
        f"SELECT number, day FROM ledger_batch WHERE petition_id = ? AND {condition} LIMIT 1",
        (link.petition_id, after),
    )
    if not rows:
        return None
    number, day = rows[0]
    return Entered(number, day, link.index if link.is_first else None)
