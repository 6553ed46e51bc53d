"""The input of every measurement: the workspace, a common server, and how long to measure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.server import Server
from bench.workspace import Workspace


@dataclass(frozen=True)
class Plan:
    """How long and how often to measure. A `quick` run checks that all works; its numbers must not be quoted."""

    quick: bool
    seconds: float  # of one run of the load generator
    runs: int  # the result is their median
    many: int  # signatures in "cost with size" and "memory"
    few: int
    emails: int
    idle: int  # idle connections, and as many stalled ones
    kills: int
    waiting: int  # confirmed signatures that enter the log in one batch
    entries: int  # of the log that is verified, proven from and read


FULL = Plan(False, 5, 3, 1_000_000, 1_000, 3_000, 5_000, 5, 100_000, 1_000_000)
QUICK = Plan(True, 1, 1, 20_000, 1_000, 300, 500, 1, 5_000, 20_000)


@dataclass
class Stage:
    """The servers of one run. Most measurements use the common one, restarted as each needs it."""

    workspace: Workspace
    plan: Plan
    _common: Server | None = None
    _running: tuple[int, bool, str] | None = None
    _logged: Server | None = None
    capacity: float = 0.0  # signatures a second with the worker running, once measured

    def server(self, *, workers: int = 1, mail: bool = False, mail_url: str = "folder:") -> Server:
        """Return the common server, running with these settings, without signatures."""
        self._common = self._common or self.workspace.new_server("common")
        wanted = (workers, mail, mail_url)
        if self._running != wanted or not self._common.healthy():
            self.stop()
            self._common.start(workers=workers, mail=mail, mail_url=mail_url)
            self._running = wanted
        self._common.empty()
        return self._common

    def logged(self) -> Server:
        """Return a stopped server, whose log and log files have the plan's entries."""
        self.stop()
        if self._logged is None:
            server = self.workspace.new_server("logged")
            server.start()
            server.stop()
            server.inside("publish", self.plan.entries)
            self._logged = server
        return self._logged

    def stop(self) -> None:
        """Stop the common server."""
        if self._common is not None:
            self._common.stop()
        self._running = None

    @property
    def folder(self) -> Path:
        return self.workspace.folder

    def median_of_runs(self, once: Callable[[], float]) -> float:
        """Return the median of the plan's runs."""
        return median(once() for _ in range(self.plan.runs))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share (0 to 1) of the values does not exceed; NaN without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
