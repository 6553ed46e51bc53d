"""Count: what was confirmed since the last batch, in batches, by one process at a time.

Never `+1` per signature and never COUNT(*) per view. A batch is taken in transactions of at most 200 rows, so that
signing never waits for it; the numbers that are shown move once, when the whole batch is in. A crash in between loses
nothing: counted rows say so themselves, and the next run finishes the batch.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sabal import days
from sabal.database import Database, Row
from sabal.petitions.profile import Profile
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.held import release
from sabal.signing.writer.leave import WITHDRAWN
from sabal.signing.writer.rows import COUNTED, WAITING, locked

CHUNK = 200
NAMES = 200  # so many a page shows at the most
_MOST = 32  # no rule asks whether more than this many wait
_DONE = 3


@dataclass(frozen=True)
class _Total:
    confirmed: int
    withdrawn: int
    invalidated: int
    unfinished: bool  # a batch was begun and never shown
    countries_day: int
    batch_at: int


def count(database: Database, petition: PetitionSnapshot, now: float, every: float | None = None) -> int:
    """Count a petition's batch if one is due; returns how many signatures it took in.

    `now` in Unix seconds. `every` (development only) replaces the profile's rules: so many seconds, from one on.
    """
    total = _total(database, petition.id)
    if total is None or not _due(database, petition, total, now, every):
        return 0
    counted = _take_all_signatures(database, petition.id, now)
    # Withdrawals ride with signatures; only when none come for the longest wait do they go alone.
    alone = now - total.batch_at >= (every or petition.profile.longest_wait)
    if counted or total.unfinished or alone:
        while _take_withdrawals(database, petition.id, now):
            pass
        _show(database, petition, total, now)
    return counted


def count_all(database: Database, petition: PetitionSnapshot, now: float) -> None:
    """A petition's last batch: everything that waits, held or not, and every withdrawal."""
    release(database, petition.id)
    total = _total(database, petition.id)
    if total is not None:
        _take_all_signatures(database, petition.id, now)
        while _take_withdrawals(database, petition.id, now):
            pass
        _show(database, petition, total, now)


def take_names_down(database: Database, petition_id: int) -> None:
    """Show no names any more; the numbers stay."""
    database.execute("UPDATE signing_total SET shown_names = '[]' WHERE petition_id = ?", (petition_id,))


def _take_all_signatures(database: Database, petition_id: int, now: float) -> int:
    counted = 0
    while taken := _take_signatures(database, petition_id, now):
        counted += taken
    return counted


def _total(database: Database, petition_id: int) -> _Total | None:
    rows = database.query(
        "SELECT confirmed, withdrawn, invalidated, confirmed <> shown_confirmed OR withdrawn <> shown_withdrawn"
        " OR invalidated <> shown_invalidated, countries_day, batch_at FROM signing_total WHERE petition_id = ?",
        (petition_id,),
    )
    return (
        _Total(rows[0][0], rows[0][1], rows[0][2], bool(rows[0][3]), rows[0][4], rows[0][5]) if rows else None
    )


def _due(
    database: Database, petition: PetitionSnapshot, total: _Total, now: float, every: float | None
) -> bool:
    waited = now - total.batch_at
    if total.unfinished or waited < 0:  # the clock went back: count rather than wait for it to catch up
        return True
    signatures = _waiting(database, "signing_signature", petition.id, now)
    others = sum(
        _waiting(database, table, petition.id, now) for table in ("signing_withdrawal", "signing_access")
    )
    if every is not None:
        return waited >= every and signatures + others > 0
    profile: Profile = petition.profile
    return profile.batch_is_due(waited, signatures) or (waited >= profile.longest_wait and others > 0)


# What waits for a batch in each table, by its partial index.
_WAITS = {
    "signing_signature": "state = 1 AND (held = 0 OR held_until <= ?)",
    "signing_withdrawal": "state < 3",
    "signing_access": "counted_on IS NULL",
}


def _waiting(database: Database, table: str, petition_id: int, now: float) -> int:
    condition = _WAITS[table]
    params = [petition_id, days.number_at(now)] if "?" in condition else [petition_id]
    sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE petition_id = ? AND {condition} LIMIT {_MOST}) AS w"
    return int(database.query(sql, params)[0][0])


def _take_signatures(database: Database, petition_id: int, now: float) -> int:
    with database.transaction():
        rows = database.query(
            "SELECT token_hash, country, language FROM signing_signature WHERE petition_id = ? AND state = 1"
            f" AND (held = 0 OR held_until <= ?) ORDER BY commitment LIMIT {CHUNK}",
            (petition_id, days.number_at(now)),
        )
        if not rows:
            return 0
        where, params = database.among("token_hash", [bytes(row[0]) for row in rows])
        # A signature withdrawn between the two statements is not updated, and so not counted here.
        chosen = locked(database, "signing_signature", f"state = ? AND {where}")
        taken = database.query(
            "UPDATE signing_signature SET state = ?, counted_on = ?, held = 0, held_until = NULL"
            f" WHERE {chosen} RETURNING token_hash, country, language",
            [COUNTED, days.number_at(now), WAITING, *params],
        )
        _forget_places(database, [bytes(row[0]) for row in taken])
        _add(database, petition_id, now, [(row[1], row[2]) for row in taken])
        database.execute(
            "UPDATE signing_total SET confirmed = confirmed + ? WHERE petition_id = ?",
            (len(taken), petition_id),
        )
    return len(rows)


