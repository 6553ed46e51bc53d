"""Count confirmed signatures in the same transactions that put them into the public log.

There is no `+1` for each signature and no COUNT(*) for each page view. The sequencer (ledger/sequencer.py) takes a
batch in transactions of at most 500 rows, so that signing never waits for it. The published numbers change once, with
the published checkpoint, so that pages and log cannot disagree.
"""

import json
from collections import Counter
from dataclasses import dataclass

from sabal import days
from sabal.database import Database, Row
from sabal.petitions.profile import Profile
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.buckets import GONE, Buckets
from sabal.signing.writer import sums
from sabal.signing.writer.log_index import CHUNK, enter_new, take
from sabal.signing.writer.rows import SAME_COMMITMENT, locked
from sabal.signing.writer.withdraw import WITHDRAWN

NAMES = 200  # the most names on a page
_MAX_COUNTED = 32  # no rule of a profile needs a larger number


@dataclass(frozen=True)
class Taken:
    """The commitments that one transaction took, in order, and the last commitment it read; None at the end."""

    commitments: list[bytes]
    reached: bytes | None


@dataclass(frozen=True)
class Revoked:
    """A signature in the log that no longer counts: its index, and the reason (docs/log-format.md "Reasons")."""

    index: int
    reason: int


def batch_is_due(
    database: Database, petition: PetitionSnapshot, now: float, every: float | None = None
) -> bool:
    """Return whether the profile's rules call for a batch. `now` is Unix time (seconds).

    `every` (development only) replaces the rules: a batch is due after this many seconds if one signature waits.
    """
    waited = now - _batch_at(database, petition.id)
    signatures = _waiting(database, "signed", petition.id, now)
    others = sum(_waiting(database, kind, petition.id, now) for kind in ("withdrawn", "linked"))
    if waited < 0:  # the clock was set back: count now instead of waiting for it to catch up
        return signatures + others > 0
    if every is not None:
        return waited >= every and signatures + others > 0
    profile = petition.profile
    # Withdrawals enter the log together with signatures. They enter alone only after the profile's longest wait.
    return profile.batch_is_due(waited, signatures) or (waited >= profile.longest_wait and others > 0)


def is_waiting(database: Database, petition_id: int) -> bool:
    """Return whether any signature, held or not, waits to enter the log."""
    return bool(database.query("SELECT 1 FROM signing_waiting WHERE petition_id = ? LIMIT 1", (petition_id,)))


def count_waiting(database: Database, petition_id: int) -> int:
    """Return the number of signatures, held or not, that wait to enter the log."""
    rows = database.query("SELECT COUNT(*) FROM signing_waiting WHERE petition_id = ?", (petition_id,))
    return int(rows[0][0])


def restart_wait(database: Database, petition: PetitionSnapshot, now: float) -> None:
    """Restart a guarded petition's longest wait if it ended without a signature.

    Otherwise the first signature after a quiet time would enter the log at once, and its time would be public.
    """
    wait = petition.profile.longest_wait
    if petition.profile.guarded and now - _batch_at(database, petition.id) >= wait:
        database.execute(
            "UPDATE signing_total SET batch_at = ? WHERE petition_id = ? AND batch_at <= ?",
            (int(now), petition.id, int(now) - wait),
        )


def take_signatures(
    database: Database, petition_id: int, now: float, buckets: Buckets, *, after: bytes, first: int
) -> Taken:
    """Count waiting signatures with commitments after `after`, and give them log indexes from `first` on.

    Runs inside the caller's transaction. Signatures that were withdrawn meanwhile enter the log like the others,
    because they were promised too.
    """
    today = days.number_at(now)
    rows = take(database, petition_id, "(held = 0 OR held_until <= ?) AND commitment > ?", (today, after))
    if not rows:
        return Taken([], None)
    opened = buckets.open_waiting(dict(rows))
    entered = enter_new(database, petition_id, list(opened), first)
    of_entries = {index: opened[commitment] for index, commitment in enumerate(entered, first)}
    sums.enter(database, petition_id, of_entries, today, buckets)
    database.execute(
        "UPDATE signing_total SET confirmed = confirmed + ? WHERE petition_id = ?",
        (len(entered), petition_id),
    )
    return Taken(entered, reached=rows[-1][0])


