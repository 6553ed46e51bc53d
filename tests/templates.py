"""Databases that are made once for a whole run of the tests, by the first process that needs one, and then copied."""

import fcntl
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from psycopg.types.json import Jsonb

from sabal import database as raw

Tables = dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]


def made_once(path: Path, make: Callable[[Path], object]) -> Path:
    """Return `path`. Let `make` write it unless another process of this run has done so."""
    with locked(path):
        if not path.exists():
            unfinished = path.with_name(f"{path.name}.unfinished")
            make(unfinished)
            unfinished.rename(path)
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process of the run in at a time."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def migrate(url: str) -> None:
    """Make the schema in the database at `url`, as `sabal serve` would."""
    environment = {**os.environ, "SABAL_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "sabal.desk.settings"}
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "-v0"], check=True, env=environment, timeout=120
    )


@dataclass(frozen=True)
class SqliteTemplate:
    """A migrated database in a file."""

    file: Path
    example: Path  # file of the rows that publishing the example adds, made at first use

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """Yield the URL of a copy in `folder`."""
        shutil.copy(self.file, folder / "sabal.sqlite3")
        yield f"sqlite://{folder / 'sabal.sqlite3'}"


@dataclass(frozen=True)
class PostgresqlTemplate:
    """A migrated database on a server of the tests' own."""

    server: str
    name: str
    example: Path

    @contextmanager
    def copy(self, _folder: Path) -> Iterator[str]:
        """Yield the URL of a copy, which is dropped at the end."""
        name = f"t_{os.urandom(6).hex()}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {self.name}")  # type: ignore[arg-type]
        try:
            yield other_database(self.server, name)
        finally:
            with psycopg.connect(self.server, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


Template = SqliteTemplate | PostgresqlTemplate


def sqlite_template(shared: Path) -> SqliteTemplate:
    """Return the SQLite template of this run. All its processes share the folder `shared`."""

    def make(file: Path) -> None:
        migrate(f"sqlite://{file}")
        # Leave one file to copy, without a WAL.
        with raw.connect(f"sqlite://{file}")._connection as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    return SqliteTemplate(made_once(shared / "template.sqlite3", make), shared / "example.sqlite")


def postgresql_template(shared: Path, server: str) -> PostgresqlTemplate:
    """Return the PostgreSQL template of this run."""
    name = "sabal_template"
    with (
        locked(shared / "template.postgresql"),
        psycopg.connect(server, autocommit=True) as connection,
    ):
        # Ask the server: it is made anew if the last process that used it has ended.
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute("CREATE DATABASE sabal_unfinished")
            migrate(other_database(server, "sabal_unfinished"))
            connection.execute("ALTER DATABASE sabal_unfinished RENAME TO sabal_template")
    return PostgresqlTemplate(server, name, shared / "example.postgresql")


def other_database(uri: str, name: str) -> str:
    """Return the URI of another database of the same server."""
    parts = urlsplit(uri)
    return parts._replace(scheme="postgres", path=f"/{quote(name)}").geturl()


def end_server(folder: Path) -> None:
    """End a PostgreSQL server that a process of this run left behind when it died."""
    with suppress(OSError, ValueError):
        os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
    shutil.rmtree(folder, ignore_errors=True)


# ---- the rows of a publication -----------------------------------------------------------------------------------


def all_rows(database: raw.Database) -> Tables:
    """Return every row of every table that has any, as the driver gives them."""
    if database.vendor == "sqlite":
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        columns = "SELECT name FROM pragma_table_info(?) ORDER BY cid"
    else:
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        columns = (
            "SELECT attname FROM pg_attribute WHERE attrelid = ?::regclass AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum"
        )
    found: Tables = {}
    for (table,) in database.query(names):
        if table.startswith(("django_", "auth_")):  # migrations fill them
            continue
        names_of = tuple(name for (name,) in database.query(columns, (table,)))
        quoted = ",".join(f'"{name}"' for name in names_of)  # "primary" is a word of SQL
        rows = [tuple(row) for row in database.query(f"SELECT {quoted} FROM {table}")]
        if rows:
            found[table] = names_of, rows
    return found


def save_new_rows(file: Path, before: Tables, after: Tables) -> None:
    """Write the rows of `after` that are not in `before`, for `put_rows`."""
    new = {
        table: (names, [row for row in rows if row not in before.get(table, ((), []))[1]])
        for table, (names, rows) in after.items()
    }
    file.write_bytes(pickle.dumps({table: found for table, found in new.items() if found[1]}))


def _as_parameter(value: object) -> object:
    """Return a value as PostgreSQL's driver takes it back: it reads JSON as a dictionary or list."""
    return Jsonb(value) if isinstance(value, dict | list) else value


def put_rows(database: raw.Database, file: Path) -> None:
    """Insert the rows that `save_new_rows` wrote, and set the serial numbers after theirs."""
    tables: Tables = pickle.loads(file.read_bytes())
    with database.transaction():  # foreign keys are checked when it ends
        for table, (names, rows) in tables.items():
            database.insert(table, names, [tuple(map(_as_parameter, row)) for row in rows])
            if database.vendor == "postgresql" and "id" in names:
                database.query(
                    "SELECT setval(s.name, (SELECT max(id) FROM " + table + "))"
                    " FROM (SELECT pg_get_serial_sequence(?, 'id') AS name) s WHERE s.name IS NOT NULL",
                    (table,),
                )
