"""The numbers of petitions that the desk shows. Those that public pages show are read from the same rows.

A guarded petition's numbers on the desk are those of its last batch, by week, and the small ones are left out, as on
public pages. Who works here, or has stolen a password, could else test an address: they would sign with it, and see
whether a number of this moment grows.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sabal import database as raw
from sabal import days, settings
from sabal.database import Database
from sabal.petitions.counts import Counts, all_counts
from sabal.petitions.definition import Definition
from sabal.petitions.growth import Step, Totals, complete, history_of
from sabal.petitions.models import Petition
from sabal.petitions.profile import PROFILES, Profile
from sabal.signing import sources
from sabal.signing.asked import asked

State = Petition.State
RATE_FROM = 100  # forms; of fewer, a rate says little, and each of them can be seen in it
BATCHES = 12  # on one page


@dataclass(frozen=True)
class Now:
    """Confirmed signatures that pages do not show yet: waiting for the next batch, and held for review by reason."""

    waiting: int
    held: tuple[tuple[int, int], ...]  # reason (signing/held.py) and number

    @property
    def all_held(self) -> int:
        """Return the number of signatures that are held, for any reason."""
        return sum(n for _, n in self.held)


@dataclass(frozen=True)
class Numbers:
    """The numbers of one petition. `now` is None and `asked` is rounded down if the petition is guarded."""

    profile: Profile
    counts: Counts
    history: tuple[Totals, ...]
    gathering: bool  # too few count to say where they are from
    languages: tuple[tuple[str, int], ...]
    asked: int
    sources: tuple[sources.FormSource, ...]  # none if the petition is guarded
    now: Now | None

    @property
    def shortest(self) -> Step:
        """Return the shortest step in which the history is shown."""
        return Step.WEEK if self.profile.guarded else Step.DAY

    @property
    def confirmed(self) -> int:
        """Return how many signatures were confirmed, with those that wait or are held if they are shown."""
        return self.counts.confirmed + (self.now.waiting + self.now.all_held if self.now else 0)

    @property
    def not_confirmed(self) -> int | None:
        """Return how many forms led to no signature. None: forms are known only of a part of its time."""
        return self.asked - self.confirmed if self.asked >= self.confirmed else None

    @property
    def other_forms(self) -> int:
        """Return how many forms came from an address without a word that is counted."""
        return self.asked - sum(one.forms for one in self.sources)

    @property
    def rate(self) -> int | None:
        """Return how many of 100 forms were confirmed. None: there are too few, or not all are known."""
        if self.asked < RATE_FROM or self.not_confirmed is None:
            return None
        return round(100 * self.confirmed / self.asked)

    def not_named(self, items: Sequence[tuple[str, int]]) -> int:
        """Return the number of signatures that a list of countries or languages lacks: too few, or not known."""
        return self.counts.counted + self.counts.no_longer_known - sum(n for _, n in items)


@dataclass(frozen=True)
class Batch:
    """One batch: its number, its day, the size of the log after it, and what it added. None: not known."""

    number: int
    day: date
    size: int
    confirmed: int | None
    withdrawn: int | None
    invalidated: int | None


def counts_by_petition() -> dict[int, Counts]:
    """Return the published numbers of every petition, by its id."""
    with connected() as database:
        return all_counts(database)


@contextmanager
def connected() -> Iterator[Database]:
    """Yield a raw connection: the hot tables have no models."""
    database = raw.connect()
    try:
        yield database
    finally:
        database.close()


def numbers_of(database: Database, petition: Petition, definition: Definition) -> Numbers:
    """Return the numbers of a petition that was published."""
    profile = PROFILES[definition.profile]
    counts = all_counts(database).get(petition.pk, Counts())
    shown_from = profile.gathering_below if settings.BATCH_EVERY is None else 0  # as on public pages
    history = [one for one in history_of(database, petition.pk) if one.counted >= shown_from]
    now = None if profile.guarded else _now(database, petition.pk, counts)
    # Before all forms, so that these are never fewer.
    words = [] if profile.guarded else sources.of_petition(database, petition.pk)
    forms = asked(database, petition.pk)
    return Numbers(
        profile=profile,
        counts=counts,
        history=complete(history, counts, petition.opened_on, _last_day(petition)),
        gathering=counts.counted < shown_from,
        languages=_languages(database, petition.pk),
        asked=forms // profile.countries_round * profile.countries_round,
        sources=tuple(words),
        now=now,
    )


def batches_of(
    database: Database, petition_id: int, before: int | None = None, limit: int = BATCHES
) -> list[Batch]:
    """Return the published batches before the one with the number `before`, the newest first."""
    rows = database.query(
        "SELECT b.number, b.day, b.size, b.confirmed, b.withdrawn, b.invalidated FROM ledger_batch b"
        " JOIN ledger_log l ON l.petition_id = b.petition_id"
        " WHERE b.petition_id = ? AND +b.size <= l.published_size AND b.number < ?"  # by number, not by size
        " ORDER BY b.number DESC LIMIT ?",
        (petition_id, 2**31 - 1 if before is None else before, limit + 1),
    )
    first = (None, None, None, 0, 0, 0)  # before the first batch
    following = [*rows[1:], first] if len(rows) <= limit else rows[1:]
    return [
        Batch(row[0], days.date_of(row[1]), row[2], *_added(row[3:], previous[3:]))
        for row, previous in zip(rows[:limit], following, strict=False)
    ]


def _added(after: tuple[int | None, ...], before: tuple[int | None, ...]) -> Iterator[int | None]:
    return (None if a is None or b is None else a - b for a, b in zip(after, before, strict=True))


def _last_day(petition: Petition) -> date:
    ended = petition.state in (State.CLOSED, State.FINALISED) and petition.closed_on
    return ended or datetime.now(UTC).date()


def _languages(database: Database, petition_id: int) -> tuple[tuple[str, int], ...]:
    rows = database.query(
        "SELECT published_languages FROM signing_total WHERE petition_id = ?", (petition_id,)
    )
    return tuple((language, n) for language, n in json.loads(rows[0][0])) if rows else ()


def _now(database: Database, petition_id: int, counts: Counts) -> Now:
    """Return what is confirmed beyond `counts`, which were read before, so that the numbers sum up."""
    # In one statement: the sequencer takes rows and counts them in one transaction.
    rows = database.query(
        "SELECT w.held, COUNT(w.held), t.confirmed FROM signing_total t"
        " LEFT JOIN signing_waiting w ON w.petition_id = t.petition_id WHERE t.petition_id = ?"
        " GROUP BY w.held, t.confirmed ORDER BY w.held",
        (petition_id,),
    )
    held = tuple((why, n) for why, n, _ in rows if why)
    ever = (rows[0][2] if rows else 0) + sum(n for _, n, _ in rows)
    return Now(ever - counts.confirmed - sum(n for _, n in held), held)
