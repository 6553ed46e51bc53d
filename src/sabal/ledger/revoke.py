"""Revoke: signatures that an organiser's audit found to be duplicates or not people's are taken out, in the open."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sabal.database import Database
from sabal.ledger import tables
from sabal.ledger.tables import Incomplete, Log
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.records.revocations import Revocation, Revocations, check
from sabal.signing.writer.leave import erase_entries, record_withdrawals
from sabal.signing.writer.rows import AT
from tlog import entry
from tlog.entry import Type

CHUNK = 200


@dataclass(frozen=True)
class Done:
    """How many signatures of a file were taken out now, and how many counted no more before."""

    revoked: int
    before: int


def revoke(database: Database, petition: PetitionSnapshot, proposed: Revocations) -> Done:
    """Erase the signatures of a proposal; each stands as revoked in the log after the next batch.

    What counts no more is passed over, so after a crash the same file goes on. In transactions of 200. Raises ReadOnly,
    and RevocationsError where the file does not fit the log.
    """
    log = tables.get(database, petition.id)
    log.refuse_read_only()
    signs, leaving = set(_signs(database, petition.id, log.size)), _leaving(database, petition, log)
    items = tuple(item for item in proposed.items if item.index not in leaving)
    check(replace(proposed, items=items), petition.origin, log.size, signs - leaving)
    done = 0
    for reason in sorted({item.reason for item in items}):
        same = [item for item in items if item.reason == reason]
        for start in range(0, len(same), CHUNK):
            done += _revoke(database, petition, same[start : start + CHUNK])
    return Done(done, len(proposed.items) - len(items))


def _revoke(database: Database, petition: PetitionSnapshot, items: Sequence[Revocation]) -> int:
    reason = int(items[0].reason)
    commitments = [_commitment(database, petition.id, item.index) for item in items]
    with database.transaction():
        here = erase_entries(database, commitments, reason)
        # Of records that a restore could not bring back the log alone knows.
        lost = [c for c in commitments if c not in here]
        record_withdrawals(database, petition.id, petition.version_id, lost, reason)
    return len(items)


def _leaving(database: Database, petition: PetitionSnapshot, log: Log) -> set[int]:
    """The indexes of sign entries that are revoked, or are about to be."""
    waiting = database.query(
        f"SELECT p.idx FROM signing_withdrawal s CROSS JOIN signing_log_index p WHERE {AT} AND s.petition_id = ?",
        (petition.id,),
    )
    return {row[0] for row in waiting} | set(tables.revoked(database, petition.id, log.size))


def _signs(database: Database, petition_id: int, size: int) -> Iterator[int]:
    at = 0
    for piece in tables.entries(database, petition_id, 0, size):
        for one in tables.split(piece):
            if one[1] == Type.SIGN:
                yield at
            at += 1


def _commitment(database: Database, petition_id: int, index: int) -> bytes:
    found = entry.parse(b"".join(tables.entries(database, petition_id, index, index + 1)))
    if not isinstance(found, entry.Sign):
        raise Incomplete(f"entry {index} of petition {petition_id}'s log is not a signature")
    return found.commitment
