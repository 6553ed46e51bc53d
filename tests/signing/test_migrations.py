"""A house that has signatures is migrated, and none is lost, counted twice or let in early."""

import pytest
from django.core.management import call_command

from houses import HouseOfTests
from operating.test_restore import empty_database
from sabal import database as raw

OLD = (
    "token_hash", "petition_id", "version_id", "era", "state", "held", "held_until", "counted_on", "commitment", "w",
    "sealed_id", "country", "language", "idx",
)  # fmt: skip
LEFT = ("commitment", "petition_id", "version_id", "state", "reason", "country", "language", "idx")


def test_what_waited_waits_and_what_was_counted_has_its_place(
    house: HouseOfTests, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_database(house, request, monkeypatch)
    call_command("migrate", "signing", "0004_owner", verbosity=0)
    house.database = raw.connect()
    house.database.insert(
        "signing_signature",
        OLD,
        [
            (b"a", 1, 1, 1, 1, 0, None, None, b"A", b"w", 1, "KR", "ko", None),
            (b"b", 1, 1, 1, 1, 2, 20_800, None, b"B", b"w", 2, None, "en", None),
            (b"c", 1, 1, 1, 2, 0, None, 20_790, b"C", b"w", 3, None, None, 7),
        ],
    )
    house.database.insert(
        "signing_withdrawal",
        LEFT,
        [
            (b"D", 1, 1, 1, 1, "DE", "en", None),
            (b"E", 1, 1, 2, 1, None, None, 8),
            (b"F", 1, 1, 3, 1, None, None, 5),
        ],
    )
    house.database.close()
    call_command("migrate", verbosity=0)
    house.database = raw.connect()
    assert house.rows("signing_signature") == 3
    assert read(house, "signing_waiting", "commitment, held, held_until, country, language") == [
        (b"A", 0, None, "KR", "ko"),
        (b"B", 2, 20_800, None, "en"),
        (b"D", 0, None, "DE", "en"),
    ]
    assert read(house, "signing_place", "commitment, idx, counted_on") == [
        (b"C", 7, 20_790),
        (b"E", 8, None),
        (b"F", 5, None),
    ]
    assert read(house, "signing_withdrawal", "commitment, revoked") == [(b"D", 0), (b"E", 0), (b"F", 1)]


def read(house: HouseOfTests, table: str, columns: str) -> list[tuple[object, ...]]:
    rows = house.database.query(f"SELECT {columns} FROM {table} ORDER BY commitment")
    return [(bytes(row[0]), *row[1:]) for row in rows]
