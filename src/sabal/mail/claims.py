"""Claims: how rows of the outbox become ours for a while, and where they go when their emails were tried.

A claim moves a row's attempt up before anything is tried, so a row that kills the process is pushed ahead too.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sabal import days
from sabal.database import Database, Row
from sabal.mail import traffic
from sabal.mail.ids import SLOW, lane_range
from sabal.mail.traffic import End

CLAIM = 120  # seconds a claimed email is ours
FIRST_WAIT, LONGEST_WAIT = 60, 6 * 3600  # seconds; doubled at each attempt, a quarter more or less by chance
GIVE_UP = 21  # attempts: waits of 1, 2, 4 … 256 minutes, then 6 hours each, three days in all
HOUR = 3_600
_STAYS = (End.LATER, End.UNREADABLE, End.UNSENT)

# What else happens when emails were accepted, in the same commit: given their tokens and the day (since 1970).
Accepted = Callable[[Database, Sequence[str], int], None]


@dataclass(slots=True)
class Claimed:
    """A row of ours until `until` (0: ours no more); what sending it gave is written beside it."""

    id: int
    petition_id: int | None
    kind: int
    day: int
    sealed: bytes
    attempts: int  # this one counted
    until: int
    end: End = End.UNSENT
    provider: str = "unknown"
    token: str = field(default="", repr=False)


# A claim or a wait further ahead than one can be is from a clock that has since been set back, and does not
# hold.
_DUE = "claimed_until NOT BETWEEN ? AND ? AND not_before NOT BETWEEN ? AND ?"
_NEXT = f"SELECT id FROM mail_email WHERE id BETWEEN ? AND ? AND {_DUE} ORDER BY id LIMIT ?"
# One of each network, then a second of each: a flood from one place waits behind its own emails only. Where
# it begins is drawn anew each time, so that no network is always the last.
_NEXT_FAIR = (
    "SELECT id FROM (SELECT id, network,"
    " ROW_NUMBER() OVER (PARTITION BY network ORDER BY id) AS turn"
    f" FROM mail_email WHERE id BETWEEN ? AND ? AND {_DUE}) AS waiting"
    " ORDER BY turn, CASE WHEN network >= ? THEN 0 ELSE 1 END, network LIMIT ?"
)
# What another worker is claiming at this moment is left to it.
_CLAIM = (
    "UPDATE mail_email SET claimed_until = ?, attempts = attempts + 1"
    " WHERE id IN (SELECT id FROM mail_email WHERE {} AND " + _DUE + "{})"
    " RETURNING id, petition_id, kind, mail_key, sealed, attempts"
)


def claim(
    database: Database, lane: int, most: int, clock: Callable[[], float], chance: Callable[[], float]
) -> list[Claimed]:
    """Make up to `most` due emails ours. A crash after the commit: they are free again when the claim runs
    out."""
    for _ in range(10):  # another worker may have been quicker with the same rows
        now = int(clock())
        due = [now + 1, now + 2 * CLAIM, now + 1, now + 2 * LONGEST_WAIT]
        if lane == SLOW:
            rows = database.query(_NEXT_FAIR, [*lane_range(lane), *due, int(chance() * 65_536), most])
        else:
            rows = database.query(_NEXT, [*lane_range(lane), *due, most])
        if not rows:
            return []
        order = [row[0] for row in rows]
        where, params = database.among("id", order)
        with database.transaction():
            ours = database.query(
                _CLAIM.format(where, database.for_update_of_free), [now + CLAIM, *params, *due]
            )
        if ours:
            by_id = {row[0]: _claimed(row, now + CLAIM) for row in ours}
            return [by_id[i] for i in order if i in by_id]
    return []


def _claimed(row: Row, until: int) -> Claimed:
    email_id, petition_id, kind, day, sealed, attempts = row
    return Claimed(email_id, petition_id, kind, day, bytes(sealed), attempts, until)


def settle(
    database: Database, tried: Sequence[Claimed], now: float, chance: Callable[[], float], accepted: Accepted
) -> None:
    """Write down what became of the emails, in one commit. It may be repeated: rows that the first time
    took are not found by the second, so nothing is counted twice."""
    for email in tried:
        if email.end in (End.LATER, End.UNREADABLE) and email.attempts >= GIVE_UP:
            email.end = End.GIVEN_UP
    over = [email for email in tried if email.end not in _STAYS]
    with database.transaction():
        gone = _delete(database, over)
        moved = [email for email in over if email.id in gone] + [
            email
            for email in sorted(tried, key=lambda email: email.id)
            if email.end in _STAYS and _put_back(database, email, int(now + _wait(email.attempts, chance())))
        ]
        if tokens := [email.token for email in moved if email.end is End.ACCEPTED]:
            accepted(database, tokens, days.number_at(now))
        traffic.add(database, int(now // HOUR), Counter((email.provider, email.end) for email in moved))


def _delete(database: Database, emails: Sequence[Claimed]) -> set[int]:
    """Delete the rows of emails that have come to their end; the ids of those that this call deleted."""
    if not emails:
        return set()
    where, params = database.among("id", [email.id for email in emails])
    inner = f"SELECT id FROM mail_email WHERE {where} ORDER BY id{database.for_update}"
    return {
        row[0] for row in database.query(f"DELETE FROM mail_email WHERE id IN ({inner}) RETURNING id", params)
    }


def _put_back(database: Database, email: Claimed, not_before: int) -> bool:
    """Let an email be tried again; whether its attempt counts."""
    if email.end is End.UNSENT:
        # Nobody spoke of this email, so the attempt that its claim counted is given back.
        sql = "UPDATE mail_email SET claimed_until = 0, attempts = ? WHERE id = ? AND claimed_until = ?"
        database.execute(sql, (email.attempts - 1, email.id, email.until))
        return False
    sql = "UPDATE mail_email SET claimed_until = 0, not_before = ? WHERE id = ? AND claimed_until = ?"
    return database.execute(sql, (not_before, email.id, email.until)) == 1


def _wait(attempts: int, chance: float) -> float:
    """Seconds until the next attempt."""
    return min(FIRST_WAIT * 2.0 ** min(attempts - 1, 30), LONGEST_WAIT) * (0.75 + 0.5 * chance)
