"""Backup: make a consistent copy of the database while the server runs, without the data that must not be copied.

Left out are the server key (it is not in the database), emails, the mail keys of the days, the hourly numbers of
emails, pending signatures with their sealed records, and unconfirmed subscriptions. They are never written to the copy,
so an interrupted backup does not hold them either. Free pages hold no deleted data.
"""

import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from sabal import __version__, locks, private, settings
from sabal import database as raw
from sabal.keys.keystore import KeyStore, open_keystore
from sabal.refusal import Refusal

FORMAT = "sabal backup, version 2"
MANIFEST = "backup.json"
SQLITE_FILE = "sabal.sqlite3"

# Table → the condition for copying a row. Tables that are not listed here are not copied.
ROWS = {
    "petitions_petition": "TRUE",
    "petitions_version": "TRUE",
    "keys_key": "name NOT LIKE 'mail/%'",
    "signing_signature": "TRUE",
    "signing_waiting": "TRUE",
    "signing_log_index": "TRUE",
    "signing_counted": "TRUE",
    "signing_access": "TRUE",
    "signing_sealed": "id IN (SELECT sealed_id FROM signing_signature)",
    "signing_withdrawal": "TRUE",
    "signing_suppression": "TRUE",
    "signing_bucket": "TRUE",
    "signing_total": "TRUE",
    "signing_history": "TRUE",
    "signing_asked": "TRUE",
    "signing_source": "TRUE",
    "signing_drain": "TRUE",
    "limits_petition": "TRUE",
    "limits_rule": "TRUE",
    "ledger_log": "TRUE",
    "ledger_bundle": "TRUE",
    "ledger_batch": "TRUE",
    "ledger_lost": "TRUE",
    "ledger_offer": "TRUE",
    "newsletter_subscription": "state = 2",
    "newsletter_consent": "TRUE",
    "newsletter_suppression": "TRUE",
    "newsletter_transfer": "TRUE",
    "newsletter_ended": "TRUE",
    "bounces_bounce": "TRUE",
    "bounces_total": "TRUE",
    "mailings_newsletter": "TRUE",
    "mailings_mailing": "TRUE",
    "mailings_mailingtext": "TRUE",
    "mailings_sum": "TRUE",
    "accounts_user": "TRUE",
    "accounts_organisation": "TRUE",
    "accounts_ownership": "TRUE",
    "accounts_listowner": "TRUE",
    "accounts_membership": "TRUE",
    "accounts_auditentry": "TRUE",
    "updates_post": "TRUE",
    "updates_postversion": "TRUE",
    "updates_pace": "TRUE",
    "delivery_step": "TRUE",
    "delivery_statement": "TRUE",
    "delivery_continuation": "TRUE",
    "delivery_proof": "TRUE",
    "delivery_reminder": "TRUE",
    "elsewhere_othercount": "TRUE",
    "delivery_contact": "TRUE",
    "elsewhere_material": "TRUE",
    "elsewhere_sealingkey": "TRUE",
    "elsewhere_invitationlist": "TRUE",
    "elsewhere_invited": "TRUE",
    "delivery_sendingrules": "TRUE",
    "delivery_occasion": "kind <> 'test'",
    "delivery_enclosure": "TRUE",
    "delivery_dispatch": "occasion_id IN (SELECT id FROM delivery_occasion WHERE kind <> 'test')",
    "desk_translation": "TRUE",
    "desk_revision": "TRUE",
    "account_emailaddress": "TRUE",
    "mfa_authenticator": "TRUE",
}
# Migrations fill these, and the desk does not use them.
FILLED = ("auth_group", "auth_group_permissions", "auth_permission", "django_content_type")
# The hourly numbers of emails are left out too: an hour and a small provider can reveal when a person signed.
NEVER = (
    *("signing_pending", "mail_email", "mail_traffic", "mail_relay"),
    "elsewhere_invitationpart",
    *("accounts_invitation", "account_emailconfirmation", "usersessions_usersession", "django_session"),
    *("mailings_recipient", "mailings_pace", "mailings_mailingtest"),
    *("desk_job", "desk_moderation", "django_tasks_database_dbtaskresult"),
    *FILLED,
)
LEFT_OUT = (
    "the server key",
    "emails, the mail keys of their days, and the hourly numbers of emails",
    "signatures and subscriptions that were not confirmed yet",
    "to whom newsletters were sent: a newsletter that was being sent is cancelled in the copy",
    "open sessions and invitations of the desk, and its secret: set up authenticator apps again afterwards",
)
_MIGRATIONS = "SELECT app || '.' || name FROM django_migrations ORDER BY 1"


@dataclass(frozen=True)
class _Copied:
    """The number of rows and the columns (in the order of the copy) of each table, and the migrations of the schema."""

    rows: dict[str, int]
    columns: dict[str, list[str]]
    migrations: list[str]


