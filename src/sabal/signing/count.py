"""Count: what was confirmed since the last batch, in the transactions in which it enters the public log.

Never `+1` per signature and never COUNT(*) per view. The sequencer (ledger/sequencer.py) takes a batch in transactions
of at most 500 rows, so that signing never waits for it; the numbers that are shown move once, with the checkpoint that
is shown. So pages and log cannot disagree.
"""

import json
from dataclasses import dataclass

from sabal import days
from sabal.database import Database, Row
from sabal.petitions.profile import Profile
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.leave import WITHDRAWN
from sabal.signing.writer.log_index import CHUNK, add, enter_new, take
from sabal.signing.writer.rows import AT, locked

NAMES = 200  # so many a page shows at the most
_MOST = 32  # no rule asks whether more than this many wait


@dataclass(frozen=True)
class Taken:
    """What one transaction took: commitments in their order, and up to which C it looked; None at the end."""

    commitments: list[bytes]
    reached: bytes | None


@dataclass(frozen=True)
class Revoked:
    """A sequenced signature that counts no more: where it stands, and why (docs/log-format.md "Reasons")."""

    index: int
    reason: int


def batch_is_due(
    database: Database, petition: PetitionSnapshot, now: float, every: float | None = None
) -> bool:
    """Whether the profile's rules call for a batch; `now` in Unix seconds.

    `every` (development only) replaces them: so many seconds, from one signature on.
    """
    waited = now - _batch_at(database, petition.id)
    signatures = _waiting(database, "signed", petition.id, now)
    others = sum(_waiting(database, what, petition.id, now) for what in ("withdrawn", "linked"))
    if waited < 0:  # the clock went back: count rather than wait for it to catch up
        return signatures + others > 0
    if every is not None:
        return waited >= every and signatures + others > 0
    profile = petition.profile
    # Withdrawals ride with signatures; only when none come for the longest wait do they go alone.
    return profile.batch_is_due(waited, signatures) or (waited >= profile.longest_wait and others > 0)


def is_waiting(database: Database, petition_id: int) -> bool:
    """Whether any signature, held or not, waits to enter the log."""
    return bool(database.query("SELECT 1 FROM signing_waiting WHERE petition_id = ? LIMIT 1", (petition_id,)))


def waits(database: Database, petition_id: int) -> int:
    """How many signatures, held or not, wait to enter the log."""
    rows = database.query("SELECT COUNT(*) FROM signing_waiting WHERE petition_id = ?", (petition_id,))
    return int(rows[0][0])


def let_pass(database: Database, petition: PetitionSnapshot, now: float) -> None:
    """Let the longest wait begin anew where it ended and nobody came.

    Else the first signature after a quiet time would be in the log at once, and its moment for all to see.
    """
    wait = petition.profile.longest_wait
    if petition.profile.guarded and now - _batch_at(database, petition.id) >= wait:
        database.execute(
            "UPDATE signing_total SET batch_at = ? WHERE petition_id = ? AND batch_at <= ?",
            (int(now), petition.id, int(now) - wait),
        )


def take_signatures(database: Database, petition_id: int, now: float, *, after: bytes, first: int) -> Taken:
    """Count some of what waits behind the commitment `after`, and give it places in the log from `first` on.

    Inside the caller's transaction. What was withdrawn meanwhile was promised too: it comes among the others.
    """
    today = days.number_at(now)
    rows = take(database, petition_id, "(held = 0 OR held_until <= ?) AND commitment > ?", (today, after))
    if not rows:
        return Taken([], None)
    entered = enter_new(database, petition_id, [row[0] for row in rows], first)
    new = set(entered)
    add(database, petition_id, today, [(country, language) for c, country, language in rows if c in new])
    database.execute(
        "UPDATE signing_total SET confirmed = confirmed + ? WHERE petition_id = ?", (len(new), petition_id)
    )
    return Taken(entered, reached=rows[-1][0])


