"""Claim recipients that are due, and settle them after their emails were tried.

A claim moves the row's due time ahead and counts the attempt, so that a row that kills the process is postponed too.
After a crash it is due again when the claim ends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sabal import days
from sabal.bounces.reasons import of_phrase
from sabal.bounces.take import refused
from sabal.database import Database, Row
from sabal.mailings import tables
from sabal.mailings.pace import Paces
from sabal.mailings.states import OPEN, State
from sabal.mailings.tables import Moved

CLAIM = 120  # seconds for which a recipient is claimed
FIRST_WAIT, LONGEST_WAIT = 60, 6 * 3600  # seconds until the next attempt; it doubles at each
GIVE_UP = 21  # attempts, in about three days

# What is due later than any wait can be was written before the clock was set back.
_DUE = "(due <= ? OR due > ?)"
_NEXT = f"SELECT id FROM mailings_recipient WHERE mailing_id = ? AND state < 2 AND {_DUE} ORDER BY due, id LIMIT ?"
_CLAIM = (
    "UPDATE mailings_recipient SET due = ?, attempts = attempts + 1"
    " WHERE id IN (SELECT id FROM mailings_recipient WHERE {} AND state < 2 AND " + _DUE + "{})"
    " RETURNING id, subscription_id, provider, language, state, attempts"
)


@dataclass(slots=True)
class ClaimedRecipient:
    """A recipient that is claimed until `until` (Unix time in seconds).

    `end` is the result of the attempt. None: the server was not told of it, so the attempt does not count.
    `too_fast`: the provider asked us to be slower.
    """

    id: int
    subscription_id: int
    provider: str
    language: str
    state: int
    attempts: int  # this one counted
    until: int
    end: State | None = None
    too_fast: bool = False
    reason: str = field(default="", repr=False)


def claim(
    database: Database, mailing: int, most: int, clock: Callable[[], float], limits: Mapping[str, int]
) -> list[ClaimedRecipient]:
    """Claim up to `most` due recipients of a mailing whose providers take emails now. The others are put off."""
    now = clock()
    due = [int(now), int(now) + 2 * LONGEST_WAIT]
    ids = [row[0] for row in database.query(_NEXT, (mailing, *due, most))]
    if not ids:
        return []
    where, params = database.among("id", ids)
    with database.transaction():
        rows = database.query(
            _CLAIM.format(where, database.for_update_of_free), [int(now) + CLAIM, *params, *due]
        )
        return _those_that_go(
            database, [_claimed(row, int(now) + CLAIM) for row in sorted(rows)], now, limits
        )


def _claimed(row: Row, until: int) -> ClaimedRecipient:
    recipient, subscription, provider, language, state, attempts = row
    return ClaimedRecipient(recipient, subscription, provider, language, state, attempts, until)


def _those_that_go(
    database: Database, claimed: Sequence[ClaimedRecipient], now: float, limits: Mapping[str, int]
) -> list[ClaimedRecipient]:
    paces = Paces(database, {one.provider for one in claimed}, limits)
    going = []
    for one in claimed:
        later = paces.go(one.provider, int(now * 1000))
        if later:
            database.execute(
                "UPDATE mailings_recipient SET due = ?, attempts = attempts - 1 WHERE id = ?",
                (-(-later // 1000), one.id),
            )
        else:
            going.append(one)
    paces.store()
    return going


def settle(
    database: Database,
    tried: Sequence[ClaimedRecipient],
    now: float,
    chance: Callable[[], float],
    limits: Mapping[str, int],
) -> None:
    """Store the results in one commit. It may be repeated: what is settled already is not counted again."""
    with database.transaction():
        open_now = _lock(database, [one.id for one in tried])
        paces = Paces(database, {one.provider for one in tried}, limits)
        for one in tried:
            if one.id not in open_now:
                continue
            was = open_now[one.id]
            if one.end in (None, State.DEFERRED) and was.due == one.until and was.state in OPEN:
                _put_back(database, one, now, chance())
            if one.too_fast:
                paces.complain(one.provider, int(now * 1000))
            elif one.end is State.ACCEPTED:
                paces.please(one.provider, int(now * 1000))
        for one in tried:
            if one.end is State.REFUSED and one.id in open_now:
                # A mailbox that is gone is emailed about no list any more, as if the email had come back.
                occasion = tables.mailing_of(one.id)
                refused(database, one.subscription_id, occasion, of_phrase(one.reason), days.number_at(now))
        end(database, {one.id: one.end for one in tried if one.end is not None}, open_now)
        paces.store()


class _Open(NamedTuple):
    state: int
    provider: str
    language: str
    due: int


def _lock(database: Database, ids: Sequence[int]) -> dict[int, _Open]:
    """Return those of the rows that have no result yet, and lock them in one order.

    An email may have been on its way when its mailing was cancelled.
    """
    where, params = database.among("id", sorted(ids))
    rows = database.query(
        "SELECT id, state, provider, language, due FROM mailings_recipient"
        f" WHERE {where} AND (state < 2 OR state = {State.CANCELLED:d}) ORDER BY id{database.for_update}",
        params,
    )
    return {row[0]: _Open(*row[1:]) for row in rows}


def end(database: Database, ends: Mapping[int, State], open_now: Mapping[int, _Open] | None = None) -> None:
    """Give recipients their states, inside the caller's transaction, with the sums. Those that have ended stay."""
    if not ends:
        return
    found = _lock(database, list(ends)) if open_now is None else open_now
    moved, by_state = [], dict[State, list[int]]()
    for recipient in sorted(found.keys() & ends.keys()):
        before, after = found[recipient], ends[recipient]
        if before.state != after and (before.state != State.CANCELLED or after == State.ACCEPTED):
            by_state.setdefault(after, []).append(recipient)
            moved.append(
                Moved(tables.mailing_of(recipient), before.provider, before.language, before.state, after)
            )
    for state, ids in sorted(by_state.items()):
        where, params = database.among("id", ids)
        database.execute(f"UPDATE mailings_recipient SET state = ? WHERE {where}", [int(state), *params])
    tables.move(database, moved)


def _put_back(database: Database, one: ClaimedRecipient, now: float, chance: float) -> None:
    """Let a recipient be tried again: after a wait, or at once if the server was not told of it."""
    if one.end is None:
        sql = "UPDATE mailings_recipient SET due = 0, attempts = attempts - 1 WHERE id = ?"
        database.execute(sql, (one.id,))
    elif one.attempts >= GIVE_UP:
        one.end = State.GIVEN_UP
    else:
        wait = min(FIRST_WAIT * 2.0 ** min(one.attempts - 1, 30), LONGEST_WAIT) * (0.75 + 0.5 * chance)
        database.execute("UPDATE mailings_recipient SET due = ? WHERE id = ?", (int(now + wait), one.id))
