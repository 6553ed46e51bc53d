"""The log indexes of commitments, and the signatures that wait for an index.

A signature's row has none of these. They are found by petition and commitment (`rows.SAME_COMMITMENT`).
"""

from collections.abc import Iterable, Sequence

from sabal.database import Database, Row
from sabal.signing.writer.rows import locked

# Signatures in one transaction. It takes about 4 ms on two shared cores, and signing waits for that long.
CHUNK = 500


def take(database: Database, petition_id: int, where: str, params: Sequence[object]) -> list[Row]:
    """Delete waiting rows that match `where`, and return them: (commitment, sealed bucket), at most CHUNK.

    They are taken and returned in the order of the commitment. Runs inside the caller's transaction. If a row is being
    released at this moment, this waits until that has ended.
    """
    # Materialized, because PostgreSQL might otherwise choose again for each row, skip rows that are deleted by then,
    # and take later rows before earlier ones.
    rows = database.query(
        "WITH chosen AS MATERIALIZED"
        f" (SELECT commitment FROM signing_waiting WHERE petition_id = ? AND {where}"
        f" ORDER BY commitment LIMIT {CHUNK}{database.for_update})"
        " DELETE FROM signing_waiting WHERE petition_id = ? AND commitment IN (SELECT commitment FROM chosen)"
        " RETURNING commitment, bucket",
        [petition_id, *params, petition_id],
    )
    return sorted((bytes(commitment), bucket) for commitment, bucket in rows)


def enter(database: Database, petition_id: int, indexes: Iterable[tuple[bytes, int]]) -> int:
    """Store the log indexes of these commitments, and return the number that had none.

    A commitment that has an index keeps it.
    """
    return database.insert(
        "signing_log_index",
        ("petition_id", "commitment", "idx"),
        [(petition_id, commitment, index) for commitment, index in indexes],
        ignore=True,
    )


def enter_new(database: Database, petition_id: int, commitments: Sequence[bytes], first: int) -> list[bytes]:
    """Give log indexes from `first`, the end of the log, to the commitments that have none, and return these.

    Some have one only if a database fell behind its log and was repaired. No commitment may be in the log twice.
    """
    if enter(database, petition_id, _numbered(commitments, first)) == len(commitments):
        return list(commitments)
    where, params = database.among("commitment", commitments)
    here = f"petition_id = ? AND {where}"
    rows = database.query(
        f"SELECT commitment FROM signing_log_index WHERE {here} AND idx < ?", [petition_id, *params, first]
    )
    known = {bytes(row[0]) for row in rows}
    database.execute(
        f"DELETE FROM signing_log_index WHERE {here} AND idx >= ?", [petition_id, *params, first]
    )
    new = [commitment for commitment in commitments if commitment not in known]
    enter(database, petition_id, _numbered(new, first))
    return new


def _numbered(commitments: Sequence[bytes], first: int) -> list[tuple[bytes, int]]:
    return list(zip(commitments, range(first, first + len(commitments)), strict=True))


def release(database: Database, petition_id: int, where: str = "TRUE", params: Sequence[object] = ()) -> int:
    """Let held signatures that match `where` count with the next batch, and return their number."""
    chosen = locked(database, "signing_waiting", f"petition_id = ? AND held > 0 AND {where}", by="commitment")
    return database.execute(
        f"UPDATE signing_waiting SET held = 0, held_until = NULL WHERE petition_id = ? AND {chosen}",
        [petition_id, petition_id, *params],
    )


def forget_buckets(database: Database, petition_id: int) -> None:
    """Delete the buckets of signatures that still wait."""
    database.execute("UPDATE signing_waiting SET bucket = NULL WHERE petition_id = ?", (petition_id,))
