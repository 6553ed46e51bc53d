"""Restore a backup into an empty database, then apply the erasure journal, which has what happened after the backup.

The journal names who unsubscribed, withdrew, said "not me" or was invited. All checks run before the restored data is
visible, and after a crash the database is still empty. Afterwards every log is read-only until it has adopted the
entries that were published after the backup (adopt.py).
"""

import hashlib
import hmac
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection as django_connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from sabal import database as raw
from sabal import private, settings
from sabal.delivery.restored import hold
from sabal.elsewhere import restored as elsewhere
from sabal.keys.keyring import SUBSCRIBERS, SUPPRESSION
from sabal.keys.keystore import KeyStore, open_keystore
from sabal.mailings.running import cancel_unended
from sabal.operating import schema
from sabal.operating.adopt import make_all_read_only
from sabal.operating.backup import FILLED, FORMAT, MANIFEST, NEVER, SQLITE_FILE, digest, mac
from sabal.operating.erasures import apply_journal
from sabal.petitions.lookup import all_published
from sabal.refusal import Refusal
from sabal.updates import restored as updates

_FIRST_START = ("keys_key", "elsewhere_sealingkey")  # tables with the keys that a first start makes


@dataclass(frozen=True)
class Restored:
    """The restored data, and the parts that do not work yet."""

    made: str
    signatures: int
    journal_lines: int | None  # lines of the erasure journal that were applied; None if there is no journal
    erased: int  # signatures that those lines erased again
    new_keys: tuple[str, ...]  # keys that the backup lacked and that were made new
    states: tuple[tuple[str, str], ...]  # slug and state of each petition, as in the backup
    without_pepper: tuple[str, ...]  # slugs of petitions that take no signatures without a new dedupe key


def restore(directory: Path, *, aside: Path | None = None) -> Restored:
    """Restore a backup into the empty database of this server. Raises Refusal or KeyMissing with the next step.

    With `aside`, the SQLite database that is there is renamed so, once the restored one is complete.
    """
    keystore = open_keystore()
    manifest = _verified_manifest(directory, keystore)
    sqlite = settings.DATABASE_URL.startswith("sqlite://")
    if manifest["database"] != ("sqlite" if sqlite else "postgresql"):
        raise Refusal(
            f"This backup is of {manifest['database']}. Set SABAL_DATABASE_URL to a database of that kind."
        )
    if aside is not None and not sqlite:
        raise Refusal("--aside is for SQLite. Set SABAL_DATABASE_URL to an empty PostgreSQL database.")
    into = _into_sqlite(directory, manifest, aside) if sqlite else _into_postgresql(directory, manifest)
    with into as database:
        new_keys = tuple(_lasting_keys(database, keystore))
        journal_lines, erased = apply_journal(database)
        cancel_unended(database, int(time.time()))
        elsewhere.hold(database, int(time.time()))
        make_all_read_only(database)
        if "delivery_dispatch" in manifest["columns"]:  # an older backup has none
            hold(database, int(time.time()))
        if "updates_post" in manifest["columns"]:
            updates.hold(database, int(datetime.fromisoformat(manifest["made"]).timestamp()))
    database = raw.connect()
    try:
        signatures = int(database.query("SELECT COUNT(*) FROM signing_signature")[0][0])
        states = tuple(database.query("SELECT slug, state FROM petitions_petition ORDER BY id"))
        without_pepper = tuple(_without_pepper(database, keystore))
    finally:
        database.close()
    return Restored(
        str(manifest["made"]), signatures, journal_lines, erased, new_keys, states, without_pepper
    )


