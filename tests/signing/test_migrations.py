"""A house that has signatures is migrated, and none is lost, counted twice or let in early."""

from pathlib import Path

import pytest
from django.core.management import call_command

from houses import HouseOfTests
from operating.test_restore import empty_database
from sabal import database as raw
from tlog import entry

OLD = (
    "token_hash", "petition_id", "version_id", "era", "state", "held", "held_until", "counted_on", "commitment", "w",
    "sealed_id", "country", "language", "idx",
)  # fmt: skip
LEFT = ("commitment", "petition_id", "version_id", "state", "reason", "country", "language", "idx")
C = [bytes([65 + n]) * 32 for n in range(6)]
ENTERED = [*(bytes([1 + n]) * 32 for n in range(6)), C[2], C[4]]
ENTERED.insert(4, C[5])


def test_what_waited_waits_and_what_was_counted_has_its_place(
    house: HouseOfTests, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_database(house, request, monkeypatch)
    call_command("migrate", "signing", "0004_owner", verbosity=0)
    call_command("migrate", "ledger", verbosity=0)
    house.database = raw.connect()
    house.database.insert(
        "signing_signature",
        OLD,
        [
            (b"a", 1, 1, 1, 1, 0, None, None, C[0], b"w", 1, "KR", "unmistakable", None),
            (b"b", 1, 1, 1, 1, 2, 20_800, None, C[1], b"w", 2, None, "en", None),
            (b"c", 1, 1, 1, 2, 0, None, 20_790, C[2], b"w", 3, None, None, 7),
        ],
    )
    house.database.insert(
        "signing_withdrawal",
        LEFT,
        [
            (C[3], 1, 1, 1, 1, "DE", "en", None),
            (C[4], 1, 1, 2, 1, None, None, 8),
            (C[5], 1, 1, 3, 1, None, None, 5),
        ],
    )
    entries = [entry.Open(bytes(32)), *map(entry.Sign, ENTERED), entry.Revoke(5, entry.Reason.WITHDRAWN)]
    held = b"".join(one.encode() for one in entries)
    house.database.insert("ledger_bundle", ("petition_id", "number", "entries"), [(1, 0, held)])
    house.database.close()
    call_command("migrate", verbosity=0)
    house.database = raw.connect()
    assert house.rows("signing_signature") == 3
    assert read(house, "signing_waiting", "commitment, held, held_until, country, language") == [
        (C[0], 0, None, "KR", "unmistakable"),
        (C[1], 2, 20_800, None, "en"),
        (C[3], 0, None, "DE", "en"),
    ]
    # Also of those whose signature is gone, or was never here.
    assert read(house, "signing_place", "commitment, idx") == sorted((c, n) for n, c in enumerate(ENTERED, 1))
    assert read(house, "signing_withdrawal", "commitment, revoked") == [(C[3], 0), (C[4], 0), (C[5], 1)]
    # What waited has its country in one place, which is deleted when it is counted: in no older copy of its row.
    house.database.execute("DELETE FROM signing_waiting")
    if house.vendor == "postgresql":
        house.database.execute("VACUUM signing_waiting")
        house.database.execute("CHECKPOINT")
        ((folder,),) = house.database.query("SHOW data_directory")
        relations = ("signing_signature", "signing_withdrawal", "signing_waiting")
        paths = [house.database.query("SELECT pg_relation_filepath(?)", (name,))[0][0] for name in relations]
        data = b"".join((Path(folder) / path).read_bytes() for path in paths)
    else:
        house.database.checkpoint(cut=True)
        data = (house.data / "sabal.sqlite3").read_bytes()
    assert C[1] in data and b"unmistakable" not in data


def read(house: HouseOfTests, table: str, columns: str) -> list[tuple[object, ...]]:
    rows = house.database.query(f"SELECT {columns} FROM {table} ORDER BY commitment")
    return [(bytes(row[0]), *row[1:]) for row in rows]
