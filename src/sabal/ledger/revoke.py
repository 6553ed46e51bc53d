"""Revoke: signatures that an organiser's audit found to be duplicates or not people's are taken out, in the open."""

from collections.abc import Iterator, Sequence

from sabal.database import Database
from sabal.delivery.revocations import Revocation, Revocations, check
from sabal.ledger import log as logs
from sabal.ledger.log import Incomplete, Log
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.leave import erase_signatures, leave_entries

CHUNK = 200


def revoke(database: Database, petition: PetitionSnapshot, proposed: Revocations) -> int:
    """Erase the signatures of a proposal; each stands as revoked in the log after the next batch. Returns how many.

    Raises ReadOnly, and RevocationsError where the file does not fit the log. In transactions of 200; after a crash the
    rest can be given again, without those that are revoked already.
    """
    log = logs.find(database, petition.id)
    if log is None:
        raise Incomplete(f"petition {petition.id} has no log")
    log.refuse_read_only()
    check(proposed, petition.origin, log.size, _counting(database, petition, log))
    done = 0
    for reason in sorted({item.reason for item in proposed.items}):
        items = [item for item in proposed.items if item.reason == reason]
        for start in range(0, len(items), CHUNK):
            done += _revoke(database, petition, items[start : start + CHUNK])
    return done


def _revoke(database: Database, petition: PetitionSnapshot, items: Sequence[Revocation]) -> int:
    reason = int(items[0].reason)
    where, params = database.among("idx", [item.index for item in items])
    with database.transaction():
        rows = database.query(
            f"SELECT token_hash, idx FROM signing_signature WHERE petition_id = ? AND {where}",
            [petition.id, *params],
        )
        erase_signatures(database, sorted(bytes(row[0]) for row in rows), reason)
        # Of records that a restore could not bring back the log alone knows.
        lost = {item.index for item in items} - {row[1] for row in rows}
        entries = [(index, _commitment(database, petition.id, index)) for index in sorted(lost)]
        leave_entries(database, petition.id, petition.version_id, entries, reason)
    return len(items)


def _counting(database: Database, petition: PetitionSnapshot, log: Log) -> set[int]:
    """The indexes of sign entries that are neither revoked nor about to be."""
    leaving = database.query(
        "SELECT idx FROM signing_withdrawal WHERE petition_id = ? AND idx IS NOT NULL", (petition.id,)
    )
    return (
        set(_signs(database, petition.id, log.size))
        - {row[0] for row in leaving}
        - set(logs.revoked(database, petition.id, log.size))
    )


def _signs(database: Database, petition_id: int, size: int) -> Iterator[int]:
    at = 0
    for piece in logs.entries(database, petition_id, 0, size):
        for one in logs.split(piece):
            if one[1] == 1:
                yield at
            at += 1


def _commitment(database: Database, petition_id: int, index: int) -> bytes:
    return b"".join(logs.entries(database, petition_id, index, index + 1))[2:]
