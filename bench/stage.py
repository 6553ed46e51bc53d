"""What every measurement gets: the place, a house that is already there, and how long it may take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.house import House
from bench.place import Place


@dataclass(frozen=True)
class Plan:
    """How long and how often. `quick` runs show that all works; their numbers are not to be quoted."""

    quick: bool
    seconds: float  # of one run of the load generator
    runs: int  # of which the median is taken
    many: int  # signatures in "cost with size" and "memory"
    few: int
    letters: int
    idle: int  # idle connections, and as many stalled ones
    kills: int


FULL = Plan(False, 5, 3, 1_000_000, 1_000, 3_000, 5_000, 5)
QUICK = Plan(True, 1, 1, 20_000, 1_000, 300, 500, 1)


@dataclass
class Stage:
    """Where measurements play. One house serves most of them; it is started as each of them needs it."""

    place: Place
    plan: Plan
    _house: House | None = None
    _running: tuple[int, bool, str] | None = None
    capacity: float = 0.0  # signatures a second with the worker running, once measured

    def house(self, *, workers: int = 1, mail: bool = False, mail_url: str = "folder:") -> House:
        """The common house, running in that way, without signatures."""
        self._house = self._house or self.place.house("house")
        wanted = (workers, mail, mail_url)
        if self._running != wanted or not self._house.healthy():
            self.rest()
            self._house.start(workers=workers, mail=mail, mail_url=mail_url)
            self._running = wanted
        self._house.empty()
        return self._house

    def rest(self) -> None:
        """Stops the common house."""
        if self._house is not None:
            self._house.stop()
        self._running = None

    @property
    def folder(self) -> Path:
        return self.place.folder

    def middle(self, once: Callable[[], float]) -> float:
        """The median of the plan's runs."""
        return median(once() for _ in range(self.plan.runs))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share (0 to 1) stays at or below; NaN without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
