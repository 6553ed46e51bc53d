"""The outbox: letters are rows first, written in the same commit as what caused them, and sent from here.

A crash at any point costs at most a repeated letter, never a lost one: a row goes only after the server has
taken its letter. A claim moves a row's attempt up before anything is tried, so a row that kills the process
is pushed ahead too.
"""

import json
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sabal.database import Database, Row
from sabal.keys.house import House, KeyMissing, mail_key_name, unseal
from sabal.mail import letters
from sabal.mail.answers import Answer, Outcome, Trouble
from sabal.mail.ids import lane_range
from sabal.mail.providers import provider_of
from sabal.mail.transport import Transport
from sabal.mail.wire import wire_address
from sabal.petitions.definition import Definition
from sabal.signing import token

log = logging.getLogger("sabal.mail")

CLAIM = 120  # seconds a claimed letter is ours
CLAIM_LEFT = 60  # with less of the claim left than this, no further letter is begun
CHUNK = 50  # letters claimed at once
SETTLE_LETTERS, SETTLE_SECONDS = 25, 0.25  # what a crash may repeat, against one flush for each letter
# Letters lost or refused in a row, after which the server gets a rest. A refusal costs nobody any time, and
# one provider may refuse us while the others don't.
IN_A_ROW = {Trouble.LOST: 3, Trouble.REFUSED: 10}
FIRST_WAIT, LONGEST_WAIT = 60, 6 * 3600  # seconds; doubled at each attempt, a quarter more or less by chance
GIVE_UP = 21  # attempts: waits of 1, 2, 4 … 256 minutes, then 6 hours each, three days in all
PENDING_DAYS = 7
ROWS = 200  # in one transaction of the worker

NORMAL, SLOW = 0, 1
DAY, HOUR = 86_400, 3_600


class End(StrEnum):
    """What became of a letter, in the words of `mail_traffic.outcome`. All but the last three take the
    row."""

    ACCEPTED = "accepted"
    NEVER = "never"
    GIVEN_UP = "given-up"
    LOST_KEY = "lost-key"
    EXPIRED = "expired"
    LATER = "later"
    UNREADABLE = "unreadable"
    UNSENT = "unsent"


@dataclass
class Report:
    """What one call of `send_due` did: letters by their end, how many answers said that the server won't have
    us, and the trouble that stopped it early (then the caller waits before it tries again). `reason` is the
    last trouble in a phrase of ours, without personal data."""

    ends: Counter[End] = field(default_factory=Counter)
    refused: int = 0
    trouble: Trouble = Trouble.NONE
    reason: str = ""

    @property
    def accepted(self) -> int:
        """Letters that the server took."""
        return self.ends[End.ACCEPTED]

    @property
    def handled(self) -> int:
        """Letters that were tried or ended; 0 means that nothing was due or nothing could be sent."""
        return sum(n for end, n in self.ends.items() if end is not End.UNSENT)


class _Published(Protocol):
    @property
    def definition(self) -> Definition: ...


class Petitions(Protocol):
    """Where the outbox looks petitions up: `petitions.snapshot.Snapshots`."""

    def by_id(self, petition_id: int) -> _Published | None: ...


def send_due(
    database: Database,
    house: House,
    transport: Transport,
    clock: Callable[[], float],
    *,
    petitions: Petitions,
    head: letters.Letterhead | None = None,
    limit: int = 500,
    slow_limit: int = 50,
    should_stop: Callable[[], bool] = lambda: False,
    chance: Callable[[], float] = random.random,
    pause: Callable[[float], None] = time.sleep,
) -> Report:
    """Send what is due: at most `limit` letters of the normal lane, then at most `slow_limit` of the slow
    one.

    `clock` gives Unix time; `should_stop` is asked before each letter; `chance` gives numbers in [0, 1).
    Raises the driver's errors (what was claimed is free again when the claim has run out) and KeyMissing
    where the house key does not open a mail key that is there. Any number of workers may run this at once.
    """
    run = _Run(
        database, house, transport, clock, petitions, head or letters.Letterhead(), should_stop, chance, pause
    )
    for lane, left in ((NORMAL, limit), (SLOW, slow_limit)):
        while left > 0 and not run.over and (claimed := _claim(database, lane, min(CHUNK, left), run)):
            run.deliver(claimed)
            left -= len(claimed)
    if run.report.refused:
        log.error("mail refused: %s; letters wait until it is mended", run.report.reason)
    elif run.report.trouble is not Trouble.NONE:
        log.warning("mail stands still: %s", run.report.reason)
    return run.report


@dataclass(slots=True)
class _Claimed:
    """A row of ours until `until`; what sending it gave is written beside it."""

    id: int
    petition_id: int | None
    kind: int
    day: int
    sealed: bytes
    attempts: int  # this one counted
    until: int
    end: End = End.UNSENT
    provider: str = "unknown"
    token_hash: bytes | None = None