def take_revoked(database: Database, petition_id: int, buckets: Buckets) -> list[Revoked]:
    """Count some of the signatures in the log that were withdrawn or dropped, and return them.

    They leave the sums by day, country and language too. The list is empty when all are counted. Runs inside the
    caller's transaction.
    """
    rows = database.query(
        "SELECT s.commitment, p.idx, s.reason FROM signing_withdrawal s CROSS JOIN signing_log_index p"
        f" WHERE {SAME_COMMITMENT} AND s.petition_id = ? AND s.revoked = 0 ORDER BY s.commitment LIMIT {CHUNK}",
        (petition_id,),
    )
    if not rows:
        return []
    sums.leave(database, petition_id, [row[1] for row in rows], buckets)
    where, params = database.among("commitment", [bytes(row[0]) for row in rows])
    database.execute(f"UPDATE signing_withdrawal SET revoked = 1 WHERE {where}", params)
    withdrawn = sum(1 for row in rows if row[2] == WITHDRAWN)
    database.execute(
        "UPDATE signing_total SET withdrawn = withdrawn + ?, invalidated = invalidated + ?, invalidated_by = ?"
        " WHERE petition_id = ?",
        (withdrawn, len(rows) - withdrawn, _with_reasons(database, petition_id, rows), petition_id),
    )
    return [Revoked(row[1], row[2]) for row in rows]


def _with_reasons(database: Database, petition_id: int, rows: list[Row]) -> str:
    """Return the numbers by reason with these revocations, as JSON."""
    sql = "SELECT invalidated_by FROM signing_total WHERE petition_id = ?"
    known = {int(reason): n for reason, n in json.loads(database.query(sql, (petition_id,))[0][0]).items()}
    new = Counter(row[2] for row in rows if row[2] != WITHDRAWN)
    return json.dumps(dict(sorted((new + Counter(known)).items())))


def end_batch(database: Database, petition_id: int, now: float) -> None:
    """Start the wait for the next batch, inside the transaction that signs this one."""
    database.execute("UPDATE signing_total SET batch_at = ? WHERE petition_id = ?", (int(now), petition_id))


def publish_totals(database: Database, petition: PetitionSnapshot, now: float) -> None:
    """Publish the current numbers, inside the transaction that publishes a checkpoint."""
    today = days.number_at(now)
    _publish_countries(database, petition, now)
    # Also without the field: an amendment may have taken it out, and then no name stays.
    names = _names(database, petition.id) if petition.definition.fields.display else []
    # A second link gets the date of this batch, like the link of a new signature. Otherwise its page would show that
    # the address had signed before.
    uncounted = locked(database, "signing_access", "petition_id = ? AND counted_on IS NULL")
    database.execute(
        f"UPDATE signing_access SET counted_on = ? WHERE {uncounted}",
        (today, petition.id),
    )
    database.execute(
        "UPDATE signing_total SET published_confirmed = confirmed, published_withdrawn = withdrawn,"
        " published_invalidated = invalidated, published_invalidated_by = invalidated_by, published_names = ?"
        " WHERE petition_id = ?",
        (json.dumps(names, ensure_ascii=False), petition.id),
    )
    database.execute(
        "INSERT INTO signing_history (petition_id, day, confirmed, withdrawn, invalidated)"
        " SELECT petition_id, ?, confirmed, withdrawn, invalidated FROM signing_total WHERE petition_id = ?"
        " ON CONFLICT (petition_id, day) DO UPDATE SET confirmed = excluded.confirmed,"
        " withdrawn = excluded.withdrawn, invalidated = excluded.invalidated",
        (today, petition.id),
    )


def publish_late_countries(database: Database, petition: PetitionSnapshot, now: float) -> None:
    """Publish the numbers by country if they are due and the last batch came too early for them.

    Everything that was counted is published already: otherwise these numbers would be newer than the total.
    """
    if petition.profile.countries_every and _countries_due(_figures(database, petition.id), petition, now):
        with database.transaction():
            _publish_countries(database, petition, now)


def check_sums(database: Database, petition_id: int) -> tuple[bool, int]:
    """Return whether the numbers by day, country and language sum up, and how many left when theirs was unreadable."""
    rows = database.query(  # one statement, because a batch may be committed at this moment
        "SELECT t.confirmed - t.withdrawn - t.invalidated, b.kind, b.item, b.n FROM signing_total t"
        " LEFT JOIN signing_bucket b ON b.petition_id = t.petition_id WHERE t.petition_id = ?",
        (petition_id,),
    )
    kinds = ("day", "country", "language")
    off = {row[0] - sum(n for _, other, _, n in rows if other == kind) for row in rows[:1] for kind in kinds}
    negative = any(n < 0 for _, kind, item, n in rows if kind and item != GONE)
    unopened = -sum(n for _, kind, item, n in rows if (kind, item) == ("country", GONE))
    return off <= {0} and not negative, unopened