def backup(directory: Path) -> dict[str, int]:
    """Write a backup into a new folder, completely or not at all, and return the number of rows of each table.

    Raises Refusal, OSError, and KeyMissing if there is no server key, which authenticates the backup.
    """
    keystore = open_keystore()
    directory = directory.absolute()
    if directory.exists() and any(directory.iterdir()):
        raise Refusal(f"{directory} is not empty. Name a folder that does not exist yet.")
    draft = directory.with_name(f".{directory.name}.partial")
    _delete_interrupted(directory.parent)
    if draft.exists():
        raise Refusal(
            f"{draft} exists already: another backup is being written, or one was interrupted. Check, and move it"
            " away."
        )
    draft.mkdir(parents=True, mode=0o700)
    with _locked(draft):
        try:
            sqlite = settings.DATABASE_URL.startswith("sqlite://")
            copied = _sqlite(draft) if sqlite else _postgresql(draft, settings.DATABASE_URL)
            _write_manifest(draft, keystore, "sqlite" if sqlite else "postgresql", copied)
            draft.rename(directory)  # also replaces an empty folder
            private.flush(directory.parent)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return copied.rows


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def mac(keystore: KeyStore, document: Mapping[str, Any]) -> str:
    """Return the MAC of a manifest, which only this server can make: HMAC-SHA-256 over its JSON.

    The JSON is without `mac`, with sorted keys, without spaces, in ASCII. It holds the SHA-256 of every file. The key
    is HMAC(server key, "sabal/backup/1").
    """
    signed = {key: value for key, value in document.items() if key != "mac"}
    canonical = json.dumps(signed, sort_keys=True, separators=(",", ":")).encode("ascii")
    key = hmac.digest(keystore.key, b"sabal/backup/1", "sha256")
    return hmac.digest(key, canonical, "sha256").hex()


def _delete_interrupted(folder: Path) -> None:
    """Delete the drafts of interrupted backups; not the draft of a running one, and no folder with other files."""
    for draft in folder.glob(".*.partial"):
        if draft.is_symlink() or not draft.is_dir() or not all(map(_is_ours, draft.iterdir())):
            continue
        with _locked(draft) as free:
            if free:
                shutil.rmtree(draft, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    ours = (SQLITE_FILE, MANIFEST, "db.lock", *(f"{table}.copy" for table in ROWS))
    return path.name.removeprefix(".").startswith(ours)


@contextmanager
def _locked(draft: Path) -> Iterator[bool]:
    """Try to lock the folder, and yield whether it was free. The lock ends with the block or with the process."""
    folder = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield locks.take(folder)
    finally:
        os.close(folder)


def _sqlite(draft: Path) -> _Copied:
    copy = draft / SQLITE_FILE
    private.create(copy, ())  # SQLite would make it readable for others
    database = raw.connect(f"sqlite://{copy}")
    try:
        database.execute("PRAGMA journal_mode=OFF")  # a single file; after an error it is deleted
        database.execute("ATTACH ? AS live", (settings.DATABASE_URL.removeprefix("sqlite://"),))
        # Copy row by row, so that data that must not be copied is never written here, even for a moment. The
        # transaction reads one consistent state. SQLite's online backup would restart at every write, and under load
        # never end.
        database.execute("BEGIN")
        _copy_rows(database)
        database.execute("COMMIT")
        database.execute("DETACH live")
        if database.query("PRAGMA quick_check") != [("ok",)]:
            raise Refusal(
                "The copy is damaged, and the database may be too. Run sabal doctor, and keep older backups."
            )
        copied = _Copied(
            {table: int(database.query(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in ROWS},
            {t: [row[1] for row in database.query(f"PRAGMA table_info({t})")] for t in ROWS},
            [row[0] for row in database.query(_MIGRATIONS)],
        )
    finally:
        database.close()
    for other in draft.iterdir():
        if other != copy:
            other.unlink()
    private.flush(copy)
    return copied


def _copy_rows(database: raw.Database) -> None:
    """Copy the tables of `ROWS`, then their indexes. Triggers and views are left out: Sabal has none."""
    where, params = database.among("tbl_name", [*ROWS, *NEVER, "django_migrations"])
    objects = database.query(
        f"SELECT type, sql FROM live.sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL AND {where}",
        params,
    )
    for kind, text in objects:
        if kind == "table":
            database.execute(text)
    for table, condition in {**ROWS, "django_migrations": "TRUE"}.items():
        # A condition about another table reads the copy, which has that table's rows already (see the order of ROWS).
        database.execute(f"INSERT INTO main.{table} SELECT * FROM live.{table} WHERE {condition}")
    for kind, text in objects:
        if kind == "index":
            database.execute(text)


def _postgresql(draft: Path, url: str) -> _Copied:
    rows, columns = {}, {}
    with psycopg.connect(url) as connection:
        # One snapshot for all tables.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        migrations = [row[0] for row in connection.execute(_MIGRATIONS)]
        for table, condition in ROWS.items():
            columns[table] = [
                column.name
                for column in connection.execute(f"SELECT * FROM {table} LIMIT 0").description or ()
            ]
            names = sql.SQL(",").join(map(sql.Identifier, columns[table]))
            chosen = sql.SQL("SELECT {} FROM {} WHERE {}").format(
                names, sql.Identifier(table), sql.SQL(condition)
            )
            out = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(chosen)
            with connection.cursor() as cursor:
                with cursor.copy(out) as copy:
                    private.create(draft / f"{table}.copy", map(bytes, copy))
                rows[table] = cursor.rowcount
    return _Copied(rows, columns, migrations)


def _write_manifest(draft: Path, keystore: KeyStore, vendor: str, copied: _Copied) -> None:
    document: dict[str, Any] = {
        "format": FORMAT,
        "sabal": __version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": vendor,
        "migrations": copied.migrations,
        "left_out": LEFT_OUT,
        "rows": copied.rows,
        "columns": copied.columns,
        "sha256": {path.name: digest(path) for path in sorted(draft.iterdir())},
    }
    document["mac"] = mac(keystore, document)
    private.create(draft / MANIFEST, [json.dumps(document, indent=1).encode() + b"\n"])
