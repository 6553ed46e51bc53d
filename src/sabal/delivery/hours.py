"""Office hours on the clocks of a place. No clock of its own: every function is given the moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD = 8  # days: a week, and the rest of today


@dataclass(frozen=True)
class OfficeHours:
    """The days of a week (of DAYS) and the time from `opens` to `closes` on the clocks of `zone` (IANA name)."""

    days: frozenset[str]
    opens: time
    closes: time
    zone: str

    def are_at(self, moment: datetime) -> bool:
        """Return whether somebody is at work at a moment. The clocks of the place decide, also when they are set."""
        local = moment.astimezone(ZoneInfo(self.zone))
        return DAYS[local.weekday()] in self.days and self.opens <= local.time() < self.closes

    def next_from(self, moment: datetime) -> datetime | None:
        """Return the first moment in UTC from `moment` on at which somebody is at work; None without a day."""
        if self.are_at(moment):
            return moment
        clocks = ZoneInfo(self.zone)
        today = moment.astimezone(clocks).date()
        for ahead in range(LOOK_AHEAD):
            day = today + timedelta(days=ahead)
            # In a night in which the clocks are set forward, a time that does not exist becomes the one after it.
            opening = datetime.combine(day, self.opens, clocks).astimezone(UTC)
            if DAYS[day.weekday()] in self.days and opening >= moment and self.are_at(opening):
                return opening
        return None


def in_order(days: Iterable[str]) -> str:
    """Return days as they are stored: known ones, in the order of the week, with a space between them."""
    found = set(days)
    return " ".join(day for day in DAYS if day in found)