def _verified_manifest(directory: Path, keystore: KeyStore) -> dict[str, Any]:
    """Return the manifest of a backup after three checks: this server wrote it, its files match, its schema is known.

    Without the checks, a person with write access to the backups could replace the organiser's key, and read the
    signatures made after a restore.
    """
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        known = manifest["format"] == FORMAT
        files, migrations = dict(manifest["sha256"]), set(manifest["migrations"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Refusal(f"{directory} holds no backup: {MANIFEST} is missing or damaged.") from None
    # Compare bytes, because the file may hold any text.
    if known and not hmac.compare_digest(
        mac(keystore, manifest).encode(), str(manifest.get("mac")).encode(errors="replace")
    ):
        raise Refusal(
            f"The server key in {_key_source()} is not this backup's, or {directory / MANIFEST} was changed since"
            " it was written. Put the right key there. If it is the right one, somebody changed the backup: use"
            " another backup, and find out who. Nothing was restored."
        )
    if not known or not migrations <= _known_migrations():
        raise Refusal(
            f"This backup was written by Sabal {manifest.get('sabal', '?')}. Restore it with that version."
        )
    wanted = (
        {SQLITE_FILE}
        if manifest["database"] == "sqlite"
        else {f"{table}.copy" for table in manifest["columns"]}
    )
    for name in sorted(wanted | set(files)):
        path = directory / Path(name).name
        if not path.is_file() or digest(path) != files.get(name):
            raise _changed(path)
    return dict(manifest)


def _known_migrations() -> set[str]:
    return {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or ()}


def _changed(path: Path) -> Refusal:
    return Refusal(f"{path} is missing or was changed since the backup. Use an older backup.")


def _key_source() -> str:
    return "SABAL_SERVER_KEY" if settings.SERVER_KEY else str(settings.SERVER_KEY_FILE)


@contextmanager
def _into_sqlite(directory: Path, manifest: Mapping[str, Any], aside: Path | None) -> Iterator[raw.Database]:
    """Yield the restored database in a draft file. After the block the file gets its final name."""
    target = Path(settings.DATABASE_URL.removeprefix("sqlite://"))
    if aside is not None:
        _settle(target)
    _refuse_files(target, aside)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.partial")
    # SQLite would write the leftover journal of a killed restore into this draft.
    _unlink_all(target.parent, draft.name)
    try:
        private.create(draft, ())
        shutil.copyfile(directory / SQLITE_FILE, draft)
        # Compare the copy, because it will be opened.
        if digest(draft) != manifest["sha256"][SQLITE_FILE]:
            raise _changed(directory / SQLITE_FILE)
        database = raw.connect(f"sqlite://{draft}")
        try:
            if foreign := schema.differences(database, manifest["migrations"]):
                raise Refusal(
                    f"The backup's database differs from what Sabal makes ({', '.join(foreign)}), perhaps since"
                    " before the backup. Somebody may have written into it. Use an older backup, and find out"
                    " who."
                )
            schema.migrate(draft)
            with database.transaction():
                yield database
            database.execute("PRAGMA journal_mode=DELETE")
        finally:
            database.close()
        private.flush(draft)
        if aside is not None and target.exists():
            _move_aside(target, aside)
        draft.rename(target)
        private.flush(target.parent)
    except BaseException:
        _unlink_all(target.parent, draft.name)
        raise


def _refuse_files(target: Path, aside: Path | None) -> None:
    """Raise Refusal if there are files of a database that will not be moved aside."""
    # SQLite would write a leftover journal into the restored database.
    journals = [target.with_name(f"{target.name}-{end}") for end in ("wal", "shm", "journal")]
    for there in journals if aside is not None else [target, *journals]:
        if there.exists():
            raise Refusal(
                f"{there} exists already. Stop the server, then restore again with --aside, which renames the database"
                " that is there, or move sabal.sqlite3* away."
            )


def _move_aside(target: Path, aside: Path) -> None:
    _settle(target)
    if aside.exists():
        raise Refusal(f"{aside} exists already. Name another file.")
    target.rename(aside)


def _settle(target: Path) -> None:
    """Leave nothing that was deleted in the files of the database that is there. Raises Refusal if it is in use."""
    try:
        settled = raw.settle(f"sqlite://{target}")
    except raw.OperationalError as error:
        raise Refusal(f"{target} cannot be used ({type(error).__name__}). Stop the server first.") from None
    except sqlite3.DatabaseError:
        raise Refusal(
            f"{target} is damaged. Move sabal.sqlite3* away by hand, then restore again. These files may hold withdrawn"
            " signatures: delete them once the restored server works."
        ) from None
    if not settled:
        raise Refusal(f"A process still uses {target}. Stop the server first.")


def _unlink_all(folder: Path, beginning: str) -> None:
    for path in folder.glob(f"{beginning}*"):
        path.unlink()


class _CopyConnection(raw.PostgreSQL):
    """A connection that also loads the output of COPY."""

    def load(self, table: str, columns: list[str], file: Path, sha256: str) -> None:
        """Load one table, in the caller's transaction. Raises Refusal if the file was changed meanwhile."""
        read = hashlib.sha256()
        names = sql.SQL(",").join(map(sql.Identifier, columns))
        into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table), names)
        with file.open("rb") as source, self._connection.cursor().copy(into) as copy:
            while block := source.read(1 << 20):
                read.update(block)
                copy.write(block)
        if read.hexdigest() != sha256:
            raise _changed(file)