def take_revoked(database: Database, petition_id: int) -> list[Revoked]:
    """Count some of those that stand in the log and count no more; empty when all are. In the caller's transaction."""
    rows = database.query(
        "SELECT s.commitment, p.idx, s.reason FROM signing_withdrawal s CROSS JOIN signing_log_index p"
        f" WHERE {AT} AND s.petition_id = ? AND s.revoked = 0 ORDER BY s.commitment LIMIT {CHUNK}",
        (petition_id,),
    )
    if not rows:
        return []
    where, params = database.among("commitment", [bytes(row[0]) for row in rows])
    database.execute(f"UPDATE signing_withdrawal SET revoked = 1 WHERE {where}", params)
    withdrawn = sum(1 for row in rows if row[2] == WITHDRAWN)
    database.execute(
        "UPDATE signing_total SET withdrawn = withdrawn + ?, invalidated = invalidated + ? WHERE petition_id = ?",
        (withdrawn, len(rows) - withdrawn, petition_id),
    )
    return [Revoked(row[1], row[2]) for row in rows]


def end_batch(database: Database, petition_id: int, now: float) -> None:
    """Let the wait for the next batch begin; inside the transaction that signs this one."""
    database.execute("UPDATE signing_total SET batch_at = ? WHERE petition_id = ?", (int(now), petition_id))


def show(database: Database, petition: PetitionSnapshot, now: float) -> None:
    """Let pages show the numbers as they are; inside the transaction that lets a checkpoint be shown."""
    today, profile = days.number_at(now), petition.profile
    countries_day = database.query(
        "SELECT countries_day FROM signing_total WHERE petition_id = ?", (petition.id,)
    )[0][0]
    if (today - countries_day) * days.SECONDS >= profile.countries_every:
        database.execute(
            "UPDATE signing_total SET shown_countries = ?, countries_day = ? WHERE petition_id = ?",
            (json.dumps(_countries(database, petition.id, profile)), today, petition.id),
        )
    if petition.definition.fields.display:
        database.execute(
            "UPDATE signing_total SET shown_names = ? WHERE petition_id = ?",
            (json.dumps(_names(database, petition.id), ensure_ascii=False), petition.id),
        )
    # A second link ages as a new signature's would, or its page would tell that its mailbox had signed before.
    young = locked(database, "signing_access", "petition_id = ? AND counted_on IS NULL")
    database.execute(
        f"UPDATE signing_access SET counted_on = ? WHERE {young}",
        (today, petition.id),
    )
    database.execute(
        "UPDATE signing_total SET shown_confirmed = confirmed, shown_withdrawn = withdrawn,"
        " shown_invalidated = invalidated WHERE petition_id = ?",
        (petition.id,),
    )


def take_names_down(database: Database, petition_id: int) -> None:
    """Show no names any more; the numbers stay."""
    database.execute("UPDATE signing_total SET shown_names = '[]' WHERE petition_id = ?", (petition_id,))


def _batch_at(database: Database, petition_id: int) -> float:
    rows = database.query("SELECT batch_at FROM signing_total WHERE petition_id = ?", (petition_id,))
    return float(rows[0][0]) if rows else float("inf")


# What waits for a batch: in which table, and which rows of it.
_WAITS = {
    "signed": ("signing_waiting", "(held = 0 OR held_until <= ?)"),
    "withdrawn": ("signing_withdrawal", "revoked = 0"),
    "linked": ("signing_access", "counted_on IS NULL"),
}


def _waiting(database: Database, what: str, petition_id: int, now: float) -> int:
    table, condition = _WAITS[what]
    params = [petition_id, days.number_at(now)] if "?" in condition else [petition_id]
    sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE petition_id = ? AND {condition} LIMIT {_MOST}) AS w"
    return int(database.query(sql, params)[0][0])


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
        "SELECT s.display FROM signing_signature s WHERE s.petition_id = ? AND s.display IS NOT NULL"
        f" AND EXISTS (SELECT 1 FROM signing_log_index p WHERE {AT}) ORDER BY s.commitment LIMIT {NAMES}",
        (petition_id,),
    )
    return sorted((row[0] for row in rows), key=str.casefold)
