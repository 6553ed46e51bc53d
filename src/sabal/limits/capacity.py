"""Whether there is room for another pending signature: on the disk, and in number.

Confirming, withdrawing and tidying never ask: they are what makes room.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from sabal.database import Database

PENDING_AT_LEAST = 100_000
PENDING_PER_CONFIRMED = 3
FREE_SHARE = 0.10
FREE_BYTES = 1_000_000_000
FREE_ENOUGH = 10_000_000_000


class Counted(Protocol):
    """What the room needs of a petition's counts."""

    @property
    def confirmed(self) -> int: ...


class Petition(Protocol):
    """What the room needs of a petition's snapshot."""

    @property
    def id(self) -> int: ...
    @property
    def counts(self) -> Counted: ...


class Capacity:
    """What was seen at the last look; ``refresh`` runs in a thread every few seconds, asking is free."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._disk = True
        self._full: frozenset[int] = frozenset()

    def for_one_more(self, petition: Petition) -> bool:
        """Whether another signature of this petition may wait for its confirmation."""
        return self._disk and petition.id not in self._full

    def refresh(self, database: Database, petitions: Iterable[Petition]) -> None:
        """Looks at the disk and at each petition's pending rows. Raises OSError and the driver's errors."""
        self._disk = disk_has_room(self._folder)
        self._full = frozenset(petition.id for petition in petitions if is_full(database, petition))


def disk_has_room(folder: Path) -> bool:
    """Whether a gigabyte and a tenth of the disk (of a large one, ten gigabytes) are free for who is not root."""
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    return free >= max(FREE_BYTES, min(FREE_SHARE * disk.f_blocks * disk.f_frsize, FREE_ENOUGH))


def is_full(database: Database, petition: Petition) -> bool:
    """Whether as many wait as may. The index by petition is walked to that row and no further."""
    most = PENDING_AT_LEAST + PENDING_PER_CONFIRMED * petition.counts.confirmed
    rows = database.query(
        "SELECT 1 FROM signing_pending WHERE petition_id = ? LIMIT 1 OFFSET ?", (petition.id, most - 1)
    )
    return bool(rows)
