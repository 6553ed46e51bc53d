"""Find what an emailed link leads to, without changing anything."""

from dataclasses import dataclass

from sabal.database import Database
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.rows import Link, links

LATE_DAYS = (
    7  # days after its batch in which a guarded link still shows the receipt; then its hash is replaced
)


@dataclass(frozen=True, slots=True)
class Entered:
    """A signature in the public log: a batch that includes it (number, and day since 1970), and its index."""

    batch: int
    day: int
    index: int | None  # None for a later link


@dataclass(frozen=True, slots=True)
class Found:
    """The signature that a token leads to: a pending one (with its pending payload) or a confirmed one.

    Only the link that made the signature gets the commitment, w and log index. A later link gets none of them, because
    a person who signs again with the same address must not get the first signer's proof.
    """

    petition_id: int
    pending_payload: bytes | None = None
    counted_on: int | None = None
    commitment: bytes = b""
    w: bytes = b""
    entered: Entered | None = None
    mailbox: bytes = b""  # the address in the lists; only the token opens it


def find(database: Database, hashes: list[bytes]) -> list[Found | None]:
    """Return the signature that each token hash leads to now; None if there is none."""
    where, params = database.among("token_hash", hashes)
    rows = database.query(
        f"SELECT token_hash, petition_id, pending_payload FROM signing_pending WHERE {where}", params
    )
    found = {bytes(r[0]): Found(r[1], bytes(r[2])) for r in rows}
    found |= {t: _found(database, link) for t, link in links(database, hashes).items()}
    return [found.get(h) for h in hashes]


def is_late(petition: PetitionSnapshot | None, counted_on: int | None, today: int) -> bool:
    """Return whether a link that was found no longer shows anything. A guarded link ends a week after its batch.

    After that, a link found in a searched inbox proves nothing. Usually no such link is found, because its hash was
    replaced on the day before (signing/late.py). To discard what was found takes longer than to find nothing, so until
    that day is over the row decides, and a clock tells nothing. `counted_on` and `today` are in days since 1970.
    """
    if petition is None or counted_on is None or not petition.profile.guarded:
        return False
    return today > counted_on + LATE_DAYS + 1


def _found(database: Database, link: Link) -> Found:
    entered, mailbox = _entered(database, link), link.mailbox or b""
    if not link.is_first:
        return Found(link.petition_id, None, link.counted_on, entered=entered, mailbox=mailbox)
    return Found(link.petition_id, None, link.counted_on, link.commitment, link.w, entered, mailbox)


def _entered(database: Database, link: Link) -> Entered | None:
    """Return the link's entry in the log; for a later link, the batch after its own click.

    The signature's own batch would show that the address had signed before.
    """
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
