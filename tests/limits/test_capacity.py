"""Whether there is room for another pending signature."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from sabal.database import Database
from sabal.limits import capacity
from sabal.limits.capacity import Capacity, disk_has_room


@dataclass
class Counts:
    confirmed: int = 0


@dataclass
class Petition:
    id: int
    counts: Counts = field(default_factory=Counts)


class Pending(Database):
    """A database that knows one thing: how many wait for each petition."""

    def __init__(self, **waiting: int) -> None:
        self.waiting = {int(name[1:]): count for name, count in waiting.items()}

    def query(self, sql: str, params: object = ()) -> list[tuple[object, ...]]:
        petition, offset = params  # type: ignore[misc]
        return [(1,)] if self.waiting[petition] > offset else []


def test_a_hundred_thousand_may_wait_and_three_more_for_each_that_is_confirmed(tmp_path: Path) -> None:
    full, almost, grown = Petition(1), Petition(2), Petition(3, Counts(confirmed=50_000))
    seen = Capacity(tmp_path)
    assert seen.for_one_more(full)
    seen.refresh(Pending(_1=100_000, _2=99_999, _3=249_999), [full, almost, grown])
    assert [seen.for_one_more(petition) for petition in (full, almost, grown)] == [False, True, True]
    seen.refresh(Pending(_1=99_999, _2=100_000, _3=250_000), [full, almost, grown])
    assert [seen.for_one_more(petition) for petition in (full, almost, grown)] == [True, False, False]


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
def test_a_tenth_of_the_disk_and_a_gigabyte_stay_free(
    free: int, size: int, enough: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    block = 4_096
    disk = SimpleNamespace(f_bavail=free // block, f_frsize=block, f_blocks=size // block)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    assert disk_has_room(tmp_path) is enough
    seen = Capacity(tmp_path)
    seen.refresh(Pending(_1=0), [Petition(1)])
    assert seen.for_one_more(Petition(1)) is enough


def test_the_numbers_change_on_purpose_alone() -> None:
    assert (capacity.PENDING_AT_LEAST, capacity.PENDING_PER_CONFIRMED) == (100_000, 3)
    assert (capacity.FREE_SHARE, capacity.FREE_BYTES) == (0.10, 1_000_000_000)
