"""Restore: a whole backup and restore, and the refusals before anything is written."""

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
from sabal.newsletter import leaving
from sabal.operating import backup as backups
from sabal.operating import restore as restoring
from sabal.operating.adopt import adopt_published
from sabal.operating.backup import backup, digest, mac
from sabal.operating.given import Given
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
    """Lose the database. The server key and the erasure journal stay."""
    site.database.close()
    if site.vendor == "sqlite":
        for path in site.data.glob("sabal.sqlite3*"):
            path.unlink()
        point_django_at(site.url)  # Django's connection was to the deleted file
        return

    point_django_at(site.url)  # away from the database that is dropped, if this is the second time
    server = request.getfixturevalue("postgresql_server")
    name = f"r_{site.data.name.replace('-', '_')[-20:]}".lower()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")  # type: ignore[arg-type]
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    url = other_database(site.url, name)
    monkeypatch.setattr(settings, "DATABASE_URL", url)
    point_django_at(url)


def test_a_backup_is_restored(
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
    assert leaving.unsubscribe(site.database, row_id)
    eve = signed(site, petition, "eve@example.org")
    assert site.writer.commit(site.database, [refusal(eve, petition)]) == [operations.Outcome.DONE]

    empty_database(site, request, monkeypatch)
    restored = restore(copy)
    assert (restored.signatures, restored.journal_lines) == (1, 2)
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
        signed(site, back, "max@example.org")  # the site takes signatures again
    finally:
        database.close()


def test_signatures_withdrawn_after_the_backup_are_erased(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Record, dedupe tag, links and shown name are erased, for Suzie (she withdrew) and for Eve (Max dropped her)."""
    petition = site.publish(show_names=True, profile='"open"')
    suzie = confirmed(site, petition, display="Suzie")
    again = confirmed(site, petition)
    max_ = confirmed(site, petition, "max@example.org", display="Max", name="Max")
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
    assert (restored.signatures, restored.journal_lines, restored.erased) == (1, 2, 2)
    assert list(erasure_journal.read()) == lines  # restoring adds no line
    database = raw.connect()
    try:
        assert find(database, [suzie.digest, again.digest, dropped.digest]) == [None, None, None]
        assert find(database, [max_.digest]) != [None]
        for table, number in (("signing_sealed", 1), ("signing_access", 0), ("signing_withdrawal", 2)):
            assert database.query(f"SELECT COUNT(*) FROM {table}") == [(number,)]
        assert database.query("SELECT published_names FROM signing_total") == [("[]",)]
        assert [one.refused for one in adopt_published(Given(), None, NOW)] == [""]
        site.sequence(petition, NOW + 60 * WEEK, database=database)
        site.snapshots.refresh(database, open_keystore())
        back = site.snapshots.by_slug(petition.slug)
        assert back and (back.counts.confirmed, back.counts.withdrawn, back.counts.counted) == (3, 1, 1)
        assert database.query("SELECT published_names FROM signing_total") == [('["Max"]',)]
    finally:
        database.close()
    if site.vendor == "sqlite":
        assert suzie.operation.sealed[-64:] not in (site.data / "sabal.sqlite3").read_bytes()


def day(now: float) -> int:
    return int(now) // 86_400


def test_restored_files_are_private_at_every_moment(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps its files itself")
    site.publish()
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    seen: dict[str, int] = {}
    apply_journal = restoring.apply_journal

    def watch(database: raw.Database) -> tuple[int | None, int]:
        seen.update({path.name: path.stat().st_mode & 0o777 for path in site.data.glob("*sqlite3*")})
        return apply_journal(database)

    monkeypatch.setattr(restoring, "apply_journal", watch)
    umask = os.umask(0)
    try:
        restore(tmp_path / "copy")
    finally:
        os.umask(umask)
    draft = ".sabal.sqlite3.partial"
    assert seen == {draft: 0o600, f"{draft}-wal": 0o600, f"{draft}-shm": 0o600}
    assert {path.stat().st_mode & 0o777 for path in site.data.glob("sabal.sqlite3*")} == {0o600}


def test_a_database_with_data_is_not_overwritten(site: SiteOfTests, tmp_path: Path) -> None:
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
    """Make the manifest fit changed files, as Eve can with write access to the backups. With `site`, sign it too."""
    manifest = json.loads((copy / "backup.json").read_text())
    manifest["sha256"] = {name: digest(copy / name) for name in manifest["sha256"]}
    manifest |= changes
    if site:
        manifest["mac"] = mac(site.keystore, manifest)
    (copy / "backup.json").write_text(json.dumps(manifest))


def test_a_manifest_that_the_server_did_not_write_is_refused(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eve replaces the organiser's key, and makes every SHA-256 fit."""
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
def test_a_database_with_a_foreign_schema_is_refused(
    site: SiteOfTests,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    sql: str,
    named: str,
) -> None:
    """Even with a valid MAC: a trigger would run in the restored database."""
    if site.vendor == "postgresql":
        pytest.skip("PostgreSQL's backup holds rows, and migrations make the schema")
    site.publish()
    backup(tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy" / "sabal.sqlite3") as connection:
        connection.execute(sql)
    write_again(tmp_path / "copy", site)
    empty_database(site, request, monkeypatch)
    with pytest.raises(Refusal, match=f"differs from what Sabal makes .*{named}"):
        restore(tmp_path / "copy")
    assert not list(site.data.glob("*sabal.sqlite3*"))


def test_a_file_that_is_changed_after_its_check_is_refused(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    victim = tmp_path / "copy" / ("sabal.sqlite3" if site.vendor == "sqlite" else "signing_total.copy")
    verified_manifest = restoring._verified_manifest

    def then_changed(*arguments: Any) -> dict[str, Any]:
        manifest = verified_manifest(*arguments)
        victim.write_bytes(victim.read_bytes() + b"\0")
        return manifest

    monkeypatch.setattr(restoring, "_verified_manifest", then_changed)
    with pytest.raises((Refusal, psycopg.Error)):
        restore(tmp_path / "copy")


def test_a_petition_without_its_pepper_is_named(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    site.keystore.destroy(site.database, pepper_name(petition.id, petition.pepper_epoch))
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    assert restore(tmp_path / "copy").without_pepper == (petition.slug,)


def test_a_lasting_key_that_is_missing_is_made_new(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    site.keystore.destroy(site.database, SUBSCRIBERS)
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    assert restore(tmp_path / "copy").new_keys == (SUBSCRIBERS,)


def test_with_another_server_key_nothing_is_restored(
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
    restored = restore(tmp_path / "copy")  # the refusals left nothing behind
    assert restored.journal_lines is None  # there is no erasure journal


def test_another_server_key_is_noticed_without_the_lasting_keys(
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


def test_a_restore_that_fails_leaves_no_database(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(site, site.publish())
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(restoring, "apply_journal", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restore(tmp_path / "copy")
    assert not list(site.data.glob("*sabal.sqlite3*"))
    assert restore(tmp_path / "copy").signatures == 1


def test_the_journal_of_a_killed_restore_is_not_applied_to_the_next(
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
    assert (
        draft.with_name(f"{draft.name}-wal").stat().st_size > 0
    )  # committed, and only in the write-ahead log
    assert restore(tmp_path / "copy").signatures == 1
    assert not list(site.data.glob(".*partial*"))


def test_a_leftover_write_ahead_log_is_refused(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor == "postgresql":
        pytest.skip("only SQLite has a write-ahead log beside its file")
    site.publish()
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    (site.data / "sabal.sqlite3-wal").write_bytes(b"old pages")
    with pytest.raises(Refusal, match=r"sabal\.sqlite3-wal exists already"):
        restore(tmp_path / "copy")


def test_after_a_first_start_postgresql_is_restored_and_sqlite_is_refused(
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
    assert drafts.import_files(other_petition(petition)).pk != petition.id  # new ids follow the restored ones


def other_petition(petition: PetitionSnapshot) -> dict[str, str]:
    files = drafts.export_files(petition.slug)
    return {
        name: text.replace(f'slug = "{petition.slug}"', 'slug = "another"') for name, text in files.items()
    }


def test_a_backup_of_an_older_schema_is_migrated_before_withdrawals_are_erased(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    confirmed(site, petition, "max@example.org")
    newer = (
        "ledger_lost",
        "ledger_offer",
        "limits_",
        "desk_",
        "accounts_",
        "account_",
        "mfa_",
        "bounces_",
        "mailings_",
        "updates_",
        "delivery_",
        "elsewhere_",
    )  # tables that the older schema lacks
    old_rows = {table: rows for table, rows in backups.ROWS.items() if not table.startswith(newer)}
    saved = {table: _rows(site, table) for table in old_rows}
    for log in saved["ledger_log"]:  # the older schema lacks these columns
        del log["read_only"], log["seen_size"]
    for batch in saved["ledger_batch"]:
        del batch["confirmed"], batch["withdrawn"], batch["invalidated"]
    empty_database(site, request, monkeypatch)
    call_command("migrate", "ledger", "0001_initial", verbosity=0)
    for app in ("keys", "petitions", "mail", "newsletter", "signing"):
        call_command("migrate", app, verbosity=0)
    site.database = raw.connect()
    with site.database.transaction():
        for table, rows in saved.items():
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
    assert site.rows("signing_waiting") == 2
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
    quoted = ", ".join(f'"{name}"' for name in columns)
    rows = site.database.query(f"SELECT {quoted} FROM {table}")
    plain = [[bytes(value) if isinstance(value, memoryview) else value for value in row] for row in rows]
    return [dict(zip(columns, row, strict=True)) for row in plain]


def test_a_backup_of_a_newer_version_is_refused(site: SiteOfTests, tmp_path: Path) -> None:
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
def test_the_commands_tell_the_operator_the_next_steps(
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
    # No worker has published the log yet, but only the operator can know that.
    said = sabal("restore", "copy", code=1)
    assert f"sabal restore --adopt {petition.slug} --never-shown" in said
    assert "lost" in said and f"sabal keys renew-pepper {petition.slug}" in said
    assert "no erasure journal" in said
    assert "Signing continues" in sabal("keys", "renew-pepper", petition.slug)