@contextmanager
def _into_postgresql(directory: Path, manifest: Mapping[str, Any]) -> Iterator[raw.Database]:
    """Yield the database inside the transaction that restores it. The transaction is committed after the block.

    Rows of an older schema are committed and migrated first.
    """
    _schema_of(manifest["migrations"])
    older = set(manifest["migrations"]) < _known_migrations()
    database = _CopyConnection(settings.DATABASE_URL)
    try:
        with database.transaction():
            _load(database, directory, manifest)
            if not older:
                yield database
        if older:
            call_command("migrate", verbosity=0, interactive=False)
            with database.transaction():
                yield database
    finally:
        database.close()


def _load(database: _CopyConnection, directory: Path, manifest: Mapping[str, Any]) -> None:
    here = {
        name
        for (name,) in database.query("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    }
    made_at_first = {*_FIRST_START, *FILLED}
    for table in here & {*manifest["columns"], *NEVER} - made_at_first:  # an older schema has fewer
        if database.query(f"SELECT 1 FROM {table} LIMIT 1"):
            raise Refusal(
                f"This database already holds rows (in {table}). Stop the server, and restore into an empty database."
            )
    for table in here & {*_FIRST_START}:
        database.execute(f"DELETE FROM {table}")
    for table, columns in manifest["columns"].items():
        name = f"{table}.copy"
        database.load(table, columns, directory / name, manifest["sha256"][name])
    for table in (table for table, columns in manifest["columns"].items() if "id" in columns):
        database.query(  # new ids follow the restored ones
            f"SELECT setval(name, (SELECT COALESCE(MAX(id), 1) FROM {table}))"
            f" FROM (SELECT pg_get_serial_sequence('{table}', 'id') AS name) s WHERE name IS NOT NULL"
        )


def _schema_of(migrations: list[str]) -> None:
    """Bring an empty database to the schema of the backup, so that its rows fit. They are migrated afterwards."""
    executor = MigrationExecutor(django_connection)
    applied = {f"{app}.{name}" for app, name in executor.loader.applied_migrations}
    if not applied:
        executor.migrate(schema.targets(migrations))
    elif applied != set(migrations):
        raise Refusal("This database has tables of another version of Sabal. Restore into an empty database.")


def _lasting_keys(database: raw.Database, keystore: KeyStore) -> Iterator[str]:
    """Check that the server key opens the restored keys, and make the lasting keys that the backup lacks."""
    rows = database.query("SELECT name, wrapped FROM keys_key")
    restored = {name for name, _ in rows}
    opened = {name for name, wrapped in rows if keystore.opens(name, bytes(wrapped))}
    lasting = {SUPPRESSION, SUBSCRIBERS}
    # Another key that does not open may be damaged, and a command renews it. The lasting keys cannot be renewed.
    if (restored and not opened) or (restored - opened) & lasting:
        raise Refusal(
            f"The server key in {_key_source()} is not this backup's. Put the right one there. Nothing was restored."
        )
    for name in sorted(lasting - restored):
        keystore.make(database, name)
        yield name


def _without_pepper(database: raw.Database, keystore: KeyStore) -> Iterator[str]:
    for petition in all_published(database, keystore):
        if petition.state in ("open", "paused") and not petition.ready_to_sign:
            yield petition.slug
