"""Retention: what the consent promised to delete by a day is deleted after it, whoever forgot the petition by then.

The numbers stay, and of withdrawn signatures C and its reason; neither leads back to anybody.
"""

from datetime import date

from sabal.database import Database
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.rows import delete

CHUNK = 200
_ROWS = ("signing_pending", "signing_signature")


def end(database: Database, petition: PetitionSnapshot, today: date) -> int:
    """Delete every record and link of a petition whose retention day has passed; returns how many records.

    In transactions of at most 200 rows. A crash in between leaves rows that the next call finds.
    """
    if today <= petition.definition.retention or petition.state == "draft":
        return 0
    ended = 0
    for table in _ROWS:
        while taken := _take(database, table, petition.id):
            ended += taken
    while _take_links(database, petition.id):
        pass
    database.execute("DELETE FROM mail_letter WHERE petition_id = ?", (petition.id,))
    return ended


def _take(database: Database, table: str, petition_id: int) -> int:
    with database.transaction():
        rows = database.query(
            f"DELETE FROM {table} WHERE token_hash IN"
            f" (SELECT token_hash FROM {table} WHERE petition_id = ? LIMIT {CHUNK}) RETURNING sealed_id",
            (petition_id,),
        )
        delete(database, "signing_sealed", "id", [row[0] for row in rows])
    return len(rows)


def _take_links(database: Database, petition_id: int) -> int:
    with database.transaction():
        return database.execute(
            "DELETE FROM signing_access WHERE token_hash IN"
            f" (SELECT token_hash FROM signing_access WHERE petition_id = ? LIMIT {CHUNK})",
            (petition_id,),
        )