# A claim or a wait further ahead than one can be is from a clock that has since been set back, and does not
# hold.
_DUE = "claimed_until NOT BETWEEN ? AND ? AND not_before NOT BETWEEN ? AND ?"
_NEXT = f"SELECT id FROM mail_letter WHERE id BETWEEN ? AND ? AND {_DUE} ORDER BY id LIMIT ?"
# One of each network, then a second of each: a flood from one place waits behind its own letters only. Where
# it begins is drawn anew each time, so that no network is always the last.
_NEXT_FAIR = (
    "SELECT id FROM (SELECT id, network,"
    " ROW_NUMBER() OVER (PARTITION BY network ORDER BY id) AS turn"
    f" FROM mail_letter WHERE id BETWEEN ? AND ? AND {_DUE}) AS waiting"
    " ORDER BY turn, CASE WHEN network >= ? THEN 0 ELSE 1 END, network LIMIT ?"
)
_CLAIM = f"UPDATE mail_letter SET claimed_until = ?, attempts = attempts + 1 WHERE id = ? AND {_DUE}"
_READ = "SELECT id, petition_id, kind, mail_key, sealed, attempts FROM mail_letter WHERE "


def _claim(database: Database, lane: int, most: int, run: "_Run") -> list[_Claimed]:
    """Make up to `most` due letters ours. A crash after the commit: they are free again when the claim runs
    out."""
    for _ in range(10):  # another worker may have been quicker with the same rows
        now = int(run.clock())
        due = [now + 1, now + 2 * CLAIM, now + 1, now + 2 * LONGEST_WAIT]
        if lane == SLOW:
            rows = database.query(_NEXT_FAIR, [*lane_range(lane), *due, int(run.chance() * 65_536), most])
        else:
            rows = database.query(_NEXT, [*lane_range(lane), *due, most])
        if not rows:
            return []
        with database.transaction():
            # Always in the same order, or two workers on PostgreSQL could wait for each other.
            ours = {
                i
                for i in sorted(row[0] for row in rows)
                if database.execute(_CLAIM, [now + CLAIM, i, *due]) == 1
            }
            where, params = database.among("id", sorted(ours))
            read = database.query(_READ + where, params) if ours else []
        if ours:
            by_id = {row[0]: _claimed(row, now + CLAIM) for row in read}
            return [by_id[i] for (i,) in rows if i in by_id]
    return []


def _claimed(row: Row, until: int) -> _Claimed:
    letter_id, petition_id, kind, day, sealed, attempts = row
    return _Claimed(letter_id, petition_id, kind, day, bytes(sealed), attempts, until)


