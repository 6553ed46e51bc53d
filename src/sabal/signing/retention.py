"""Retention: what the consent promised to delete by a day is deleted after it, whoever forgot the petition by then.

The numbers stay, and of withdrawn signatures C and its reason; neither leads back to anybody.
"""

from datetime import date

from sabal.database import Database
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.count import take_names_down
from sabal.signing.writer.log_index import forget_homes
from sabal.signing.writer.rows import OF_PETITION, delete

CHUNK = 200


def is_over(database: Database, petition: PetitionSnapshot, today: date) -> bool:
    """Whether a petition's retention day has passed and something of a signer is still here."""
    return today > petition.definition.retention and holds_records(database, petition.id)


def erase_records(database: Database, petition_id: int) -> int:
    """Delete what signers typed, confirmed or not, and the names that are shown; returns how many records.

    The day was promised to them, so this does not wait for the log: what stands still can enter it later, by C alone.
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
    take_names_down(database, petition_id)
    return erased


def end(database: Database, petition: PetitionSnapshot) -> int:
    """Delete every row and link of a petition's signers, their records gone before; returns how many.

    What waits should have entered the log before, held or not: it was confirmed. Where that log stands still it waits
    on, by C alone. In transactions of at most 200 rows; a crash in between leaves rows that the next call finds.
    Emails need no deleting: signing ended a week before that day, and none is kept for longer than eight.
    """
    ended = _delete(database, "signing_signature", petition.id)
    _delete_links(database, petition.id)
    forget_homes(database, petition.id)
    take_names_down(database, petition.id)  # the last batch may have brought some back
    return ended


def holds_records(database: Database, petition_id: int) -> bool:
    """Whether anything of a signer is here."""
    return any(
        database.query(f"SELECT 1 FROM {table} WHERE petition_id = ? LIMIT 1", (petition_id,))
        for table in ("signing_pending", "signing_signature", "signing_access")
    )


def _delete(database: Database, table: str, petition_id: int) -> int:
    deleted, last = 0, b""
    while True:
        with database.transaction():
            rows = database.query(
                # Materialized: chosen once, as in writer/places.py.
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
    """Those that lead to nothing, which should not be: the others went with their signatures."""
    while True:
        some = (
            "SELECT token_hash FROM signing_access WHERE petition_id = ?"
            f" ORDER BY token_hash LIMIT {CHUNK}{database.for_update}"
        )
        if not database.execute(f"DELETE FROM signing_access WHERE token_hash IN ({some})", (petition_id,)):
            return
