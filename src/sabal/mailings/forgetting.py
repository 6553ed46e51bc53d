"""Delete the record of who got which mailing, in parts: of people who have left, and of mailings that ended long ago.

The search reads the recipients of 90 days. So it runs in the thread of the mailings, one part before each round, and
does not take the locks of counting and tidying. It needs neither a key nor the mail server. An error in sending does
not stop it, nor the other way round; an error of the database stops both. Each commit deletes at most `CHUNK` rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sabal import days
from sabal.database import Database, Row
from sabal.keys.keyring import was_up
from sabal.mailings import tables
from sabal.mailings.audience import CHUNK
from sabal.mailings.states import State
from sabal.mailings.tables import Moved

KEPT = 90 * 86_400  # seconds after the end of a mailing for which the rows of its recipients are kept
EVERY = 3_600  # seconds from the end of one search to the next
_ENDED = (
    "SELECT id, ended_at FROM mailings_mailing WHERE ended_at IS NOT NULL AND forgotten_at IS NULL AND id >= ?"
    " ORDER BY id LIMIT 1"
)
_PART = (
    "SELECT r.id, r.provider, r.language, r.state, r.subscription_id, s.id FROM mailings_recipient r"
    " LEFT JOIN newsletter_subscription s ON s.id = r.subscription_id"
    " WHERE r.id > ? AND r.id < ? ORDER BY r.id LIMIT ?"
)


@dataclass
class Forgetting:
    """A search through the recipients of all mailings that have ended.

    Several processes may search at the same time: a row is deleted, and counted as that of a person who left, once.
    """

    after: int = 0  # id of the last recipient that was looked at
    next_at: float = float("-inf")  # Unix time (seconds)

    def part(self, database: Database, now: float) -> bool:
        """Look at some recipients, if a search is due; return whether there are more to look at.

        The sums stay. The desk does not send the text of a mailing again whose rows are gone
        (`control.repeats_forgotten`).
        """
        if now < self.next_at <= now + EVERY:
            return False
        # A clock that is far ahead would delete everything. A server that was down waits a day.
        if was_up(database, days.number_at(now) - 1):
            for mailing, ended_at in database.query(_ENDED, (tables.mailing_of(self.after),)):
                self._look_at(database, mailing, ended_at, int(now))
                return True
        self.after, self.next_at = 0, now + EVERY
        return False

    def _look_at(self, database: Database, mailing: int, ended_at: int, now: int) -> None:
        after = max(self.after, tables.first_id(mailing))
        following = tables.first_id(mailing + 1)
        rows = database.query(_PART, (after, following, CHUNK))
        left = [row for row in rows if row[3] >= State.ACCEPTED and row[5] is None]
        _forget_those_who_left(database, mailing, left)
        is_over = now - ended_at > KEPT
        if is_over:
            _delete(database, [row[0] for row in rows])
        if len(rows) == CHUNK:
            self.after = rows[-1][0]
            return
        if is_over:
            database.execute(
                "UPDATE mailings_mailing SET forgotten_at = ? WHERE id = ? AND forgotten_at IS NULL",
                (now, mailing),
            )
        self.after = following


def _forget_those_who_left(database: Database, mailing: int, rows: Sequence[Row]) -> None:
    """Count recipients whose subscription is gone as such, if this was the last mailing that they got."""
    if not rows:
        return
    where, params = database.among("subscription_id", [row[4] for row in rows])
    later = {
        row[0]
        for row in database.query(
            f"SELECT subscription_id FROM mailings_recipient WHERE mailing_id > ? AND state = ? AND {where}",
            (mailing, int(State.ACCEPTED), *params),
        )
    }
    with database.transaction():
        where, params = database.among("id", [row[0] for row in rows])
        deleted = {
            row[0]
            for row in database.query(f"DELETE FROM mailings_recipient WHERE {where} RETURNING id", params)
        }
        tables.move(
            database,
            [
                Moved(mailing, provider, language, state, State.UNSUBSCRIBED)
                for row_id, provider, language, state, subscription, _ in rows
                if row_id in deleted and state == State.ACCEPTED and subscription not in later
            ],
        )


def _delete(database: Database, recipients: Sequence[int]) -> None:
    if recipients:
        where, params = database.among("id", recipients)
        with database.transaction():
            database.execute(f"DELETE FROM mailings_recipient WHERE {where}", params)
