"""The tables of recipients and of their numbers, in SQL: a row of each recipient, and sums that change with the rows.

A sum changes in the transaction that changes the rows, so the numbers of a report always add up.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sabal.database import Database
from sabal.mailings.states import State

SERIAL_BITS = 32  # of a recipient's id: the number of the mailing is above them


class SumKey(NamedTuple):
    """The key of one sum: mailing, provider, language and state."""

    mailing: int
    provider: str
    language: str
    state: int


def first_id(mailing: int) -> int:
    """Return the id before that of a mailing's first recipient."""
    return mailing << SERIAL_BITS


def mailing_of(recipient: int) -> int:
    """Return the mailing of a recipient."""
    return recipient >> SERIAL_BITS


def add(database: Database, changes: Mapping[SumKey, int]) -> None:
    """Add to the sums, inside the caller's transaction. In order, so that two workers cannot deadlock."""
    for part, n in sorted(changes.items()):
        if n:
            database.execute(
                "INSERT INTO mailings_sum (mailing_id, provider, language, state, n) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (mailing_id, provider, language, state) DO UPDATE SET n = mailings_sum.n + excluded.n",
                (*part[:3], int(part.state), n),
            )


class Moved(NamedTuple):
    """A recipient whose state changes."""

    mailing: int
    provider: str
    language: str
    before: int
    after: State


def move(database: Database, moved: Iterable[Moved]) -> None:
    """Move recipients from one state to another in the sums, inside the caller's transaction."""
    changes: Counter[SumKey] = Counter()
    for one in moved:
        changes[SumKey(one.mailing, one.provider, one.language, one.before)] -= 1
        changes[SumKey(one.mailing, one.provider, one.language, one.after)] += 1
    add(database, changes)


def sums(database: Database, mailing: int) -> Counter[SumKey]:
    """Return the numbers of a mailing's recipients."""
    rows = database.query(
        "SELECT mailing_id, provider, language, state, n FROM mailings_sum WHERE mailing_id = ?", (mailing,)
    )
    return Counter({SumKey(*row[:4]): int(row[4]) for row in rows if row[4]})
