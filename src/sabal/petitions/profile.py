"""The profiles "guarded" and "open": two sets of numbers for the same code."""

from dataclasses import dataclass
from datetime import date, timedelta

HOUR, DAY, WEEK = 3_600, 86_400, 604_800
GRACE_DAYS = 7  # emails sent before the petition closed can be confirmed for so many days
REOPEN_DAYS = 14  # a close can be undone for so many days, and the dedupe tags are needed as long


def first_day(closed_on: date) -> date:
    """Return the first day on which a petition that closed on that day can be finalised.

    One day more than a confirmation is accepted: it may be checked before midnight and committed after it, or the clock
    of its process may be behind.
    """
    return closed_on + timedelta(days=GRACE_DAYS + 2)


@dataclass(frozen=True)
class Profile:
    """The numbers that decide when a petition counts and what it shows."""

    batches: tuple[tuple[int, int], ...]  # (seconds since the last batch, least number of waiting signatures)
    gathering_below: int  # if fewer are counted, the page says that the first are being gathered
    countries_from: int | None  # a country is shown from this number up; None: never
    countries_round: int  # country numbers are rounded down to a multiple of this
    countries_every: int  # seconds between two updates of the country numbers
    epoch_days: int | None  # a pepper and its dedupe tags are destroyed after so many days; None: at the end
    says_already: bool  # whether an email may say that this address has signed
    guarded: bool  # emails and token pages name no petition
    public_history: bool  # whether a page shows how many were counted on each day

    def countries_are_due(self, waited: float, left: int) -> bool:
        """Return whether the numbers by country are published again, `waited` seconds after the last time.

        `left` signatures were withdrawn or invalidated since. In a guarded petition a few of them wait for company or
        for the longest wait, as new signatures do. Otherwise a number that falls would show where the one person lives
        who has withdrawn.
        """
        alone = self.guarded and left > 0 and not self.batch_is_due(waited, left)
        return waited >= self.countries_every and not alone

    def batch_is_due(self, waited: float, waiting: int) -> bool:
        """Return whether `waiting` signatures make a batch, `waited` seconds after the last batch."""
        return any(waited >= seconds and waiting >= at_least for seconds, at_least in self.batches)

    @property
    def longest_wait(self) -> int:
        """Return the seconds after which even a single signature is counted."""
        return min(seconds for seconds, at_least in self.batches if at_least == 1)


PROFILES = {
    "guarded": Profile(
        batches=((HOUR, 32), (DAY, 5), (WEEK, 1)),
        gathering_below=100,
        countries_from=10,
        countries_round=10,
        countries_every=DAY,
        epoch_days=30,
        says_already=False,
        guarded=True,
        public_history=False,
    ),
    "open": Profile(
        batches=((10, 1),),
        gathering_below=0,
        countries_from=1,
        countries_round=1,
        countries_every=0,
        epoch_days=None,
        says_already=True,
        guarded=False,
        public_history=True,
    ),
}
