"""The capacity for more pending signatures, on the disk and in number.

Only signing checks it. Confirming, withdrawing and tidying do not, because they make capacity.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from sabal.database import Database
from sabal.petitions.snapshot import PetitionSnapshot

PENDING_AT_LEAST = 100_000
PENDING_PER_CONFIRMED = 3
FREE_SHARE = 0.10
FREE_BYTES = 1_000_000_000
FREE_ENOUGH = 10_000_000_000  # bytes that are enough on a disk of any size


class Capacity:
    """The capacity at the last `refresh`, which a thread runs every few seconds. `for_one_more` reads memory only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._disk = True
        self._full: frozenset[int] = frozenset()

    def for_one_more(self, petition: PetitionSnapshot) -> bool:
        """Return whether another signature of this petition may wait for its confirmation."""
        return self._disk and petition.id not in self._full

    def refresh(self, database: Database, petitions: Iterable[PetitionSnapshot]) -> None:
        """Check the disk and the pending rows of each petition. Raises OSError and the driver's errors."""
        self._disk = disk_has_room(self._folder)
        self._full = frozenset(petition.id for petition in petitions if is_full(database, petition))


def disk_has_room(folder: Path) -> bool:
    """Return whether 1 GB and 10 % of the disk (10 GB of a large disk) are free for unprivileged users."""
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    return free >= max(FREE_BYTES, min(FREE_SHARE * disk.f_blocks * disk.f_frsize, FREE_ENOUGH))


def is_full(database: Database, petition: PetitionSnapshot) -> bool:
    """Return whether the petition has its maximum of pending rows. The query reads its index up to that row only."""
    most = PENDING_AT_LEAST + PENDING_PER_CONFIRMED * petition.counts.confirmed
    rows = database.query(
        "SELECT 1 FROM signing_pending WHERE petition_id = ? LIMIT 1 OFFSET ?", (petition.id, most - 1)
    )
    return bool(rows)
