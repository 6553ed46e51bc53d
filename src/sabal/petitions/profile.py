"""Guarded or open: one code path, two sets of numbers."""

from dataclasses import dataclass

HOUR, DAY, WEEK = 3_600, 86_400, 604_800
GRACE_DAYS = 7  # letters that were out when the petition closed can be confirmed this long
REOPEN_DAYS = 14  # so long a close can be undone, and a petition's tags are needed


@dataclass(frozen=True)
class Profile:
    """The numbers by which a petition counts and shows."""

    batches: tuple[tuple[int, int], ...]  # (seconds since the last batch, signatures that must wait by then)
    gathering_below: int  # fewer counted than this: the page says that the first are being gathered
    countries_from: int | None  # a country is shown from this many on; None: never shown
    countries_round: int  # and rounded down to a multiple of this
    countries_every: int  # seconds between two changes of the country numbers
    epoch_days: int | None  # a pepper and its tags are destroyed after so many days; None: at the end
    says_already: bool  # whether a letter may say that this mailbox has signed
    guarded: bool  # letters and token pages name no petition

    def batch_is_due(self, waited: float, waiting: int) -> bool:
        """Whether `waiting` signatures make a batch, `waited` seconds after the last one."""
        return any(waited >= seconds and waiting >= at_least for seconds, at_least in self.batches)

    @property
    def longest_wait(self) -> int:
        """Seconds after which even a single signature is counted."""
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
    ),
}
