"""Delete pending rows after their day, close petitions after their last day, and delete w and buckets at the end.

Dedupe tags are deleted in epochs.py.
"""

from collections.abc import Sequence
from datetime import date

from sabal import days, token
from sabal.database import Database
from sabal.keys.keystore import KeyStore, bucket_key_name
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.sign import PENDING_DAYS
from sabal.signing.writer import log_index, sums
from sabal.signing.writer.rows import OF_PETITION, locked

CHUNK = 200


def extend_pending(database: Database, tokens: Sequence[str], today: int) -> None:
    """Set the expiry of pending signatures whose emails were accepted today to seven whole days from now.

    `tokens` are those of the emails' links, as text. A token may lead to no pending signature. Usually nothing is
    written, because signing expects that its email is sent on the same day. Runs inside the caller's transaction.
    """
    hashes = [token.digest(t) for text in tokens if (t := token.decode(text)) is not None]
    where, params = database.among("token_hash", hashes)
    late = locked(database, "signing_pending", f"{where} AND expires < ?")
    database.execute(
        f"UPDATE signing_pending SET expires = ? WHERE {late}",
        [today + PENDING_DAYS, *params, today + PENDING_DAYS],
    )


def expire(database: Database, today: int) -> int:
    """Delete expired pending signatures with their sealed records, and return their number.

    `today` is in days since 1970. This reads the whole table in the order of its key. It runs rarely, so it costs less
    than an index that every signature would write.
    """
    expired, last = 0, b""
    while True:
        with database.transaction():
            rows = database.query(
                "SELECT token_hash, expires FROM signing_pending"
                f" WHERE token_hash > ? ORDER BY token_hash LIMIT {CHUNK}",
                (last,),
            )
            over = [bytes(row[0]) for row in rows if row[1] < today]
            if over:
                where, params = database.among("token_hash", over)
                chosen = locked(database, "signing_pending", where)
                gone = database.query(
                    f"DELETE FROM signing_pending WHERE {chosen} RETURNING sealed_id", params
                )
                where, params = database.among("id", [row[0] for row in gone])
                database.execute(f"DELETE FROM signing_sealed WHERE {where}", params)
        expired += len(over)
        if len(rows) < CHUNK:
            return expired
        last = bytes(rows[-1][0])


def close_due(database: Database, petition: PetitionSnapshot, today: date) -> bool:
    """Close a petition whose last day has passed, and return whether it was closed now."""
    last = petition.definition.last_day
    if today <= last or petition.state not in ("open", "paused"):
        return False
    closed = database.execute(
        "UPDATE petitions_petition SET state = 'closed', closed_on = ?, revision = revision + 1"
        " WHERE id = ? AND state IN ('open', 'paused')",
        (days.to_column(last, database.vendor), petition.id),
    )
    return closed == 1


def forget_buckets(database: Database, keystore: KeyStore, petition_id: int) -> None:
    """Destroy the countries and languages of a petition's signatures. The sums stay. Can be repeated.

    The key goes first. From then on a signature that leaves is known to have no bucket, also if a crash keeps some
    rows here. The next call deletes them.
    """
    keystore.destroy(database, bucket_key_name(petition_id))
    log_index.forget_buckets(database, petition_id)
    sums.forget(database, petition_id)


def forget_w(database: Database, petition_id: int) -> None:
    """Delete w, which leads from an emailed link to an entry of the log, in transactions of at most 200 rows."""
    last = b""
    while True:
        with database.transaction():
            rows = database.query(
                f"SELECT s.token_hash FROM signing_signature s WHERE {OF_PETITION} AND s.token_hash > ? AND s.w <> ?"
                f" ORDER BY s.token_hash LIMIT {CHUNK}{database.for_update}",
                (petition_id, last, b""),
            )
            if rows:
                where, params = database.among("token_hash", [bytes(row[0]) for row in rows])
                database.execute(f"UPDATE signing_signature SET w = ? WHERE {where}", [b"", *params])
        if len(rows) < CHUNK:
            return
        last = bytes(rows[-1][0])
