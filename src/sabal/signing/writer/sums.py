"""The sums of what counts, by day of the batch, by country and by language, and which entry is counted under which.

For each transaction that puts signatures into the log, one row of `signing_counted` keeps the buckets of its entries,
so that an entry leaves the sums as it entered them. The sums of each kind are always confirmed - withdrawn -
invalidated.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from sabal import days
from sabal.database import Database
from sabal.signing.buckets import NO_LONGER_KNOWN, NOT_KNOWN, Buckets, items_of


def enter(
    database: Database, petition_id: int, entered: Mapping[int, bytes], today: int, buckets: Buckets
) -> None:
    """Add signatures, the buckets of which are given by index in the log, to the sums, under `today` (days since 1970).

    They are of one transaction: no other index between them is ever added. Runs inside the caller's transaction.
    """
    if not entered:
        return
    first = min(entered)
    in_order = [entered.get(index, NOT_KNOWN) for index in range(first, max(entered) + 1)]
    row = (petition_id, first, today, buckets.seal_counted(first, in_order))
    database.insert("signing_counted", ("petition_id", "first", "day", "buckets"), [row])
    _add(database, petition_id, Counter((bucket, today) for bucket in entered.values()), 1)


def leave(database: Database, petition_id: int, indexes: Iterable[int], buckets: Buckets) -> None:
    """Take entries that are being revoked out of the sums, and delete their buckets.

    If their buckets do not open, they stay in the sums by country and by language, and a negative number beside these
    says so. Runs inside the caller's transaction.
    """
    by_row: dict[tuple[int, int], list[int]] = {}
    for index in sorted(indexes):
        by_row.setdefault(_row_of(database, petition_id, index), []).append(index)
    left = Counter[tuple[bytes, int]]()
    for (first, day), of_row in by_row.items():
        left.update((bucket, day) for bucket in _take(database, petition_id, first, of_row, buckets))
    _add(database, petition_id, left, -1)
    # A sum of zero would show that somebody from this country had signed.
    database.execute("DELETE FROM signing_bucket WHERE petition_id = ? AND n = 0", (petition_id,))


def forget(database: Database, petition_id: int) -> None:
    """Delete the buckets of all entries. The sums and the days stay."""
    database.execute(
        "UPDATE signing_counted SET buckets = NULL WHERE petition_id = ? AND buckets IS NOT NULL",
        (petition_id,),
    )


def _row_of(database: Database, petition_id: int, index: int) -> tuple[int, int]:
    """Return the first index and the day of the row that has an entry's bucket."""
    first, day = database.query(
        "SELECT first, day FROM signing_counted WHERE petition_id = ? AND first <= ? ORDER BY first DESC LIMIT 1",
        (petition_id, index),
    )[0]
    return first, day


def _take(
    database: Database, petition_id: int, first: int, indexes: list[int], buckets: Buckets
) -> list[bytes]:
    """Return the buckets of these entries of one row, and delete them from it."""
    where = "petition_id = ? AND first = ?"
    sealed = database.query(f"SELECT buckets FROM signing_counted WHERE {where}", (petition_id, first))[0][0]
    kept = buckets.open_counted(first, sealed and bytes(sealed))
    if kept is None:
        return [NO_LONGER_KNOWN] * len(indexes)
    taken = [kept[index - first] for index in indexes]
    for index in indexes:
        kept[index - first] = NOT_KNOWN
    database.execute(
        f"UPDATE signing_counted SET buckets = ? WHERE {where}",
        (buckets.seal_counted(first, kept), petition_id, first),
    )
    return taken


def _add(database: Database, petition_id: int, counted: Counter[tuple[bytes, int]], sign: int) -> None:
    sums = Counter[tuple[str, str]]()
    for (bucket, day), n in counted.items():
        country, language = items_of(bucket)
        sums["country", country] += sign * n
        sums["language", language] += sign * n
        sums["day", days.date_of(day).isoformat()] += sign * n
    database.insert(
        "signing_bucket",
        ("petition_id", "kind", "item", "n"),
        [(petition_id, kind, item, n) for (kind, item), n in sorted(sums.items())],
        on_conflict="(petition_id, kind, item) DO UPDATE SET n = signing_bucket.n + excluded.n",
    )
