"""The capacity for more pending signatures."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from sabal.database import Database
from sabal.limits import capacity
from sabal.limits.capacity import Capacity, disk_has_room
from sabal.petitions.counts import Counts
from sabal.petitions.snapshot import PetitionSnapshot


def petition(id_: int, confirmed: int = 0) -> PetitionSnapshot:
    """Return a stand-in for a snapshot, with the two fields that the capacity reads."""
    return cast(PetitionSnapshot, SimpleNamespace(id=id_, counts=Counts(confirmed=confirmed)))


class Pending(Database):
    """A database that has only the number of pending signatures of each petition."""

    def __init__(self, **pending: int) -> None:
        self.pending = {int(name[1:]): count for name, count in pending.items()}

    def query(self, sql: str, params: object = ()) -> list[tuple[object, ...]]:
        petition_id, offset = params  # type: ignore[misc]
        return [(1,)] if self.pending[petition_id] > offset else []


def test_100_000_may_wait_and_three_more_for_each_confirmed_signature(tmp_path: Path) -> None:
    full, almost, grown = petition(1), petition(2), petition(3, confirmed=50_000)
    current = Capacity(tmp_path)
    assert current.for_one_more(full)
    current.refresh(Pending(_1=100_000, _2=99_999, _3=249_999), [full, almost, grown])
    assert [current.for_one_more(one) for one in (full, almost, grown)] == [False, True, True]
    current.refresh(Pending(_1=99_999, _2=100_000, _3=250_000), [full, almost, grown])
    assert [current.for_one_more(one) for one in (full, almost, grown)] == [True, False, False]


@pytest.mark.parametrize(
    ("free", "size", "enough"),
    [
        (50 << 30, 100 << 30, True),
        (9 << 30, 100 << 30, False),  # under a tenth
        (900_000_000, 2_000_000_000, False),  # under a gigabyte
        (1_100_000_000, 2_000_000_000, True),
        (10_100_000_000, 1_000_000_000_000, True),  # ten gigabytes are enough on any disk
        (9_900_000_000, 1_000_000_000_000, False),
    ],
)
def test_10_percent_of_the_disk_and_1_gb_stay_free(
    free: int, size: int, enough: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    block = 4_096
    disk = SimpleNamespace(f_bavail=free // block, f_frsize=block, f_blocks=size // block)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    assert disk_has_room(tmp_path) is enough
    current = Capacity(tmp_path)
    current.refresh(Pending(_1=0), [petition(1)])
    assert current.for_one_more(petition(1)) is enough


def test_the_limits_have_these_values() -> None:
    assert (capacity.PENDING_AT_LEAST, capacity.PENDING_PER_CONFIRMED) == (100_000, 3)
    assert (capacity.FREE_SHARE, capacity.FREE_BYTES) == (0.10, 1_000_000_000)
