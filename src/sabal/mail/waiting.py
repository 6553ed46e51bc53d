"""The queue of emails: how many wait, and how long the oldest has waited, in days. No time of day is stored."""

from dataclasses import dataclass

from sabal.database import Database
from sabal.mail.ids import NORMAL, SLOW, day_of, lane_range

MOST = 10_000  # more are not counted


@dataclass(frozen=True)
class Waiting:
    """The emails that wait: at most `MOST`, and the day (since 1970) on which the oldest was written."""

    number: int
    oldest: int | None


def waiting(database: Database) -> Waiting:
    """Return how many emails wait to be sent or tried again."""
    some = f"SELECT 1 FROM mail_email LIMIT {MOST}"
    number = int(database.query(f"SELECT COUNT(*) FROM ({some}) AS w")[0][0])
    firsts = [
        database.query("SELECT MIN(id) FROM mail_email WHERE id BETWEEN ? AND ?", lane_range(lane))[0][0]
        for lane in (NORMAL, SLOW)
    ]
    return Waiting(number, min((day_of(first) for first in firsts if first is not None), default=None))