@dataclass
class _Run:
    """One call of `send_due`."""

    database: Database
    house: House
    transport: Transport
    clock: Callable[[], float]
    petitions: Petitions
    head: letters.Letterhead
    should_stop: Callable[[], bool]
    chance: Callable[[], float]
    pause: Callable[[float], None]
    report: Report = field(default_factory=Report)
    keys: dict[int, bytes | None] = field(default_factory=dict)
    bad_in_a_row: int = 0
    stuck: bool = False  # nothing can be written down

    @property
    def over(self) -> bool:
        return self.report.trouble is not Trouble.NONE or self.should_stop()

    def deliver(self, claimed: Sequence[_Claimed]) -> None:
        """Try one letter after the other; whatever happens, what was accepted is settled and the rest
        freed."""
        done: list[_Claimed] = []
        settled_at, tried = self.clock(), 0
        try:
            for letter in claimed:
                if self.over or self.clock() > letter.until - CLAIM_LEFT:
                    break
                tried += 1
                done.append(letter)
                self._try(letter)
                if len(done) >= SETTLE_LETTERS or self.clock() - settled_at >= SETTLE_SECONDS:
                    self._settle(done)
                    done, settled_at = [], self.clock()
        finally:
            if not self.stuck:
                self._settle([*done, *claimed[tried:]])

    def _try(self, letter: _Claimed) -> None:
        """Open, render, send. Sets the letter's end."""
        if letter.attempts > GIVE_UP:
            # Only a row whose every attempt died with its process comes here.
            letter.end = End.GIVEN_UP
            return
        key = self._key(letter.day)
        if key is None:
            letter.end = End.LOST_KEY
            return
        letter.end = End.UNREADABLE
        try:
            self._send(letter, key)
        except Exception as error:
            # Pushed ahead before anything else is done about it: one bad row stops no queue.
            self._settle([letter])
            log.error("a letter can't be sent: %s at %s", type(error).__name__, _place(error))

    def _key(self, day: int) -> bytes | None:
        if day not in self.keys:
            try:
                self.keys[day] = self.house.mail_key(self.database, day)
            except KeyMissing:
                # With the row there it is the house key that is wrong, and the letters must wait for the
                # right one.
                if self.database.query("SELECT 1 FROM keys_key WHERE name = ?", (mail_key_name(day),)):
                    raise
                self.keys[day] = None
                log.error("letters are dropped: the mail key of their day is gone")
        return self.keys[day]

    def _send(self, letter: _Claimed, key: bytes) -> None:
        opened = _open(letter, key)
        petition = None
        if letter.petition_id:  # 0, like no value, is the house itself
            published = self.petitions.by_id(letter.petition_id)
            if published is None:
                raise LookupError("no such petition")
            petition = published.definition
        message = letters.render(opened, petition, self.head, self.clock())
        answer = self.transport.send(message, wire_address(opened.to))
        letter.end = End(answer.outcome.value)
        self._heed(answer)

    def _heed(self, answer: Answer) -> None:
        """Stop the run where the answer speaks of the way out, at once or when it goes on."""
        if answer.trouble is Trouble.NONE:
            self.bad_in_a_row = 0
            return
        self.bad_in_a_row += 1
        self.report.refused += answer.trouble is Trouble.REFUSED
        self.report.reason = answer.reason
        if answer.outcome is Outcome.UNSENT or self.bad_in_a_row >= IN_A_ROW.get(answer.trouble, 1):
            self.report.trouble = answer.trouble

    def _settle(self, done: Sequence[_Claimed]) -> None:
        """Write down what became of the letters, in one commit. It may be repeated: rows that the first time
        took are not found by the second, so nothing is counted twice."""
        waiting = [letter for letter in done if letter.until]
        if not waiting:
            return
        for letter in waiting:
            if letter.end in (End.LATER, End.UNREADABLE) and letter.attempts >= GIVE_UP:
                letter.end = End.GIVEN_UP
        for wait in (0.2, 2.0, None):
            try:
                self._write(waiting)
                break
            except Exception:
                # Letters that were accepted go out again if this is not written, so it is worth some
                # patience.
                if wait is None:
                    self.stuck = True
                    raise
                self.pause(wait)
        for letter in waiting:
            self.report.ends[letter.end] += 1
            letter.until = 0  # ours no more

    def _write(self, done: Sequence[_Claimed]) -> None:
        now = self.clock()
        traffic: Counter[tuple[str, str]] = Counter()
        with self.database.transaction():
            for letter in sorted(done, key=lambda letter: letter.id):
                if _move(self.database, letter, int(now + _wait(letter.attempts, self.chance()))):
                    traffic[letter.provider, letter.end.value] += 1
                    if letter.token_hash and letter.end is End.ACCEPTED:
                        _set_expiry(self.database, letter.token_hash, int(now // DAY))
            count_ends(self.database, int(now // HOUR), traffic)


def _move(database: Database, letter: _Claimed, not_before: int) -> bool:
    """Move one row to where its end puts it; whether this call did so."""
    if letter.end is End.UNSENT:
        # Nobody spoke of this letter, so the attempt that its claim counted is given back.
        sql = "UPDATE mail_letter SET claimed_until = 0, attempts = ? WHERE id = ? AND claimed_until = ?"
        database.execute(sql, (letter.attempts - 1, letter.id, letter.until))
        return False
    if letter.end in (End.LATER, End.UNREADABLE):
        sql = "UPDATE mail_letter SET claimed_until = 0, not_before = ? WHERE id = ? AND claimed_until = ?"
        return database.execute(sql, (not_before, letter.id, letter.until)) == 1
    return database.execute("DELETE FROM mail_letter WHERE id = ?", (letter.id,)) == 1


def _set_expiry(database: Database, token_hash: bytes, today: int) -> None:
    # A day more, since today has begun: seven whole days. Where no letter was accepted, the row ends by the
    # later day that signing gave it.
    database.execute(
        "UPDATE signing_pending SET expires = ? WHERE token_hash = ?", (today + PENDING_DAYS + 1, token_hash)
    )


def count_ends(database: Database, hour: int, traffic: Counter[tuple[str, str]]) -> None:
    for (provider, outcome), n in sorted(traffic.items()):
        database.execute(
            "INSERT INTO mail_traffic (hour, provider, outcome, n) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (hour, provider, outcome) DO UPDATE SET n = mail_traffic.n + excluded.n",
            (hour, provider, outcome, n),
        )


def _wait(attempts: int, chance: float) -> float:
    """Seconds until the next attempt."""
    return min(FIRST_WAIT * 2.0 ** min(attempts - 1, 30), LONGEST_WAIT) * (0.75 + 0.5 * chance)


def _open(letter: _Claimed, key: bytes) -> letters.Letter:
    """The letter in clear; notes its provider and, for a signature, H(t). Raises KeyMissing, ValueError,
    KeyError."""
    content = json.loads(unseal(key, letter.sealed, b"letter"))
    letter.provider = provider_of(content["to"])
    raw = token.decode(content["token"])
    if raw is None:
        raise ValueError("a letter without a token")
    if letter.kind != letters.CONFIRM_NEWSLETTER:
        letter.token_hash = token.digest(raw)
    return letters.Letter(
        letter.id,
        letter.kind,
        content["to"],
        content["lang"],
        content["token"],
        content.get("unsubscribe", ""),
    )


def _place(error: Exception) -> str:
    """File and line where it was raised, without its text: addresses stand in texts."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        "?" if trace is None else f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
    )
