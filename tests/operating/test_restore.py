"""Restore: the drill, and what is refused before anything is written."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

import agefile
from sabal import database as raw
from sabal import erasure_journal, first_use, settings
from sabal.erasure_journal import Erasure
from sabal.keys.keyring import SUBSCRIBERS, SUPPRESSION
from sabal.keys.keystore import KeyMissing, open_keystore, pepper_name
from sabal.newsletter import subscription
from sabal.operating import backup as backups
from sabal.operating import restore as restoring
from sabal.operating.adopt import Given, adopt_published
from sabal.operating.backup import backup, digest, mac
from sabal.operating.restore import restore
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import drafts
from sabal.records import export
from sabal.refusal import Refusal
from sabal.signing import held, operations
from sabal.signing.sealed import write_sealed
from sabal.signing.writer.find import find
from signing.steps import SUZIE, confirmed, refusal, signed
from sites import NOW, SiteOfTests, point_django_at
from templates import other_database

WEEK = 7 * 86_400


def empty_database(
    site: SiteOfTests, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data folder is gone; the house key and the suppression file were kept elsewhere."""
    site.database.close()
    if site.vendor == "sqlite":
        for path in site.data.glob("sabal.sqlite3*"):
            path.unlink()
        point_django_at(site.url)  # its connection was to the file that is gone
        return

    point_django_at(site.url)  # away from the one that goes, where this is the second time
    server = request.getfixturevalue("postgresql_server")
    name = f"r_{site.data.name.replace('-', '_')[-20:]}".lower()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")  # type: ignore[arg-type]
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    url = other_database(site.url, name)
    monkeypatch.setattr(settings, "DATABASE_URL", url)
    point_django_at(url)


def test_the_drill(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition, subscribe=("newsletter",))
    site.sequence(petition, NOW + WEEK)
    signed(site, petition, "max@example.org")
    found = find(site.database, [suzie.digest])[0]
    assert found is not None and found.entered is not None
    copy = tmp_path / "copy"
    counts = backup(copy)
    assert counts["signing_signature"] == counts["signing_sealed"] == counts["newsletter_subscription"] == 1

    lost = confirmed(site, petition, "carol@example.org")
    row_id = site.database.query("SELECT id FROM newsletter_subscription")[0][0]
    assert subscription.unsubscribe(site.database, row_id)
    eve = signed(site, petition, "eve@example.org")
    assert site.writer.commit(site.database, [refusal(eve, petition)]) == [operations.Outcome.DONE]

    empty_database(site, request, monkeypatch)
    restored = restore(copy)
    assert (restored.signatures, restored.suppressed) == (1, 2)
    assert restored.new_keys == restored.without_pepper == ()
    database = raw.connect()
    try:
        assert find(database, [suzie.digest, lost.digest]) == [found, None]
        assert database.query("SELECT COUNT(*) FROM newsletter_subscription") == [(0,)]
        assert database.query("SELECT COUNT(*) FROM signing_suppression") == [(1,)]
        site.snapshots.refresh(database, open_keystore())
        back = site.snapshots.by_slug(petition.slug)
        assert (
            back
            and back.manifest == petition.manifest
            and back.counts.counted == 1
            and back.pepper == petition.pepper
        )
        written = write_sealed(database, petition.id, export.Header("x"))
        opened = export.open_sealed([export.read(written)], [site.identity])
        assert [(one.fields["email"], one.checked) for one in opened] == [(SUZIE, True)]
        site.database, site.snapshots = database, site.snapshots
        site.keyring.refresh(database, open_keystore(), day(NOW))
        signed(site, back, "max@example.org")  # and life goes on
    finally:
        database.close()


