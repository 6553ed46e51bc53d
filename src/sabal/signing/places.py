"""Places in the public log, written to the rows that stand for its sign entries; and the gross numbers beside them."""

from collections import Counter
from collections.abc import Sequence

from sabal import days
from sabal.database import Database, Row
from sabal.signing.writer.rows import COUNTED

DONE = 3  # of a withdrawal: its revocation is in the log


def mark_signatures(database: Database, places: Sequence[Row], today: int) -> None:
    """Counted, each token hash at its index; where its signer lives is in the buckets by now, and nowhere else."""
    if places:
        database.execute(
            "UPDATE signing_signature SET state = ?, counted_on = ?, held = 0, held_until = NULL, country = NULL,"
            f" language = NULL, idx = v.column2 FROM ({_values(places)}) AS v"
            " WHERE signing_signature.token_hash = v.column1",
            [COUNTED, today, *(value for row in places for value in row)],
        )


def mark_withdrawals(database: Database, places: Sequence[Row]) -> None:
    """Counted, and to be revoked: what was withdrawn, by commitment and index."""
    if places:
        database.execute(
            "UPDATE signing_withdrawal SET state = ?, country = NULL, language = NULL, idx = v.column2"
            f" FROM ({_values(places)}) AS v WHERE signing_withdrawal.commitment = v.column1",
            [COUNTED, *(value for row in places for value in row)],
        )


def add(
    database: Database, petition_id: int, today: int, places: Sequence[tuple[str | None, str | None]]
) -> None:
    """Add to the gross buckets, each kind by itself."""
    countries, languages = Counter(c for c, _ in places if c), Counter(n for _, n in places if n)
    buckets = {("day", days.date_of(today).isoformat()): len(places)} if places else {}
    buckets |= {("country", country): n for country, n in countries.items()}
    buckets |= {("language", language): n for language, n in languages.items()}
    database.insert(
        "signing_bucket",
        ("petition_id", "kind", "item", "n"),
        [(petition_id, kind, item, n) for (kind, item), n in sorted(buckets.items())],
        on_conflict="(petition_id, kind, item) DO UPDATE SET n = signing_bucket.n + excluded.n",
    )


def _values(rows: Sequence[Row]) -> str:
    return "VALUES " + ",".join(["(?,?)"] * len(rows))
