"""The doctor's checks of stored data: the database, its keys, petitions and mail totals."""

import sqlite3
import time
from collections.abc import Iterator

import psycopg

from sabal import database
from sabal.counted import counted
from sabal.keys.keyring import SUBSCRIBERS, SUPPRESSION
from sabal.keys.keystore import KeyMissing, mail_key_name, open_keystore
from sabal.operating import petitions
from sabal.operating.findings import Finding
from sabal.operating.sent import sent
from sabal.petitions.lookup import all_published

SQLITE_SAFE = (3, 51, 3)
POSTGRESQL_OLDEST = 14
PAGE = 4096
_SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")


def unusable() -> Finding | None:
    """Return why the database cannot be used, or None. Unlike Django, this makes no empty file if there is none."""
    try:
        connection = database.connect()
    except (sqlite3.Error, psycopg.Error) as error:
        return Finding(
            "wrong",
            "D201",
            f"The database cannot be reached ({type(error).__name__}).",
            "Start the server once (sabal serve), or set SABAL_DATABASE_URL.",
        )
    try:
        connection.query("SELECT COUNT(*) FROM petitions_petition")
    except (sqlite3.Error, psycopg.Error) as error:
        return Finding(
            "wrong",
            "D201",
            f"The database has no Sabal tables yet ({type(error).__name__}).",
            "Start the server once: sabal serve",
        )
    finally:
        connection.close()
    return None


def database_and_keys() -> Iterator[Finding]:
    """Check the database's version and settings, the keys in it, the petitions, and the results of sending emails."""
    if trouble := unusable():
        yield trouble
        return
    connection = database.connect()
    try:
        yield from (_sqlite if connection.vendor == "sqlite" else _postgresql)(connection)
        yield from _keys(connection)
        yield from _petitions(connection)
        yield sent(connection, int(time.time()) // 3_600)
    finally:
        connection.close()


def _sqlite(connection: database.Database) -> Iterator[Finding]:
    source = "bundled" if sqlite3.__name__.startswith("pysqlite3") else "the system's"
    version = tuple(int(part) for part in sqlite3.sqlite_version.split("."))
    if version < SQLITE_SAFE:
        yield Finding(
            "warning",
            "D202",
            f"SQLite {sqlite3.sqlite_version} ({source}) can corrupt a database that two processes checkpoint.",
            "Install pysqlite3, which brings a newer one: pip install pysqlite3",
        )
    else:
        yield Finding("ok", "D202", f"SQLite {sqlite3.sqlite_version} ({source}).")
    for pragma, wanted in (
        ("journal_mode", "wal"),
        ("synchronous", "FULL"),
        ("secure_delete", 1),
        ("page_size", PAGE),
    ):
        found = connection.query(f"PRAGMA {pragma}")[0][0]
        if pragma == "synchronous":
            found = _SYNCHRONOUS[found]
        # A wrong page size only costs speed, and cannot change after the file was made.
        level = "ok" if found == wanted else "warning" if pragma == "page_size" else "wrong"
        hint = "" if level == "ok" else f"It should be {wanted}. Is something else writing to this file?"
        yield Finding(level, "D203", f"SQLite's {pragma} is {found}.", hint)


def _postgresql(connection: database.Database) -> Iterator[Finding]:
    version = connection.query("SHOW server_version")[0][0]
    number = int(connection.query("SHOW server_version_num")[0][0]) // 10_000
    if number < POSTGRESQL_OLDEST:
        hint = f"Upgrade to {POSTGRESQL_OLDEST} or newer."
        yield Finding("warning", "D202", f"PostgreSQL {version} is older than what is tested here.", hint)
    else:
        yield Finding("ok", "D202", f"PostgreSQL {version}.")
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        found = connection.query(f"SHOW {name}")[0][0]
        level = "wrong" if found == "off" else "ok"
        hint = (
            f"A power cut would lose signatures that were already accepted. Set {name} = on in postgresql.conf."
            if level == "wrong"
            else ""
        )
        yield Finding(level, "D203", f"PostgreSQL's {name} is {found}.", hint)


def _keys(connection: database.Database) -> Iterator[Finding]:
    try:
        keystore = open_keystore()
    except KeyMissing:
        return  # reported by another check
    day = int(time.time()) // 86_400
    today = mail_key_name(day)
    rows = {name: bytes(wrapped) for name, wrapped in connection.query("SELECT name, wrapped FROM keys_key")}
    unopened = [name for name, wrapped in sorted(rows.items()) if not keystore.opens(name, wrapped)]
    if unopened:
        yield Finding(
            "wrong",
            "D105",
            f"The server key does not open {len(unopened)} of {counted(len(rows), 'key')}: {', '.join(unopened[:5])}.",
            "This is another server's key, or the rows are damaged. Put the right key back from safe keeping.",
        )
    elif rows:
        yield Finding("ok", "D105", f"The server key opens every key in the database: {len(rows)}.")
    for name, level in ((SUPPRESSION, "wrong"), (SUBSCRIBERS, "wrong"), (today, "warning")):
        if name in rows:
            yield Finding("ok", "D106", f"The key {name} is here.")
        elif name == today:
            yield Finding(
                level,
                "D106",
                f"Today's mail key, {name}, is not made yet.",
                "A running server makes it in a second.",
            )
        else:
            yield Finding(
                level, "D106", f"The key {name} is not in the database.", "Restore it from a backup."
            )
    ahead = [name for name in rows if name.startswith("mail/") and int(name.removeprefix("mail/")) > day + 1]
    if ahead:
        yield Finding(
            "wrong",
            "D402",
            f"There is a mail key of a future day ({max(ahead)}). The clock is behind, or was ahead.",
            "Set the clock (timedatectl set-ntp true).",
        )


def _petitions(connection: database.Database) -> Iterator[Finding]:
    try:
        keystore = open_keystore()
    except KeyMissing:
        return
    for petition in all_published(connection, keystore):
        yield from petitions.examine(connection, petition)
