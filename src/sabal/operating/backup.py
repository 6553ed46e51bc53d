"""Backup: a consistent copy of the database, taken while the house runs, without what must not be copied.

Left out: the house key (it is not in the database), letters and the day's mail keys, pending signatures with their
sealed records, and subscriptions that nobody has confirmed. What was deleted is not in free pages either.
"""

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from sabal import database as raw
from sabal import settings
from sabal.petitions.definition import Refusal

FORMAT = "sabal backup, version 1"
MANIFEST = "backup.json"
SQLITE_FILE = "sabal.sqlite3"

# Table → the condition that a row must meet to be copied; tables that are not named here are not copied.
ROWS = {
    "petitions_petition": "TRUE",
    "petitions_version": "TRUE",
    "keys_key": "name NOT LIKE 'mail/%'",
    "signing_signature": "TRUE",
    "signing_access": "TRUE",
    "signing_sealed": "id IN (SELECT sealed_id FROM signing_signature)",
    "signing_withdrawal": "TRUE",
    "signing_suppression": "TRUE",
    "signing_bucket": "TRUE",
    "signing_total": "TRUE",
    "newsletter_subscription": "state = 2",
    "newsletter_consent": "TRUE",
    "mail_traffic": "TRUE",
}
NEVER = ("signing_pending", "mail_letter")


def backup(directory: Path) -> dict[str, int]:
    """Write a backup into a new folder, all or nothing; returns the rows of each table. Raises Refusal, OSError."""
    if directory.exists() and any(directory.iterdir()):
        raise Refusal(f"{directory} is not empty; name a folder that does not exist yet.")
    draft = directory.with_name(f".{directory.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    try:
        sqlite = settings.DATABASE_URL.startswith("sqlite://")
        counts = _sqlite(draft) if sqlite else _postgresql(draft, settings.DATABASE_URL)
        _write_manifest(draft, "sqlite" if sqlite else "postgresql", counts)
        if directory.exists():
            directory.rmdir()
        draft.rename(directory)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return counts


def _sqlite(draft: Path) -> dict[str, int]:
    copy = draft / SQLITE_FILE
    live = raw.connect()
    try:
        # Not a stepwise backup, which begins anew at every write and under load never ends.
        live.execute("VACUUM INTO ?", (str(copy),))
    finally:
        live.close()
    database = raw.connect(f"sqlite://{copy}")
    try:
        for table in NEVER:
            database.execute(f"DELETE FROM {table}")
        for table, condition in ROWS.items():
            database.execute(f"DELETE FROM {table} WHERE NOT ({condition})")
        database.execute("VACUUM")
        database.execute("PRAGMA journal_mode=DELETE")  # one file, no log beside it
        counts = {table: int(database.query(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in ROWS}
    finally:
        database.close()
    for beside in draft.iterdir():
        if beside != copy:
            beside.unlink()
    copy.chmod(0o600)
    return counts


def _postgresql(draft: Path, url: str) -> dict[str, int]:
    counts = {}
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        for table, condition in ROWS.items():
            rows = sql.SQL("SELECT * FROM {} WHERE {}").format(sql.Identifier(table), sql.SQL(condition))
            out = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(rows)
            descriptor = os.open(draft / f"{table}.copy", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file, connection.cursor() as cursor:
                with cursor.copy(out) as copy:
                    for block in copy:
                        file.write(block)
                counts[table] = cursor.rowcount
    return counts


def _write_manifest(draft: Path, vendor: str, counts: dict[str, int]) -> None:
    files = {path.name: digest(path) for path in sorted(draft.iterdir())}
    document = {
        "format": FORMAT,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": vendor,
        "rows": counts,
        "sha256": files,
    }
    path = draft / MANIFEST
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    path.chmod(0o600)
    for written in draft.iterdir():
        with written.open("rb") as handle:
            os.fsync(handle.fileno())


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
