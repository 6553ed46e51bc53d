"""Restore: a backup into an empty house, then what no backup can know: who unsubscribed or said "not me" since."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from psycopg import sql

from sabal import database as raw
from sabal import settings, suppression
from sabal.keys.house import House, KeyMissing, open_house, pepper_name
from sabal.keys.ring import SUBSCRIBERS, SUPPRESSION
from sabal.operating.backup import FORMAT, MANIFEST, ROWS, SQLITE_FILE, digest
from sabal.petitions.definition import Refusal


@dataclass(frozen=True)
class Restored:
    """What came back, and what does not work yet."""

    made: str
    signatures: int
    suppressed: int  # lines of the suppression file that were applied again
    without_pepper: tuple[str, ...]  # petitions that cannot take signatures until their pepper is renewed


def restore(directory: Path) -> Restored:
    """Put a backup into the empty database of this house. Raises Refusal with the next step; nothing half-restored."""
    manifest = _checked(directory)
    house = open_house()  # without it the restored keys would open nothing: say so before anything is written
    sqlite = settings.DATABASE_URL.startswith("sqlite://")
    if manifest["database"] != ("sqlite" if sqlite else "postgresql"):
        raise Refusal(
            f"This backup is of {manifest['database']}; set SABAL_DATABASE_URL to a database of that kind."
        )
    if sqlite:
        _into_sqlite(directory, Path(settings.DATABASE_URL.removeprefix("sqlite://")))
    else:
        _into_postgresql(directory, settings.DATABASE_URL)
    database = raw.connect()
    try:
        _refuse_foreign_key(database, house)
        suppressed = _suppress_again(database)
        signatures = int(database.query("SELECT COUNT(*) FROM signing_signature")[0][0])
        return Restored(
            str(manifest["made"]), signatures, suppressed, tuple(_without_pepper(database, house))
        )
    finally:
        database.close()


def _checked(directory: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Refusal(f"{directory} holds no backup: {MANIFEST} is missing or damaged.") from None
    if manifest.get("format") != FORMAT:
        raise Refusal(f"{directory} was not written by this version of sabal backup.")
    for name, expected in manifest["sha256"].items():
        path = directory / Path(name).name
        if not path.is_file() or digest(path) != expected:
            raise Refusal(f"{path} is missing or was changed since the backup; take an older backup.")
    return manifest


def _into_sqlite(directory: Path, target: Path) -> None:
    if target.exists():
        raise Refusal(f"There is a database at {target} already; move it away, then restore again.")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.partial")
    shutil.copyfile(directory / SQLITE_FILE, draft)
    draft.chmod(0o600)
    with draft.open("rb") as handle:
        os.fsync(handle.fileno())
    draft.rename(target)
    call_command("migrate", verbosity=0, interactive=False)


def _into_postgresql(directory: Path, url: str) -> None:
    call_command("migrate", verbosity=0, interactive=False)
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT 1 FROM petitions_petition LIMIT 1").fetchone():
            raise Refusal("This database holds petitions already; restore into an empty one.")
        connection.execute("DELETE FROM keys_key")
        for table in ROWS:
            into = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
            with (directory / f"{table}.copy").open("rb") as file, connection.cursor().copy(into) as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
        for table in (
            "petitions_petition",
            "petitions_version",
        ):  # their serial numbers go on after the restored ones
            connection.execute(
                sql.SQL(
                    "SELECT setval(pg_get_serial_sequence(%s, 'id'), COALESCE(MAX(id), 1)) FROM {}"
                ).format(sql.Identifier(table)),
                (table,),
            )


def _refuse_foreign_key(database: raw.Database, house: House) -> None:
    for name in (SUBSCRIBERS, SUPPRESSION):
        try:
            house.find(database, name)
        except KeyMissing:
            raise Refusal(
                "The backup is restored, but the house key here does not open its keys: put the right house key at"
                f" {settings.HOUSE_KEY_FILE} before you start the house."
            ) from None


def _suppress_again(database: raw.Database) -> int:
    applied = 0
    with database.transaction():
        for entry in suppression.read():
            applied += 1
            if entry.kind == suppression.UNSUBSCRIBED:
                database.execute(
                    "DELETE FROM newsletter_subscription WHERE petition_id = ? AND address_hash = ?",
                    (entry.petition_id, entry.hash),
                )
            elif entry.kind == suppression.NOT_ME:
                database.insert(
                    "signing_suppression",
                    ("hash", "petition_id"),
                    [(entry.hash, entry.petition_id)],
                    ignore=True,
                )
    return applied


def _without_pepper(database: raw.Database, house: House) -> list[str]:
    lacking = []
    for petition_id, slug, era in database.query(
        "SELECT id, slug, era FROM petitions_petition WHERE era > 0"
    ):
        try:
            house.find(database, pepper_name(petition_id, era))
        except KeyMissing:
            lacking.append(slug)
    return lacking
