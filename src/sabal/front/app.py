"""The state that the parts of a public process share: one object, built by `asgi.py` or a test. No module holds any."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sabal.front.pool import Pool
from sabal.front.prepared import PreparedPages
from sabal.http import busy
from sabal.keys.keyring import Keyring
from sabal.limits.capacity import Capacity
from sabal.limits.networks import Limits
from sabal.limits.rules import RuleBook
from sabal.limits.surges import Surges
from sabal.petitions.snapshots import Snapshots
from sabal.signing.asked import Asked
from sabal.signing.group import Batcher, Unavailable
from sabal.signing.operations import Operation, Outcome
from sabal.signing.sign import NotReady
from sabal.signing.writer.find import Found

IN_FLIGHT = 64  # POSTs in work: as many as one commit takes; more would only wait longer
READING = 16_384  # POSTs whose body is still arriving: cheap, but not free
STALE_AFTER = 15.0  # seconds without a refresh of the petitions; after them /healthz answers "busy"


@dataclass
class App:
    """Petitions and keys as this process knows them, limits, paths to the database, and counts of work in progress."""

    keyring: Keyring
    snapshots: Snapshots
    limits: Limits
    capacity: Capacity
    pool: Pool
    prepared: PreparedPages
    writer: Batcher[Operation, Outcome]
    finder: Batcher[bytes, Found | None]
    rules: RuleBook = field(default_factory=RuleBook)
    surges: Surges = field(default_factory=Surges)
    asked: Asked = field(default_factory=Asked)
    takes_international: bool = True  # emails can be sent to addresses that are not ASCII before the @
    refreshed: float = field(default_factory=time.monotonic)  # time of the last refresh (monotonic clock)
    working: int = 0  # POSTs in work
    reading: int = 0  # POSTs whose body is still arriving

    @property
    def is_full(self) -> bool:
        """Return whether the limit of POSTs in work is reached."""
        return self.working >= IN_FLIGHT

    @property
    def is_healthy(self) -> bool:
        """Return whether a load balancer should send visitors to this process now."""
        return not self.is_full and time.monotonic() - self.refreshed <= STALE_AFTER

    async def commit(self, make: Callable[[], Operation]) -> Outcome:
        """Make an operation, and wait until it is on disk. Raises Refused (503) if it may not be."""
        try:
            return await self.writer.ask(make())
        except (Unavailable, NotReady):
            raise busy() from None

    async def find(self, token_hash: bytes) -> Found | None:
        """Find what a link leads to. Raises Refused (503) if the database cannot say."""
        try:
            return await self.finder.ask(token_hash)
        except Unavailable:
            raise busy() from None
