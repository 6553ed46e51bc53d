"""Revoke signatures that an organiser's audit found to be duplicates or fakes. The public log shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sabal.database import Database
from sabal.ledger import bundles, tables
from sabal.ledger.log import Incomplete, Log
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.records.revocations import Revocation, Revocations, check
from sabal.signing.writer.rows import SAME_COMMITMENT
from sabal.signing.writer.withdraw import erase_entries, record_withdrawals
from tlog import entry
from tlog.entry import Type

CHUNK = 200


@dataclass(frozen=True)
class Done:
    """The number of signatures that were revoked now, and of those that already did not count."""

    revoked: int
    before: int


def revoke(database: Database, petition: PetitionSnapshot, proposed: Revocations) -> Done:
    """Erase the signatures of a proposal. The next batch writes each revocation into the log.

    Signatures that already do not count are skipped, so the same file can be used again after a crash. Runs in
    transactions of 200. Raises ReadOnly, and RevocationsError if the file does not fit the log.
    """
    log = tables.get(database, petition.id)
    log.refuse_read_only()
    signs, leaving = set(_sign_indexes(database, petition.id, log.size)), _leaving(database, petition, log)
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
        erased = erase_entries(database, commitments, reason)
        # Records that were lost before a restore are known only from the log.
        lost = [c for c in commitments if c not in erased]
        record_withdrawals(database, petition.id, petition.version_id, lost, reason)
    return len(items)


def _leaving(database: Database, petition: PetitionSnapshot, log: Log) -> set[int]:
    """Return the indexes of sign entries that are revoked or will be with the next batch."""
    waiting = database.query(
        "SELECT p.idx FROM signing_withdrawal s CROSS JOIN signing_log_index p"
        f" WHERE {SAME_COMMITMENT} AND s.petition_id = ?",
        (petition.id,),
    )
    return {row[0] for row in waiting} | set(bundles.revoked(database, petition.id, log.size))


def _sign_indexes(database: Database, petition_id: int, size: int) -> Iterator[int]:
    index = 0
    for data in bundles.entries(database, petition_id, 0, size):
        for one in bundles.split(data):
            if one[1] == Type.SIGN:
                yield index
            index += 1


def _commitment(database: Database, petition_id: int, index: int) -> bytes:
    found = entry.parse(b"".join(bundles.entries(database, petition_id, index, index + 1)))
    if not isinstance(found, entry.Sign):
        raise Incomplete(f"entry {index} of petition {petition_id}'s log is not a signature")
    return found.commitment
