"""Links of guarded petitions that are late: their stored hash is replaced, so that only withdrawing finds them.

A late link shows nothing (`find.is_late`). But a row that is found and then discarded takes longer than no row, and a
clock would tell a real old link from an invented one. With the other hash both lead to no row, and do the same work.
"""

from collections import defaultdict
from collections.abc import Sequence

from sabal import token
from sabal.database import Database
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.find import LATE_DAYS
from sabal.signing.writer.rows import OF_PETITION, SAME_COMMITMENT

CHUNK = 200


def rekey(database: Database, petition: PetitionSnapshot, today: int) -> int:
    """Replace the hashes of a guarded petition's late links, and return their number.

    `today` is in days since 1970. It runs in transactions of at most 200 links; after a crash the next run continues,
    because each row says whether it was done.
    """
    if not petition.profile.guarded:
        return 0
    before = today - LATE_DAYS
    size = database.query(
        "SELECT COALESCE(MAX(b.size), 0) FROM ledger_batch b JOIN ledger_log l ON l.petition_id = b.petition_id"
        " WHERE b.petition_id = ? AND b.day < ? AND b.size <= l.published_size",
        (petition.id, before),
    )[0][0]
    signatures = (
        "SELECT s.token_hash FROM signing_signature s CROSS JOIN signing_log_index p"
        f" WHERE {SAME_COMMITMENT} AND {OF_PETITION}"
        f" AND NOT s.late AND p.idx < ? AND s.token_hash > ? ORDER BY s.token_hash LIMIT {CHUNK}"
    )
    links = (
        f"SELECT s.token_hash FROM signing_access s WHERE {OF_PETITION} AND NOT s.late AND s.counted_on < ?"
        f" AND s.token_hash > ? ORDER BY s.token_hash LIMIT {CHUNK}"
    )
    return _rekey(database, "signing_signature", signatures, (petition.id, size)) + _rekey(
        database, "signing_access", links, (petition.id, before)
    )


def _rekey(database: Database, table: str, query: str, params: Sequence[object]) -> int:
    rekeyed, last = 0, b""
    lock = f"{database.for_update} OF s" if database.for_update else ""
    while True:
        with database.transaction():
            owned = _owned(database) if table == "signing_signature" else {}
            hashes = [bytes(row[0]) for row in database.query(query + lock, [*params, last])]
            for old in hashes:
                new = token.late(old)
                database.execute(
                    f"UPDATE {table} SET token_hash = ?, late = TRUE WHERE token_hash = ?", (new, old)
                )
                if table == "signing_signature":  # what leads to it
                    database.execute(
                        "UPDATE signing_access SET signature_hash = ? WHERE signature_hash = ?", (new, old)
                    )
                for pending in owned.get(old, ()):
                    database.execute(
                        "UPDATE signing_pending SET owner = ? WHERE token_hash = ?", (new, pending)
                    )
        rekeyed += len(hashes)
        if len(hashes) < CHUNK:
            return rekeyed
        last = hashes[-1]


def _owned(database: Database) -> dict[bytes, list[bytes]]:
    """Return the few pending rows whose address has signed in an earlier period, by the hash of its signature.

    They are locked before the signatures, as by confirming, so that the two cannot deadlock.
    """
    owned: dict[bytes, list[bytes]] = defaultdict(list)
    for pending, owner in database.query(
        "SELECT token_hash, owner FROM signing_pending WHERE owner IS NOT NULL ORDER BY token_hash"
        + database.for_update
    ):
        owned[bytes(owner)].append(bytes(pending))
    return owned
