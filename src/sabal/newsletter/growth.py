"""How a newsletter grew: who is subscribed since when, and how many left when and why. It names nobody."""

from collections import Counter
from dataclasses import dataclass

from sabal import days
from sabal.database import Database

_CONFIRMED = 2  # newsletter_subscription.state
BEFORE = 0  # the day of what is not known


def note_ended(database: Database, organisation: str, since: int | None, day: int | None, why: int) -> None:
    """Count one who left a newsletter, inside the caller's transaction. Days are since 1970; None: not known.

    `why` is a suppression.Why.
    """
    database.insert(
        "newsletter_ended",
        ("organisation", "since", "day", "why", "n"),
        [(organisation, since or BEFORE, day or BEFORE, int(why), 1)],
        on_conflict="(organisation, since, day, why) DO UPDATE SET n = newsletter_ended.n + 1",
    )


@dataclass(frozen=True)
class Month:
    """One month of a newsletter: its first day, who joined, who left by reason, and how many there were at its end."""

    first: str  # such as "2026-11"
    joined: int
    left: Counter[int]
    size: int


def months(database: Database, organisation: str, most: int = 12) -> list[Month]:
    """Return the newest months of an organisation's newsletter in which anything is known, the newest first.

    The sizes agree with each other: each is that of the month before, and who joined, without who left.
    """
    there = database.query(
        "SELECT COALESCE(since, 0), COUNT(*) FROM newsletter_subscription"
        f" WHERE organisation = ? AND petition_id = 0 AND state = {_CONFIRMED} GROUP BY 1",
        (organisation,),
    )
    ended = database.query(
        "SELECT since, day, why, n FROM newsletter_ended WHERE organisation = ?", (organisation,)
    )
    joined, left = Counter[str](), dict[str, Counter[int]]()
    for since, n in [*there, *((since, n) for since, _, _, n in ended)]:
        joined[_month(since)] += n
    for _, day, why, n in ended:
        left.setdefault(_month(day), Counter())[why] += n
    size, found = 0, []
    for month in sorted({*joined, *left}):
        gone = left.get(month, Counter())
        size += joined[month] - gone.total()
        found.append(Month(month, joined[month], gone, size))
    return [one for one in found if one.first][::-1][:most]


def _month(day: int) -> str:
    """Return the month of a day; empty, and so before all others, if it is not known."""
    return f"{days.date_of(day):%Y-%m}" if day else ""