def hide_names(database: Database, petition_id: int) -> None:
    """Remove the published names; the numbers stay."""
    database.execute("UPDATE signing_total SET published_names = '[]' WHERE petition_id = ?", (petition_id,))


def _batch_at(database: Database, petition_id: int) -> float:
    rows = database.query("SELECT batch_at FROM signing_total WHERE petition_id = ?", (petition_id,))
    return float(rows[0][0]) if rows else float("inf")


# For each kind of row that a batch takes: its table, and the condition for rows that still wait.
_WAITING_ROWS = {
    "signed": ("signing_waiting", "(held = 0 OR held_until <= ?)"),
    "withdrawn": ("signing_withdrawal", "revoked = 0"),
    "linked": ("signing_access", "counted_on IS NULL"),
}


def _waiting(database: Database, kind: str, petition_id: int, now: float) -> int:
    table, condition = _WAITING_ROWS[kind]
    params = [petition_id, days.number_at(now)] if "?" in condition else [petition_id]
    some = f"SELECT 1 FROM {table} WHERE petition_id = ? AND {condition} LIMIT {_MAX_COUNTED}"
    return int(database.query(f"SELECT COUNT(*) FROM ({some}) AS w", params)[0][0])


@dataclass(frozen=True, slots=True)
class _Figures:
    """What is counted, and what was published by country and language: when (Unix time), and how many had left."""

    counted: int
    left: int
    countries_at: int
    countries_left: int
    countries: list[tuple[str, int]]
    languages: list[tuple[str, int]]


def _figures(database: Database, petition_id: int) -> _Figures:
    confirmed, left, at, left_then, *shown = database.query(
        "SELECT confirmed, withdrawn + invalidated, countries_at, countries_left, published_countries,"
        " published_languages FROM signing_total WHERE petition_id = ?",
        (petition_id,),
    )[0]
    return _Figures(confirmed - left, left, at, left_then, *map(json.loads, shown))


def _countries_due(figures: _Figures, petition: PetitionSnapshot, now: float) -> bool:
    waited = now - figures.countries_at
    return waited < 0 or petition.profile.countries_are_due(waited, figures.left - figures.countries_left)


def _publish_countries(database: Database, petition: PetitionSnapshot, now: float) -> None:
    """Publish the numbers by country and by language that fit the total of this batch.

    If new ones are not due, the old ones stay. If they do not fit because more signatures left than others came, none
    are shown until new ones are due. New ones at once would show where those few people live.
    """
    figures = _figures(database, petition.id)
    by_country, by_language = (_sums(database, petition.id, kind) for kind in ("country", "language"))
    no_longer_known = -by_country.pop(GONE, 0)
    by_language.pop(GONE, 0)
    at, left = figures.countries_at, figures.countries_left
    countries, languages = figures.countries, figures.languages
    if _countries_due(figures, petition, now):
        at, left = int(now), figures.left
        countries, languages = (_shown(sums, petition.profile) for sums in (by_country, by_language))
    known = figures.counted + no_longer_known
    countries, languages = (
        shown if sum(n for _, n in shown) <= known else [] for shown in (countries, languages)
    )
    database.execute(
        "UPDATE signing_total SET published_countries = ?, published_languages = ?, published_no_longer_known = ?,"
        " countries_at = ?, countries_left = ? WHERE petition_id = ?",
        (json.dumps(countries), json.dumps(languages), no_longer_known, at, left, petition.id),
    )


def _sums(database: Database, petition_id: int, kind: str) -> dict[str, int]:
    return dict(
        database.query(
            "SELECT item, n FROM signing_bucket WHERE petition_id = ? AND kind = ? ORDER BY n DESC, item",
            (petition_id, kind),
        )
    )


def _shown(sums: dict[str, int], profile: Profile) -> list[tuple[str, int]]:
    """Return the numbers that the profile lets pages show: none that is too small, each rounded down."""
    least, step = profile.countries_from, profile.countries_round
    if least is None:
        return []
    return [(item, n // step * step) for item, n in sums.items() if item and n >= least]


def _names(database: Database, petition_id: int) -> list[str]:
    """Return names that signers of an open petition chose to show.

    They are chosen by the order of their commitments, which is random, so that they do not show who signed last.
    """
    rows = database.query(
        "SELECT s.display FROM signing_signature s WHERE s.petition_id = ? AND s.display IS NOT NULL"
        f" AND EXISTS (SELECT 1 FROM signing_log_index p WHERE {SAME_COMMITMENT}) ORDER BY s.commitment LIMIT {NAMES}",
        (petition_id,),
    )
    return sorted((row[0] for row in rows), key=str.casefold)
