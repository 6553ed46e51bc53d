"""How fast emails of mailings leave: for the whole site, and for each provider. The table is shared by all workers.

An email goes if its provider and the site both have a free slot now. Otherwise it is put off until a slot of its own,
so that a slow provider delays no other. A provider that says that we are too fast gets longer intervals at once, and
shorter ones again while it is content.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sabal.database import Database

SITE = ""  # the name of the pace of all mailings together
SOON = 1_000  # milliseconds; a slot that is nearer is free now
FARTHEST = 600_000  # milliseconds; an email is not put off longer, so that a pace that recovers is noticed
SLOWEST, FIRST = 6_000, 100  # milliseconds between two emails: ten a minute, and after the first complaint
REST = 30_000  # milliseconds without emails after a complaint
CALM = 60  # seconds without a complaint after which the interval gets shorter
AGAIN = 5  # seconds in which further complaints are about emails that were on their way
_COLUMNS = ("provider", "interval_ms", "next_ms", "planned_ms", "changed")


@dataclass(slots=True)
class ProviderPace:
    """The pace of one provider: times are Unix time in milliseconds, but `changed` is in seconds.

    `next` is the next slot. `planned` is when the last email that was put off tries again.
    """

    interval: int = 0
    next: int = 0
    planned: int = 0
    changed: int = 0

    def is_free(self, now: int) -> bool:
        """Return whether an email may go now."""
        # A slot that is too far away was stored before the clock was set back.
        return not now + SOON < self.next <= now + FARTHEST + REST

    def take(self, now: int) -> None:
        """Take the free slot."""
        self.next = (
            max(self.next, now) if self.is_free(now) and self.next <= now + SOON else now
        ) + self.interval

    def put_off(self, now: int) -> int:
        """Return when an email that may not go now tries again: after those that were put off before."""
        last = self.planned if self.next <= self.planned <= now + FARTHEST else self.next
        self.planned = min(last + self.interval, now + FARTHEST)
        return self.planned


class Paces:
    """The paces of some providers in one transaction: read and locked, used, and written back.

    `limits` are the operator's: the most emails a minute, by provider and for `SITE`.
    """

    def __init__(self, database: Database, providers: Iterable[str], limits: Mapping[str, int]) -> None:
        self._database, self._limits = database, limits
        where, params = database.among("provider", sorted({SITE, *providers}))
        rows = database.query(
            f"SELECT {', '.join(_COLUMNS)} FROM mailings_pace WHERE {where} ORDER BY provider"
            + database.for_update,
            params,
        )
        self._paces = {row[0]: ProviderPace(*row[1:]) for row in rows}

    def go(self, provider: str, now: int) -> int:
        """Return 0 if an email to this provider may go now, else the time (milliseconds) at which it tries again."""
        both = [pace for pace in (self._find(provider), self._find(SITE)) if pace is not None]
        busy = [pace for pace in both if not pace.is_free(now)]
        if busy:
            return max(pace.put_off(now) for pace in busy)
        for pace in both:
            pace.take(now)
        return 0

    def complain(self, provider: str, now: int) -> None:
        """Slow down, because the provider said that we are too fast."""
        pace = self._find(provider) or self._paces.setdefault(provider, ProviderPace())
        if 0 <= now // 1000 - pace.changed < AGAIN:
            return
        pace.interval = min(max(2 * pace.interval, FIRST), max(SLOWEST, self._shortest(provider)))
        pace.next = pace.planned = now + REST
        pace.changed = now // 1000

    def please(self, provider: str, now: int) -> None:
        """Speed up a little, because the provider takes emails and has not complained for a while."""
        pace = self._find(provider)
        if pace is not None and pace.interval and not 0 <= now // 1000 - pace.changed < CALM:
            pace.interval = max(pace.interval * 7 // 10, self._shortest(provider))
            pace.changed = now // 1000

    def store(self) -> None:
        """Write the paces back, inside the caller's transaction."""
        rows = [(name, p.interval, p.next, p.planned, p.changed) for name, p in sorted(self._paces.items())]
        self._database.insert(
            "mailings_pace",
            _COLUMNS,
            rows,
            on_conflict="(provider) DO UPDATE SET interval_ms = excluded.interval_ms, next_ms = excluded.next_ms,"
            " planned_ms = excluded.planned_ms, changed = excluded.changed",
        )

    def _find(self, provider: str) -> ProviderPace | None:
        shortest = self._shortest(provider)
        if provider not in self._paces and not shortest:
            return None
        pace = self._paces.setdefault(provider, ProviderPace())
        pace.interval = max(pace.interval, shortest)
        return pace

    def _shortest(self, provider: str) -> int:
        """Return the shortest interval that the operator allows, in milliseconds."""
        limit = self._limits.get(provider.partition("-")[0] if provider.startswith("other-") else provider, 0)
        return -(-60_000 // limit) if limit else 0
