"""Retention: delete the signers' data after the day that the consent promised, without any command.

The numbers stay. Of withdrawn signatures the commitment and the reason stay. Neither leads back to a person.
"""

from datetime import date

from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import tidy
from sabal.signing.count import hide_names
from sabal.signing.writer.rows import OF_PETITION, delete

CHUNK = 200


def is_over(database: Database, petition: PetitionSnapshot, today: date) -> bool:
    """Return whether a petition's retention day has passed and data of a signer is still here."""
    return today > petition.definition.retention and holds_records(database, petition.id)


def erase_records(database: Database, petition_id: int) -> int:
    """Delete the sealed records, the pending signatures and the published names; return the number of records.

    This does not wait for the log, because signers were promised the day. A signature that still waits can enter the
    log later by its commitment alone.
    """
    erased, last = 0, -1
    while True:
        with database.transaction():
            rows = database.query(
                f"SELECT id FROM signing_sealed WHERE petition_id = ? AND id > ? ORDER BY id LIMIT {CHUNK}",
                (petition_id, last),
            )
            delete(database, "signing_sealed", "id", [row[0] for row in rows])
        erased += len(rows)
        if len(rows) < CHUNK:
            break
        last = rows[-1][0]
    _delete(database, "signing_pending", petition_id)
    hide_names(database, petition_id)
    return erased


def erase_signers(database: Database, keystore: KeyStore, petition: PetitionSnapshot) -> int:
    """Delete every row and link of a petition's signers, and return the number of signatures.

    `erase_records` must have deleted their records before. Waiting signatures, held or not, should have entered the log
    before, because they were confirmed. If the log does not move, they keep waiting by their commitment alone. The
    country and language of each are destroyed first. Each transaction deletes at most 200 rows; the rows that a crash
    leaves are found by the next call. Emails need no deletion: signing ended a week before that day, and no email is
    kept for more than eight days.
    """
    tidy.forget_buckets(database, keystore, petition.id)
    ended = _delete(database, "signing_signature", petition.id)
    _delete_links(database, petition.id)
    hide_names(database, petition.id)  # the last batch may have published some again
    return ended


def holds_records(database: Database, petition_id: int) -> bool:
    """Return whether any data of a signer is here."""
    return any(
        database.query(f"SELECT 1 FROM {table} WHERE petition_id = ? LIMIT 1", (petition_id,))
        for table in ("signing_pending", "signing_signature", "signing_access")
    )


def _delete(database: Database, table: str, petition_id: int) -> int:
    deleted, last = 0, b""
    while True:
        with database.transaction():
            rows = database.query(
                # Materialized, so that the rows are chosen once, as in writer/log_index.py.
                f"WITH chosen AS MATERIALIZED (SELECT s.token_hash FROM {table} s WHERE {OF_PETITION}"
                f" AND s.token_hash > ? ORDER BY s.token_hash LIMIT {CHUNK}{database.for_update})"
                f" DELETE FROM {table} WHERE token_hash IN (SELECT token_hash FROM chosen)"
                " RETURNING token_hash, sealed_id",
                (petition_id, last),
            )
            hashes = sorted(bytes(row[0]) for row in rows)
            delete(database, "signing_sealed", "id", [row[1] for row in rows])
            delete(database, "signing_access", "signature_hash", hashes)
        deleted += len(rows)
        if len(rows) < CHUNK:
            return deleted
        last = hashes[-1]


def _delete_links(database: Database, petition_id: int) -> None:
    """Delete links that lead to no signature. There should be none, because links are deleted with their signatures."""
    while True:
        some = (
            "SELECT token_hash FROM signing_access WHERE petition_id = ?"
            f" ORDER BY token_hash LIMIT {CHUNK}{database.for_update}"
        )
        if not database.execute(f"DELETE FROM signing_access WHERE token_hash IN ({some})", (petition_id,)):
            return
