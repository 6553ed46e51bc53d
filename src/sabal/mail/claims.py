"""Claim rows of the outbox for a while, and settle them after their emails were tried.

A claim counts the attempt before anything is tried, so that a row that kills the process is postponed too.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sabal import days
from sabal.database import Database, Row
from sabal.mail import traffic
from sabal.mail.answers import Answer
from sabal.mail.ids import SLOW, lane_range
from sabal.mail.traffic import End

CLAIM = 120  # seconds for which an email is claimed
# Seconds until the next attempt. The wait doubles at each attempt, and is randomly up to a quarter longer or shorter.
FIRST_WAIT, LONGEST_WAIT = 60, 6 * 3600
GIVE_UP = 21  # attempts: waits of 1, 2, 4 … 256 minutes, then 6 hours each, three days in total
HOUR = 3_600
STAYS = (End.LATER, End.UNREADABLE, End.UNSENT)  # the row stays, and the email is tried again


@dataclass(slots=True)
class Claimed:
    """A row that is claimed until `until` (Unix time in seconds; 0: no longer), with the result of sending it."""

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
    reminds: bool = False  # its reader may get it once more
    answer: Answer | None = None


# Called when emails were accepted, in the same commit, with the day (since 1970).
Accepted = Callable[[Database, Sequence[Claimed], int], None]
# Called with each email that was claimed, in the commit that settles it.
Ended = Callable[[Database, Claimed, float], None]


def _nothing(database: Database, email: Claimed, now: float) -> None:
    pass


# A claim or a wait that ends too far in the future was written before the clock was set back, and is ignored.
_DUE = "claimed_until NOT BETWEEN ? AND ? AND not_before NOT BETWEEN ? AND ?"
_NEXT = f"SELECT id FROM mail_email WHERE id BETWEEN ? AND ? AND {_DUE} ORDER BY id LIMIT ?"
# One email of each network, then a second of each, so that a flood from one network delays only its own emails. The
# first network is drawn anew each time, so that none is always the last.
_NEXT_FAIR = (
    "SELECT id FROM (SELECT id, network,"
    " ROW_NUMBER() OVER (PARTITION BY network ORDER BY id) AS turn"
    f" FROM mail_email WHERE id BETWEEN ? AND ? AND {_DUE}) AS waiting"
    " ORDER BY turn, CASE WHEN network >= ? THEN 0 ELSE 1 END, network LIMIT ?"
)
# Rows that another worker is claiming at this moment are skipped.
_CLAIM = (
    "UPDATE mail_email SET claimed_until = ?, attempts = attempts + 1"
    " WHERE id IN (SELECT id FROM mail_email WHERE {} AND " + _DUE + "{})"
    " RETURNING id, petition_id, kind, mail_key, sealed, attempts"
)


def claim(
    database: Database, lane: int, most: int, clock: Callable[[], float], chance: Callable[[], float]
) -> list[Claimed]:
    """Claim up to `most` due emails. After a crash they are free again when the claim ends."""
    for _ in range(10):  # another worker may have claimed the same rows first
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
    database: Database,
    tried: Sequence[Claimed],
    now: float,
    chance: Callable[[], float],
    accepted: Accepted,
    ended_of: Ended = _nothing,
) -> None:
    """Store the results of the emails in one commit. `ended_of` is called for each of them.

    It may be repeated: the second time does not find the rows that the first time deleted, so nothing is counted twice.
    """
    for email in tried:
        if email.end in (End.LATER, End.UNREADABLE) and email.attempts >= GIVE_UP:
            email.end = End.GIVEN_UP
    ended = [email for email in tried if email.end not in STAYS]
    with database.transaction():
        deleted = _delete(database, ended)
        counted = [email for email in ended if email.id in deleted] + [
            email
            for email in sorted(tried, key=lambda email: email.id)
            if email.end in STAYS and _put_back(database, email, int(now + _wait(email.attempts, chance())))
        ]
        if taken := [email for email in counted if email.end is End.ACCEPTED]:
            accepted(database, taken, days.number_at(now))
        for email in tried:
            ended_of(database, email, now)
        known = (email for email in counted if email.end is not End.WITHDRAWN)
        traffic.add(database, int(now // HOUR), Counter((email.provider, email.end) for email in known))


def _delete(database: Database, emails: Sequence[Claimed]) -> set[int]:
    """Delete the rows of emails that need no further attempt; return the ids that this call deleted."""
    if not emails:
        return set()
    where, params = database.among("id", [email.id for email in emails])
    inner = f"SELECT id FROM mail_email WHERE {where} ORDER BY id{database.for_update}"
    return {
        row[0] for row in database.query(f"DELETE FROM mail_email WHERE id IN ({inner}) RETURNING id", params)
    }


def _put_back(database: Database, email: Claimed, not_before: int) -> bool:
    """Let an email be tried again, and return whether its attempt counts."""
    if email.end is End.UNSENT:
        # The server was not told of this email, so the attempt that its claim counted is taken back.
        sql = "UPDATE mail_email SET claimed_until = 0, attempts = ? WHERE id = ? AND claimed_until = ?"
        database.execute(sql, (email.attempts - 1, email.id, email.until))
        return False
    sql = "UPDATE mail_email SET claimed_until = 0, not_before = ? WHERE id = ? AND claimed_until = ?"
    return database.execute(sql, (not_before, email.id, email.until)) == 1


def _wait(attempts: int, chance: float) -> float:
    """Return the seconds until the next attempt."""
    return min(FIRST_WAIT * 2.0 ** min(attempts - 1, 30), LONGEST_WAIT) * (0.75 + 0.5 * chance)
