"""Backup: the data that a copy has, and the data that it must never have."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sabal import database as raw
from sabal import private, token
from sabal.mail import traffic
from sabal.operating import backup as copying
from sabal.operating.backup import NEVER, ROWS, backup
from sabal.refusal import Refusal
from signing.steps import confirmed, signed
from sites import SiteOfTests


def test_secrets_names_and_pending_data_are_not_copied(site: SiteOfTests, tmp_path: Path) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition, name="Suzie 수지", subscribe=("newsletter",))
    pending = signed(site, petition, "max@example.org")
    day_key = site.keystore.mail_key(site.database, site.keyring.mail[0])  # type: ignore[index]
    wrapped = bytes(site.database.query("SELECT wrapped FROM keys_key WHERE name LIKE ?", ("mail/%",))[0][0])
    backup(tmp_path / "copy")
    content = b"".join(path.read_bytes() for path in sorted((tmp_path / "copy").iterdir()))
    never = {
        "the server key": [site.keystore.key, site.keystore.key.hex().encode()],
        "a mail key": [day_key, wrapped],
        "a name": [b"Suzie", "수지".encode()],
        "an email address": [b"suzie@example.org", b"max@example.org"],
        "a token": [
            form
            for t in (suzie.t, pending.t)
            for form in (t, t.hex().encode(), token.encode(t).encode(), token.encode(t).upper().encode())
        ],
        "a pending signature": [
            pending.digest,
            pending.operation.pending_payload,
            pending.operation.sealed[-64:],
        ],
        "an email": [suzie.operation.email_body, pending.operation.email_body],
    }
    for what, needles in never.items():
        for needle in needles:
            assert needle not in content, f"{what} is in the backup"
    assert suzie.operation.sealed[-64:] in content  # the sealed record is copied
    assert site.rows("signing_pending") == 1 and site.rows("mail_email") == 2  # the site still has them


def test_pending_data_is_not_even_written_for_a_moment(
    site: SiteOfTests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that is killed leaves its files as they are at that moment."""
    petition = site.publish()
    pending = signed(site, petition, "max@example.org")
    wrapped = bytes(site.database.query("SELECT wrapped FROM keys_key WHERE name LIKE ?", ("mail/%",))[0][0])
    contents: list[bytes] = []
    moments = [(raw.SQLite, "execute"), (raw.SQLite, "query"), (private, "create"), (private, "flush")]
    for where, name in moments:
        original = getattr(where, name)

        def watch(*arguments: Any, _original: Any = original) -> Any:
            answer = _original(*arguments)
            files = (path for path in (tmp_path / ".copy.partial").glob("*") if path.is_file())
            contents.append(b"".join(path.read_bytes() for path in files))
            return answer

        monkeypatch.setattr(where, name, watch)
    backup(tmp_path / "copy")
    assert len(contents) > 10
    for needle in (pending.digest, pending.operation.email_body, pending.operation.sealed[-64:], wrapped):
        assert not any(needle in content for content in contents)


def test_hourly_numbers_of_emails_are_not_copied(site: SiteOfTests, tmp_path: Path) -> None:
    """An hour and a small provider can reveal when a person signed."""
    site.publish()
    with site.database.transaction():
        traffic.add(site.database, 400_000, Counter({("tinyprovider", traffic.End.ACCEPTED): 1}))
    assert "mail_traffic" not in backup(tmp_path / "copy")
    assert not any(b"tinyprovider" in path.read_bytes() for path in (tmp_path / "copy").iterdir())


def test_drafts_of_interrupted_backups_are_deleted_by_the_next(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish()
    safe = tmp_path / "safe"
    ours, foreign, running = safe / ".2026-11-20.partial", safe / ".films.partial", safe / ".now.partial"
    for folder, file in ((ours, "sabal.sqlite3-journal"), (foreign, "film.mkv"), (running, "sabal.sqlite3")):
        folder.mkdir(parents=True)
        (folder / file).write_text("rows")
    (safe / ".link.partial").symlink_to(tmp_path)
    with copying._locked(running) as free:
        assert free
        backup(safe / "copy")
        assert sorted(path.name for path in safe.iterdir()) == [
            ".films.partial", ".link.partial", ".now.partial", "copy",
        ]  # fmt: skip
        with pytest.raises(Refusal, match="another backup is being written"):
            backup(safe / "now")
    backup(safe / "now")
    assert not running.exists() and foreign.exists()


def test_foreign_tables_views_and_triggers_are_not_copied(site: SiteOfTests, tmp_path: Path) -> None:
    if site.vendor == "postgresql":
        pytest.skip("PostgreSQL's backup holds rows alone")
    site.publish()
    site.database.execute("CREATE VIEW v AS SELECT * FROM signing_signature")
    site.database.execute("CREATE TRIGGER t AFTER INSERT ON signing_signature BEGIN SELECT 1; END")
    site.database.execute("CREATE TABLE collected (w BLOB)")
    backup(tmp_path / "copy")
    database = raw.connect(f"sqlite://{tmp_path / 'copy' / 'sabal.sqlite3'}")
    names = [row[0] for row in database.query("SELECT name FROM sqlite_master")]
    database.close()
    assert "signing_signature_dedupe_tag" in names and not {"v", "t", "collected"} & set(names)


def test_every_table_is_copied_or_left_out_on_purpose(site: SiteOfTests) -> None:
    if site.vendor == "sqlite":
        rows = site.database.query(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    else:
        rows = site.database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row[0] for row in rows} - {"django_migrations"} == {*ROWS, *NEVER}


def test_files_and_folder_are_private(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish()
    backup(tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "copy").iterdir())


def test_a_backup_overwrites_nothing(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish()
    backup(tmp_path / "copy")
    with pytest.raises(Refusal, match="not empty"):
        backup(tmp_path / "copy")


def test_a_backup_while_people_sign_is_consistent(site: SiteOfTests, tmp_path: Path) -> None:
    """Every signature of the copy has its record, and every record has its signature."""
    petition = site.publish()
    confirmed(site, petition, "first@example.org")
    stop, done = threading.Event(), []

    def sign() -> None:
        while not stop.is_set() and len(done) < 2_000:
            confirmed(site, petition, f"s{len(done)}@example.org")
            done.append(None)

    thread = threading.Thread(target=sign)
    thread.start()
    try:
        copies = [backup(tmp_path / f"copy{n}") for n in range(3)]
    finally:
        stop.set()
        thread.join()
    assert done
    for counts in copies:
        assert counts["signing_signature"] == counts["signing_sealed"] > 0
    assert copies[0]["signing_signature"] <= copies[1]["signing_signature"] <= copies[2]["signing_signature"]


def test_a_backup_that_fails_leaves_nothing(
    site: SiteOfTests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    monkeypatch.setattr(copying, "_write_manifest", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backup(tmp_path / "safe" / "copy")
    assert list((tmp_path / "safe").iterdir()) == []
