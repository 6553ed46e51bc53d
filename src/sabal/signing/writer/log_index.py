"""Places in the public log, kept by what a sign entry says; what waits for one; and the gross numbers beside them.

A signature's row says nothing of all this: petition and C lead from it to both (`rows.AT`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from sabal import days
from sabal.database import Database, Row
from sabal.signing.writer.rows import locked

# Signatures in one transaction: about 4 ms on two shared cores, for which signing waits for the sequencer.
CHUNK = 500


def take(database: Database, petition_id: int, where: str, params: Sequence[object]) -> list[Row]:
    """Take what waits and meets `where` out of the wait: (commitment, country, language), at most CHUNK, by C.

    Inside the caller's transaction. Of a row that is released at this moment it waits for the end.
    """
    # Materialized: PostgreSQL might choose anew for each row, pass over those that are deleted by then, and take some
    # that lie far behind others.
    rows = database.query(
        "WITH chosen AS MATERIALIZED"
        f" (SELECT commitment FROM signing_waiting WHERE petition_id = ? AND {where}"
        f" ORDER BY commitment LIMIT {CHUNK}{database.for_update})"
        " DELETE FROM signing_waiting WHERE petition_id = ? AND commitment IN (SELECT commitment FROM chosen)"
        " RETURNING commitment, country, language",
        [petition_id, *params, petition_id],
    )
    return sorted((bytes(commitment), country, language) for commitment, country, language in rows)


def enter(database: Database, petition_id: int, places: Iterable[tuple[bytes, int]]) -> int:
    """Say where these commitments stand in the log; the first place of one stays. How many had none."""
    return database.insert(
        "signing_log_index",
        ("petition_id", "commitment", "idx"),
        [(petition_id, commitment, index) for commitment, index in places],
        ignore=True,
    )


def enter_new(database: Database, petition_id: int, commitments: Sequence[bytes], first: int) -> list[bytes]:
    """Give places from `first` on, where the log ends, to those that have none yet; returns these.

    Others come only where a database fell back behind its log and was set right again: no C may stand in it twice.
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
    """Let what is held and meets `where` count with the next batch; how many."""
    chosen = locked(database, "signing_waiting", f"petition_id = ? AND held > 0 AND {where}", by="commitment")
    return database.execute(
        f"UPDATE signing_waiting SET held = 0, held_until = NULL WHERE petition_id = ? AND {chosen}",
        [petition_id, petition_id, *params],
    )


def forget_homes(database: Database, petition_id: int) -> None:
    """Forget where those live who still wait, and their languages."""
    database.execute(
        "UPDATE signing_waiting SET country = NULL, language = NULL WHERE petition_id = ?", (petition_id,)
    )


def add(
    database: Database, petition_id: int, today: int, homes: Sequence[tuple[str | None, str | None]]
) -> None:
    """Add signatures, of each its country and language, to the gross buckets, each kind by itself."""
    countries, languages = Counter(c for c, _ in homes if c), Counter(n for _, n in homes if n)
    buckets = {("day", days.date_of(today).isoformat()): len(homes)} if homes else {}
    buckets |= {("country", country): n for country, n in countries.items()}
    buckets |= {("language", language): n for language, n in languages.items()}
    database.insert(
        "signing_bucket",
        ("petition_id", "kind", "item", "n"),
        [(petition_id, kind, item, n) for (kind, item), n in sorted(buckets.items())],
        on_conflict="(petition_id, kind, item) DO UPDATE SET n = signing_bucket.n + excluded.n",
    )
