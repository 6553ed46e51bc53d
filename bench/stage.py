"""What every measurement gets: the place, a house that is already there, and how long it may take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.place import Place
from bench.server import Server


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
    waiting: int  # confirmed signatures that enter the log in one batch
    entries: int  # of the log that is verified whole, proven from and read by a crowd


FULL = Plan(False, 5, 3, 1_000_000, 1_000, 3_000, 5_000, 5, 100_000, 1_000_000)
QUICK = Plan(True, 1, 1, 20_000, 1_000, 300, 500, 1, 5_000, 20_000)


@dataclass
class Stage:
    """Where measurements play. One house serves most of them; it is started as each of them needs it."""

    place: Place
    plan: Plan
    _house: Server | None = None
    _running: tuple[int, bool, str] | None = None
    _logged: Server | None = None
    capacity: float = 0.0  # signatures a second with the worker running, once measured

    def server(self, *, workers: int = 1, mail: bool = False, mail_url: str = "folder:") -> Server:
        """The common house, running in that way, without signatures."""
        self._house = self._house or self.place.new_server("house")
        wanted = (workers, mail, mail_url)
        if self._running != wanted or not self._house.healthy():
            self.rest()
            self._house.start(workers=workers, mail=mail, mail_url=mail_url)
            self._running = wanted
        self._house.empty()
        return self._house

    def logged(self) -> Server:
        """A house, not running, whose log has the plan's entries and shows them in its files."""
        self.rest()
        if self._logged is None:
            server = self.place.new_server("logged")
            server.start()
            server.stop()
            server.inside("publish", self.plan.entries)
            self._logged = server
        return self._logged

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
