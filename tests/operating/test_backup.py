"""Backup and restore: the drill, and what must never be in a copy."""

import json
import shutil
from pathlib import Path

import pytest

from houses import NOW, HouseOfTests, other_database, point_django_at
from sabal import database as raw
from sabal import settings
from sabal.keys.house import open_house, pepper_name
from sabal.newsletter import subscription
from sabal.operating.backup import NEVER, ROWS, backup
from sabal.operating.restore import restore
from sabal.petitions.definition import Refusal
from sabal.signing import confirm, export, operations, token, writer
from sabal.signing.count import count
from sabal.signing.record import Carry
from signing.steps import SUZIE, confirmed, signed

WEEK = 7 * 86_400


def empty_database(
    house: HouseOfTests, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data folder is gone; the house key and the suppression file were kept elsewhere."""
    house.database.close()
    if house.vendor == "sqlite":
        for path in house.data.glob("sabal.sqlite3*"):
            path.unlink()
        return
    import psycopg

    server = request.getfixturevalue("postgresql_server")
    name = f"r_{house.data.name.replace('-', '_')[-20:]}".lower()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")  # type: ignore[arg-type]
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    url = other_database(house.url, name)
    monkeypatch.setattr(settings, "DATABASE_URL", url)
    point_django_at(url)


def test_the_drill(
    house: HouseOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition, subscribe=("newsletter",))
    count(house.database, petition, NOW + WEEK)
    signed(house, petition, "max@example.org")
    copy = tmp_path / "copy"
    counts = backup(copy)
    assert counts["signing_signature"] == counts["signing_sealed"] == counts["newsletter_subscription"] == 1

    lost = confirmed(house, petition, "carol@example.org")
    row_id = house.database.query("SELECT id FROM newsletter_subscription")[0][0]
    assert subscription.unsubscribe(house.database, row_id)
    eve = signed(house, petition, "eve@example.org")
    not_me = confirm.not_me(eve.t, Carry.open(eve.t, eve.operation.carry), petition)
    assert writer.commit(house.database, [not_me]) == [operations.Outcome.DONE]

    empty_database(house, request, monkeypatch)
    restored = restore(copy)
    assert (restored.signatures, restored.suppressed, restored.without_pepper) == (1, 2, ())
    database = raw.connect()
    try:
        assert writer.find(database, [suzie.digest, lost.digest]) == [
            writer.Found(petition.id, None, day(NOW + WEEK)),
            None,
        ]
        assert database.query("SELECT COUNT(*) FROM newsletter_subscription") == [(0,)]
        assert database.query("SELECT COUNT(*) FROM signing_suppression") == [(1,)]
        house.snapshots.refresh(database, open_house())
        back = house.snapshots.by_slug(petition.slug)
        assert (
            back
            and back.manifest == petition.manifest
            and back.counts.counted == 1
            and back.pepper == petition.pepper
        )
        opened = list(export.open_sealed(export.write_sealed(database, petition.id, "x"), [house.identity]))
        assert [(one.fields["email"], one.checked) for one in opened] == [(SUZIE, True)]
        house.database, house.snapshots = database, house.snapshots
        house.ring.refresh(database, open_house(), day(NOW))
        signed(house, back, "max@example.org")  # and life goes on
    finally:
        database.close()


def day(now: float) -> int:
    return int(now) // 86_400


def test_what_must_not_be_copied_is_not(house: HouseOfTests, tmp_path: Path) -> None:
    petition = house.publish()
    suzie, pending = confirmed(house, petition), signed(house, petition, "max@example.org")
    day_key = house.house.mail_key(house.database, house.ring.mail[0])  # type: ignore[index]
    wrapped = bytes(house.database.query("SELECT wrapped FROM keys_key WHERE name LIKE ?", ("mail/%",))[0][0])
    backup(tmp_path / "copy")
    content = b"".join(path.read_bytes() for path in sorted((tmp_path / "copy").iterdir()))
    never = {
        "the house key": [house.house.key, house.house.key.hex().encode()],
        "a mail key": [day_key, wrapped],
        "an address": [b"suzie@example.org", b"max@example.org"],
        "a token": [suzie.t, token.encode(suzie.t).encode(), pending.t, token.encode(pending.t).encode()],
        "a pending signature": [pending.digest, pending.operation.carry, pending.operation.sealed[-64:]],
        "a letter": [suzie.operation.letter, pending.operation.letter],
    }
    for what, needles in never.items():
        for needle in needles:
            assert needle not in content, f"{what} is in the backup"
    assert suzie.operation.sealed[-64:] in content  # the sealed record is: that is what it is for


def test_every_table_is_copied_or_left_out_on_purpose(house: HouseOfTests) -> None:
    if house.vendor == "sqlite":
        rows = house.database.query(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    else:
        rows = house.database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row[0] for row in rows} - {"django_migrations"} == {*ROWS, *NEVER}


def test_files_and_folder_are_private(house: HouseOfTests, tmp_path: Path) -> None:
    house.publish()
    backup(tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "copy").iterdir())


def test_nothing_is_written_over(house: HouseOfTests, tmp_path: Path) -> None:
    house.publish()
    backup(tmp_path / "copy")
    with pytest.raises(Refusal, match="not empty"):
        backup(tmp_path / "copy")
    with pytest.raises(Refusal, match="already"):
        restore(tmp_path / "copy")


def test_a_changed_backup_is_refused(
    house: HouseOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.publish()
    backup(tmp_path / "copy")
    empty_database(house, request, monkeypatch)
    manifest = json.loads((tmp_path / "copy" / "backup.json").read_text())
    victim = tmp_path / "copy" / next(iter(manifest["sha256"]))
    victim.write_bytes(victim.read_bytes()[:-1] + b"\x00\x01")
    with pytest.raises(Refusal, match="changed"):
        restore(tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy")
    (tmp_path / "copy").mkdir()
    with pytest.raises(Refusal, match="no backup"):
        restore(tmp_path / "copy")


def test_a_lost_pepper_is_named(
    house: HouseOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = house.publish()
    house.house.destroy(house.database, pepper_name(petition.id, petition.era))
    backup(tmp_path / "copy")
    empty_database(house, request, monkeypatch)
    assert restore(tmp_path / "copy").without_pepper == (petition.slug,)