def _forget_places(database: Database, hashes: list[bytes]) -> None:
    """Of rows that this transaction holds already."""
    if hashes:
        where, params = database.among("token_hash", hashes)
        database.execute(
            f"UPDATE signing_signature SET country = NULL, language = NULL WHERE {where}", params
        )


def _take_withdrawals(database: Database, petition_id: int, now: float) -> int:
    """Touches no row of a signature: what stands in signing_withdrawal nobody else changes any more."""
    with database.transaction():
        rows = database.query(
            "SELECT commitment, state, reason, country, language FROM signing_withdrawal"
            f" WHERE petition_id = ? AND state < {_DONE} ORDER BY commitment LIMIT {CHUNK}",
            (petition_id,),
        )
        if not rows:
            return 0
        where, params = database.among("commitment", [bytes(row[0]) for row in rows])
        database.execute(
            f"UPDATE signing_withdrawal SET state = {_DONE}, country = NULL, language = NULL WHERE {where}",
            params,
        )
        # What was promised and withdrawn before its batch is confirmed and withdrawn at once.
        never_counted = [row for row in rows if row[1] == WAITING]
        _add(database, petition_id, now, [(row[3], row[4]) for row in never_counted])
        withdrawn = sum(1 for row in rows if row[2] == WITHDRAWN)
        database.execute(
            "UPDATE signing_total SET confirmed = confirmed + ?, withdrawn = withdrawn + ?,"
            " invalidated = invalidated + ? WHERE petition_id = ?",
            (len(never_counted), withdrawn, len(rows) - withdrawn, petition_id),
        )
    return len(rows)


def _add(
    database: Database, petition_id: int, now: float, places: Sequence[tuple[str | None, str | None]]
) -> None:
    """Add to the gross buckets, each kind by itself."""
    buckets: Counter[tuple[str, str]] = Counter()
    for country, language in places:
        buckets["day", days.date_of(days.number_at(now)).isoformat()] += 1
        if country:
            buckets["country", country] += 1
        if language:
            buckets["language", language] += 1
    for (kind, item), n in sorted(buckets.items()):
        database.execute(
            "INSERT INTO signing_bucket (petition_id, kind, item, n) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (petition_id, kind, item) DO UPDATE SET n = signing_bucket.n + excluded.n",
            (petition_id, kind, item, n),
        )


def _show(database: Database, petition: PetitionSnapshot, total: _Total, now: float) -> None:
    profile = petition.profile
    moves = (days.number_at(now) - total.countries_day) * days.SECONDS >= profile.countries_every
    young = locked(database, "signing_access", "petition_id = ? AND counted_on IS NULL")
    with database.transaction():
        if moves:
            database.execute(
                "UPDATE signing_total SET shown_countries = ?, countries_day = ? WHERE petition_id = ?",
                (json.dumps(_countries(database, petition.id, profile)), days.number_at(now), petition.id),
            )
        if petition.definition.fields.display:
            database.execute(
                "UPDATE signing_total SET shown_names = ? WHERE petition_id = ?",
                (json.dumps(_names(database, petition.id), ensure_ascii=False), petition.id),
            )
        # A second link ages as a new signature's would, or its page would tell that its mailbox had signed before.
        database.execute(
            f"UPDATE signing_access SET counted_on = ? WHERE {young}",
            (days.number_at(now), petition.id),
        )
        database.execute(
            "UPDATE signing_total SET shown_confirmed = confirmed, shown_withdrawn = withdrawn,"
            " shown_invalidated = invalidated, batch_at = ? WHERE petition_id = ?",
            (int(now), petition.id),
        )


def _countries(database: Database, petition_id: int, profile: Profile) -> list[tuple[str, int]]:
    rows: list[Row] = database.query(
        "SELECT item, n FROM signing_bucket WHERE petition_id = ? AND kind = 'country' ORDER BY n DESC, item",
        (petition_id,),
    )
    least, step = profile.countries_from, profile.countries_round
    return [(code, n // step * step) for code, n in rows if least is not None and n >= least]


def _names(database: Database, petition_id: int) -> list[str]:
    """Names that signers of an open petition chose to show: by lot (the order of C), never the latest first."""
    rows = database.query(
        "SELECT display FROM signing_signature WHERE petition_id = ? AND state = ? AND display IS NOT NULL"
        f" ORDER BY commitment LIMIT {NAMES}",
        (petition_id, COUNTED),
    )
    return sorted((row[0] for row in rows), key=str.casefold)