def test_who_withdrew_after_the_backup_does_not_come_back(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record, the tag, the links and the shown name of Suzie, and of Eve, whom Max dropped."""
    petition = site.publish(show_names=True, profile='"open"')
    suzie = confirmed(site, petition, display="Suzie")
    again = confirmed(site, petition)
    kept = confirmed(site, petition, "max@example.org", display="Max", name="Max")
    dropped = confirmed(site, petition, "eve@example.org", held=held.ROBOT)
    assert site.sequence(petition, NOW + 2 * 86_400) == 2
    backup(tmp_path / "copy")
    assert site.writer.commit(site.database, [operations.Withdraw(again.t, again.digest)]) == [
        operations.Outcome.DONE
    ]
    assert held.drop(site.database, petition.id, held.REASONS["automated"]) == 1
    lines = list(erasure_journal.read())

    empty_database(site, request, monkeypatch)
    restored = restore(tmp_path / "copy")
    assert (restored.signatures, restored.suppressed, restored.erased) == (1, 2, 2)
    assert list(erasure_journal.read()) == lines  # it was read, and nothing was added
    database = raw.connect()
    try:
        assert find(database, [suzie.digest, again.digest, dropped.digest]) == [None, None, None]
        assert find(database, [kept.digest]) != [None]
        for table, number in (("signing_sealed", 1), ("signing_access", 0), ("signing_withdrawal", 2)):
            assert database.query(f"SELECT COUNT(*) FROM {table}") == [(number,)]
        assert database.query("SELECT shown_names FROM signing_total") == [("[]",)]
        assert [one.refused for one in adopt_published(Given(), None, NOW)] == [""]
        site.sequence(petition, NOW + 60 * WEEK, database=database)
        site.snapshots.refresh(database, open_keystore())
        back = site.snapshots.by_slug(petition.slug)
        assert back and (back.counts.confirmed, back.counts.withdrawn, back.counts.counted) == (3, 1, 1)
        assert database.query("SELECT shown_names FROM signing_total") == [('["Max"]',)]
    finally:
        database.close()
    if site.vendor == "sqlite":
        assert suzie.operation.sealed[-64:] not in (site.data / "sabal.sqlite3").read_bytes()


def day(now: float) -> int:
    return int(now) // 86_400


def test_what_is_restored_is_private_at_every_moment(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps its files itself")
    site.publish()
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    seen: dict[str, int] = {}
    suppress_again = restoring._suppress_again

    def look(database: raw.Database) -> tuple[int | None, int]:
        seen.update({path.name: path.stat().st_mode & 0o777 for path in site.data.glob("*sqlite3*")})
        return suppress_again(database)

    monkeypatch.setattr(restoring, "_suppress_again", look)
    umask = os.umask(0)
    try:
        restore(tmp_path / "copy")
    finally:
        os.umask(umask)
    draft = ".sabal.sqlite3.partial"
    assert seen == {draft: 0o600, f"{draft}-wal": 0o600, f"{draft}-shm": 0o600}
    assert {path.stat().st_mode & 0o777 for path in site.data.glob("sabal.sqlite3*")} == {0o600}


def test_a_house_that_holds_something_is_not_written_over(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish()
    backup(tmp_path / "copy")
    with pytest.raises(Refusal, match="already"):
        restore(tmp_path / "copy")
    assert site.rows("petitions_petition") == 1


def test_a_changed_backup_is_refused(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    manifest = json.loads((tmp_path / "copy" / "backup.json").read_text())
    victim = tmp_path / "copy" / next(iter(manifest["sha256"]))
    victim.write_bytes(victim.read_bytes()[:-1] + b"\x00\x01")
    with pytest.raises(Refusal, match="changed"):
        restore(tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy")
    (tmp_path / "copy").mkdir()
    with pytest.raises(Refusal, match="no backup"):
        restore(tmp_path / "copy")


def write_again(copy: Path, site: SiteOfTests | None = None, **changes: object) -> None:
    """What Eve can do who may write where backups lie: make the manifest fit. With a house, its key too."""
    manifest = json.loads((copy / "backup.json").read_text())
    manifest["sha256"] = {name: digest(copy / name) for name in manifest["sha256"]}
    manifest |= changes
    if site:
        manifest["mac"] = mac(site.keystore, manifest)
    (copy / "backup.json").write_text(json.dumps(manifest))


def test_a_manifest_that_the_house_did_not_write_is_refused(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eve exchanges the organiser's key, and makes every SHA-256 fit."""
    site.publish()
    copy = tmp_path / "copy"
    backup(copy)
    empty_database(site, request, monkeypatch)
    key = str(site.identity.recipient).encode()
    victim = next(path for path in copy.iterdir() if key in path.read_bytes())
    good = victim.read_bytes()
    victim.write_bytes(good.replace(key, str(agefile.generate().recipient).encode()))
    write_again(copy)
    with pytest.raises(Refusal, match=r"backup\.json was changed since it was written"):
        restore(copy)
    victim.write_bytes(good)
    for mac_ in ("", None, "\ud800", 7):
        write_again(copy, mac=mac_)
        with pytest.raises(Refusal, match=r"backup\.json was changed"):
            restore(copy)
    write_again(copy, site)
    assert restore(copy).signatures == 0


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        (
            "CREATE TRIGGER t AFTER INSERT ON signing_signature BEGIN DELETE FROM signing_signature; END",
            "trigger t",
        ),
        ("CREATE VIEW v AS SELECT * FROM signing_signature", "view v"),
        ("CREATE TABLE signing_copy (w BLOB)", "table signing_copy"),
        ("ALTER TABLE signing_signature ADD COLUMN email TEXT", "table signing_signature"),
        ("DROP INDEX signing_signature_dedupe_tag", "index signing_signature_dedupe_tag"),
    ],
)
def test_a_database_that_is_not_as_migrations_make_it_is_refused(
    site: SiteOfTests,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    sql: str,
    named: str,
) -> None:
    """Should the MAC ever be right: a trigger would run in the restored house."""
    if site.vendor == "postgresql":
        pytest.skip("PostgreSQL's backup holds rows, and the schema is made anew")
    site.publish()
    backup(tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy" / "sabal.sqlite3") as connection:
        connection.execute(sql)
    write_again(tmp_path / "copy", site)
    empty_database(site, request, monkeypatch)
    with pytest.raises(Refusal, match=f"differs from what Sabal makes .*{named}"):
        restore(tmp_path / "copy")
    assert not list(site.data.glob("*sabal.sqlite3*"))


def test_a_file_that_is_exchanged_while_it_is_read_is_refused(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    victim = tmp_path / "copy" / ("sabal.sqlite3" if site.vendor == "sqlite" else "signing_total.copy")
    checked = restoring._checked

    def then_changed(*arguments: Any) -> dict[str, Any]:
        manifest = checked(*arguments)
        victim.write_bytes(victim.read_bytes() + b"\0")
        return manifest

    monkeypatch.setattr(restoring, "_checked", then_changed)
    with pytest.raises((Refusal, psycopg.Error)):
        restore(tmp_path / "copy")


def test_a_lost_pepper_is_named(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    site.keystore.destroy(site.database, pepper_name(petition.id, petition.pepper_epoch))
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    assert restore(tmp_path / "copy").without_pepper == (petition.slug,)


def test_a_key_that_may_be_made_anew_is(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    site.keystore.destroy(site.database, SUBSCRIBERS)
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    assert restore(tmp_path / "copy").new_keys == (SUBSCRIBERS,)


def test_another_house_key_restores_nothing(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    right = settings.SERVER_KEY_FILE.read_text()
    settings.SERVER_KEY_FILE.write_text("ab" * 32)
    with pytest.raises(Refusal, match=r"server\.key is not this backup's"):
        restore(tmp_path / "copy")
    assert not list(site.data.glob("*sabal.sqlite3*"))
    settings.SERVER_KEY_FILE.unlink()
    with pytest.raises(KeyMissing, match="put it back"):
        restore(tmp_path / "copy")
    settings.SERVER_KEY_FILE.write_text(right)
    restored = restore(tmp_path / "copy")  # nothing was in the way
    assert restored.suppressed is None  # and that there is no suppression file is known


def test_another_house_key_is_known_by_any_key(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    for name in (SUBSCRIBERS, SUPPRESSION):
        site.keystore.destroy(site.database, name)
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    settings.SERVER_KEY_FILE.write_text("ab" * 32)
    with pytest.raises(Refusal, match=r"server\.key is not this backup's"):
        restore(tmp_path / "copy")


def test_what_fails_on_the_way_leaves_an_empty_house(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(site, site.publish())
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(restoring, "_suppress_again", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restore(tmp_path / "copy")
    assert not list(site.data.glob("*sabal.sqlite3*"))
    assert restore(tmp_path / "copy").signatures == 1


def test_a_restore_that_was_killed_is_not_folded_into_the_next(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor == "postgresql":
        pytest.skip("PostgreSQL rolls back by itself")
    confirmed(site, site.publish())
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    draft = site.data / ".sabal.sqlite3.partial"
    script = (
        "import os, shutil, sys; from sabal import database; shutil.copyfile(*sys.argv[1:3]);"
        "d = database.connect('sqlite://' + sys.argv[2]); d.execute('DELETE FROM signing_signature'); os._exit(9)"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "copy" / "sabal.sqlite3"), str(draft)],
        timeout=60,
        check=False,
    )
    assert draft.with_name(f"{draft.name}-wal").stat().st_size > 0  # committed, and in its log alone
    assert restore(tmp_path / "copy").signatures == 1
    assert not list(site.data.glob(".*partial*"))


def test_a_log_that_was_left_behind_is_not_folded_in(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor == "postgresql":
        pytest.skip("SQLite alone has a log beside its file")
    site.publish()
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    (site.data / "sabal.sqlite3-wal").write_bytes(b"old pages")
    with pytest.raises(Refusal, match=r"sabal\.sqlite3-wal exists already"):
        restore(tmp_path / "copy")


def test_a_first_start_is_not_in_the_way_on_postgresql_and_is_named_on_sqlite(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    first_use.prepare()
    if site.vendor == "sqlite":
        with pytest.raises(Refusal, match=r"move sabal\.sqlite3\* away"):
            restore(tmp_path / "copy")
        return
    restored = restore(tmp_path / "copy")
    assert restored.new_keys == restored.without_pepper == ()
    with raw.connect()._connection as connection:  # type: ignore[attr-defined]
        slug = connection.execute("SELECT slug FROM petitions_petition").fetchall()
    assert slug == [(petition.slug,)]
    assert drafts.import_files(other_petition(petition)).pk != petition.id  # numbers go on


def other_petition(petition: PetitionSnapshot) -> dict[str, str]:
    files = drafts.export_files(petition.slug)
    return {
        name: text.replace(f'slug = "{petition.slug}"', 'slug = "another"') for name, text in files.items()
    }


def test_a_backup_of_an_older_schema_is_migrated_before_who_left_since_is_erased(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    confirmed(site, petition, "max@example.org")
    old_rows = {table: rows for table, rows in backups.ROWS.items() if table != "ledger_lost"}
    kept = {table: _rows(site, table) for table in old_rows}
    for log in kept["ledger_log"]:  # what the older schema lacks
        del log["read_only"], log["seen_size"]
    empty_database(site, request, monkeypatch)
    call_command("migrate", "ledger", "0001_initial", verbosity=0)
    for app in ("keys", "petitions", "mail", "newsletter", "signing"):
        call_command("migrate", app, verbosity=0)
    site.database = raw.connect()
    with site.database.transaction():
        for table, rows in kept.items():
            if rows:
                site.database.insert(table, tuple(rows[0]), [tuple(row.values()) for row in rows])
    with monkeypatch.context() as then:
        then.setattr(backups, "ROWS", old_rows)
        backup(tmp_path / "copy")
    erasure_journal.append([Erasure(erasure_journal.WITHDRAWN, suzie.operation.commitment, petition.id)])
    empty_database(site, request, monkeypatch)
    restored = restore(tmp_path / "copy")
    assert (restored.signatures, restored.erased) == (1, 1)
    site.database = raw.connect()
    assert [bool(log["read_only"]) for log in _rows(site, "ledger_log")] == [True]
    assert site.database.query("SELECT country FROM signing_waiting") == [("KR",), ("KR",)]
    assert _rows(site, "signing_withdrawal") == [
        {
            "commitment": suzie.operation.commitment,
            "petition_id": petition.id,
            "version_id": petition.version_id,
            "reason": 1,
            "revoked": 0,
        }
    ]


def _rows(site: SiteOfTests, table: str) -> list[dict[str, Any]]:
    if site.vendor == "sqlite":
        columns = [row[1] for row in site.database.query(f"PRAGMA table_info({table})")]
    else:
        asked = "SELECT column_name FROM information_schema.columns WHERE table_name = ? ORDER BY ordinal_position"
        columns = [row[0] for row in site.database.query(asked, (table,))]
    rows = site.database.query(f"SELECT {', '.join(columns)} FROM {table}")
    plain = [[bytes(value) if isinstance(value, memoryview) else value for value in row] for row in rows]
    return [dict(zip(columns, row, strict=True)) for row in plain]


def test_a_newer_house_s_backup_is_refused(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish()
    backup(tmp_path / "copy")
    manifest = json.loads((tmp_path / "copy" / "backup.json").read_text())
    manifest["migrations"].append("signing.9999_of_tomorrow")
    manifest["sabal"] = "9.9"
    manifest["mac"] = mac(site.keystore, manifest)
    (tmp_path / "copy" / "backup.json").write_text(json.dumps(manifest))
    with pytest.raises(Refusal, match=r"Sabal 9\.9\. Restore it with that version"):
        restore(tmp_path / "copy")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "\x00"])
def test_a_damaged_manifest_is_named(site: SiteOfTests, tmp_path: Path, text: str) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "backup.json").write_text(text)
    with pytest.raises(Refusal, match="no backup"):
        restore(tmp_path / "copy")


@pytest.mark.slow
def test_the_commands_say_what_the_operator_must_know(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    site.keystore.destroy(site.database, pepper_name(petition.id, petition.pepper_epoch))

    def sabal(*arguments: str, code: int = 0) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
        environment |= {"SABAL_DATA": str(site.data), "SABAL_DATABASE_URL": settings.DATABASE_URL}
        done = subprocess.run(
            [sys.executable, "-m", "sabal", *arguments],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    said = sabal("backup", "copy")
    assert "server key" in said and str(settings.SERVER_KEY_FILE) in said and "erasure-journal.jsonl" in said
    assert "not empty" in sabal("backup", "copy", code=2)
    assert "not empty" in sabal("backup", ".", code=2)
    assert "restore again" in (again := sabal("restore", "copy", code=2)) or "an empty database" in again
    empty_database(site, request, monkeypatch)
    said = sabal(
        "restore", "copy", code=1
    )  # no worker has shown its log yet: nobody but the operator can know that
    assert f"sabal restore --adopt {petition.slug} --never-shown" in said
    assert "lost" in said and f"sabal keys renew-pepper {petition.slug}" in said
    assert "no erasure journal" in said
    assert "Signing goes on" in sabal("keys", "renew-pepper", petition.slug)
