"""Links of guarded petitions that are late: their stored hash is replaced, so that only withdrawing finds them.

A late link shows nothing (`find.is_late`). But a row that is found and then discarded takes longer than no row, and a
clock would tell a real old link from an invented one. With the other hash both lead to no row, and do the same work.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sabal import token
from sabal.database import Database
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.find import LATE_DAYS
from sabal.signing.writer.rows import OF_PETITION, SAME_COMMITMENT

CHUNK = 200


def rekey(database: Database, petition: PetitionSnapshot, today: int) -> int:
    """Replace the hashes of a guarded petition's late links, and return their number.

    `today` is in days since 1970. Call it as the leader of "tidy". It reads the whole table, but not in a transaction,
    so that no signer waits for that. It writes in transactions of at most 200 links; after a crash the next run
    continues, because each row says whether it was done.
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
        f" WHERE {SAME_COMMITMENT} AND {OF_PETITION} AND NOT s.late AND p.idx < ?"
    )
    links = (
        f"SELECT s.token_hash FROM signing_access s WHERE {OF_PETITION} AND NOT s.late AND s.counted_on < ?"
    )
    owned, rekeyed = _owned(database), 0
    for hashes in _search(database, signatures, (petition.id, size)):
        rekeyed += _rekey(database, "signing_signature", hashes, owned)
    for hashes in _search(database, links, (petition.id, before)):
        rekeyed += _rekey(database, "signing_access", hashes, {})
    return rekeyed


def _search(database: Database, query: str, params: Sequence[object]) -> Iterator[list[bytes]]:
    """Yield the hashes that the query finds, at most 200 at once."""
    last = b""
    while True:
        rows = database.query(
            f"{query} AND s.token_hash > ? ORDER BY s.token_hash LIMIT {CHUNK}", [*params, last]
        )
        if rows:
            yield [bytes(row[0]) for row in rows]
        if len(rows) < CHUNK:
            return
        last = bytes(rows[-1][0])


def _owned(database: Database) -> dict[bytes, list[bytes]]:
    """Return the few pending rows whose address has signed in an earlier period, by the hash of its signature.

    None are added meanwhile, because only the leader of "tidy" ends a period.
    """
    owned: dict[bytes, list[bytes]] = defaultdict(list)
    for pending, owner in database.query(
        "SELECT token_hash, owner FROM signing_pending WHERE owner IS NOT NULL"
    ):
        owned[bytes(owner)].append(bytes(pending))
    return owned


def _rekey(
    database: Database, table: str, hashes: Sequence[bytes], owned: Mapping[bytes, Sequence[bytes]]
) -> int:
    """Replace these hashes and what leads to them, unless the rows were withdrawn meanwhile; return their number."""
    pending = sorted(one for old in hashes for one in owned.get(old, ()))
    with database.transaction():
        if pending:  # locked before the signatures, as by confirming, so that the two cannot deadlock
            _lock(database, "signing_pending", pending)
        there = _lock(database, table, hashes)
        for old in there:
            new = token.late(old)
            database.execute(
                f"UPDATE {table} SET token_hash = ?, late = TRUE WHERE token_hash = ?", (new, old)
            )
            if table == "signing_signature":  # what leads to it
                database.execute(
                    "UPDATE signing_access SET signature_hash = ? WHERE signature_hash = ?", (new, old)
                )
            for one in owned.get(old, ()):
                database.execute("UPDATE signing_pending SET owner = ? WHERE token_hash = ?", (new, one))
    return len(there)


def _lock(database: Database, table: str, hashes: Sequence[bytes]) -> list[bytes]:
    """Lock the rows of these hashes in the order of their key, and return the hashes that are still there."""
    where, params = database.among("token_hash", hashes)
    rows = database.query(
        f"SELECT token_hash FROM {table} WHERE {where} ORDER BY token_hash{database.for_update}", params
    )
    return [bytes(row[0]) for row in rows]
