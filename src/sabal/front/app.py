"""What a public process shares. One object, made by `asgi.py` or a test; nothing of it is kept in a module."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sabal.front.pool import Pool
from sabal.front.prepared import PreparedPages
from sabal.keys.keyring import Keyring
from sabal.limits.capacity import Capacity
from sabal.limits.networks import Limits
from sabal.petitions.snapshot import Snapshots
from sabal.signing.group import Batcher
from sabal.signing.operations import Operation, Outcome
from sabal.signing.writer.find import Found

IN_FLIGHT = 64  # POSTs being worked on: as many as one commit takes; more would only wait longer
READING = 16_384  # POSTs whose body is still coming: cheap, but not free
STALE_AFTER = 15.0  # seconds without a refresh of what is known of the petitions, and /healthz says busy


@dataclass
class App:
    """What is known of petitions and keys, the limits, the ways to the database, and the work in progress."""

    keyring: Keyring
    snapshots: Snapshots
    limits: Limits
    capacity: Capacity
    pool: Pool
    prepared: PreparedPages
    writer: Batcher[Operation, Outcome]
    finder: Batcher[bytes, Found | None]
    refreshed: float = field(default_factory=time.monotonic)  # when what is known was last refreshed
    working: int = 0  # POSTs being worked on
    reading: int = 0  # POSTs whose body is still coming

    @property
    def is_full(self) -> bool:
        """Whether as many POSTs are being worked on as may be."""
        return self.working >= IN_FLIGHT

    @property
    def is_well(self) -> bool:
        """Whether it is worth sending a visitor here now."""
        return not self.is_full and time.monotonic() - self.refreshed <= STALE_AFTER
