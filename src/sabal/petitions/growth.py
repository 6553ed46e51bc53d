"""How the published numbers of a petition grew: by day, week or month, so that the parts sum up to the total."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from sabal import days
from sabal.database import Database
from sabal.petitions.counts import Counts

MOST = 60  # parts of a chart; more cannot be told apart on a phone


@dataclass(frozen=True, slots=True)
class Totals:
    """The published totals at the end of a day."""

    day: date
    confirmed: int
    withdrawn: int
    invalidated: int

    @property
    def counted(self) -> int:
        """Return the number that pages showed."""
        return self.confirmed - self.withdrawn - self.invalidated


class Step(Enum):
    """The length of a part."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Part:
    """What was added and what left from `first` to `last` (days), and how many counted at the end."""

    first: date
    last: date
    confirmed: int
    withdrawn: int
    invalidated: int
    counted: int

    @property
    def left(self) -> int:
        """Return how many were withdrawn or invalidated."""
        return self.withdrawn + self.invalidated


def history_of(database: Database, petition_id: int) -> tuple[Totals, ...]:
    """Return the published totals of each day on which they were published, the oldest first."""
    rows = database.query(
        "SELECT day, confirmed, withdrawn, invalidated FROM signing_history WHERE petition_id = ? ORDER BY day",
        (petition_id,),
    )
    return tuple(Totals(days.date_of(row[0]), *row[1:]) for row in rows)


def complete(
    history: Sequence[Totals], counts: Counts, opened_on: date | None, last: date
) -> tuple[Totals, ...]:
    """Return the history from the opening to the day `last`, where it ends with the numbers that pages show now.

    So its parts sum up to these in any case. What has no day of its own, after a restore, came on the last one.
    """
    last = max(last, history[-1].day) if history else last
    now = Totals(last, counts.confirmed, counts.withdrawn, counts.invalidated)
    before = [one for one in history if one.day < last]
    if opened_on and opened_on < (before or [now])[0].day:
        before.insert(0, Totals(opened_on, 0, 0, 0))
    return (*before, now)


def fitting_step(history: Sequence[Totals], shortest: Step = Step.DAY) -> Step:
    """Return the shortest step, from `shortest` on, with which the history has few parts enough for a chart."""
    span = (history[-1].day - history[0].day).days + 1 if history else 0
    steps = [step for step, length in ((Step.DAY, 1), (Step.WEEK, 7)) if span / length <= MOST]
    return next((step for step in steps if step is shortest or shortest is Step.DAY), Step.MONTH)


def parts(history: Sequence[Totals], step: Step) -> list[Part]:
    """Return the history in parts of equal length, without a gap, the oldest first. The last one may not be over."""
    found: list[Part] = []
    before = Totals(date.min, 0, 0, 0)
    for first, last in _spans(history, step):
        end = next((one for one in reversed(history) if first <= one.day <= last), before)
        found.append(
            Part(
                first,
                last,
                end.confirmed - before.confirmed,
                end.withdrawn - before.withdrawn,
                end.invalidated - before.invalidated,
                end.counted,
            )
        )
        before = end
    return found


def _spans(history: Sequence[Totals], step: Step) -> Iterator[tuple[date, date]]:
    if not history:
        return
    first = _beginning(history[0].day, step)
    while first <= history[-1].day:
        following = _beginning(
            first + timedelta(days={Step.DAY: 1, Step.WEEK: 7, Step.MONTH: 32}[step]), step
        )
        yield first, following - timedelta(days=1)
        first = following


def _beginning(day: date, step: Step) -> date:
    """Return the first day of the day's week (a Monday) or month, or the day itself."""
    if step is Step.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step is Step.MONTH else day
