"""The schema that migrations make, and whether an SQLite file has that and nothing else: a trigger runs by itself."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from sabal import database as raw

# What SQLite keeps for itself, and makes when it likes.
_SQLITES_OWN = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")
_PLACE = "schema"  # among Django's connections, for as long as migrations run there

Schema = dict[tuple[str, ...], list[raw.Row]]


def differences(database: raw.Database, migrations: Iterable[str]) -> list[str]:
    """What an SQLite database has otherwise than these migrations make it; empty where it is as it should be."""
    here, made = _of(database), _made_by(migrations)
    return sorted({" ".join(key[:2]) for key in here.keys() | made.keys() if here.get(key) != made.get(key)})


def migrate(path: Path) -> None:
    """Bring an SQLite database to today's schema, wherever it lies."""
    with _django_at(path) as executor:
        executor.migrate(executor.loader.graph.leaf_nodes())


def targets(migrations: Iterable[str]) -> list[tuple[str, str]]:
    """The last migration of each app: those before come with it."""
    last: dict[str, str] = {}
    for migration in sorted(migrations):
        app, _, name = migration.partition(".")
        last[app] = name
    return list(last.items())


def _of(database: raw.Database) -> Schema:
    """Every object by kind, name and table, with the columns of tables and the rules of indexes.

    Not its text: SQLite and Django may write the same table otherwise in another version.
    """
    objects = database.query("SELECT type, name, tbl_name FROM sqlite_master")
    return {
        key: _shape(database, *key[:2])
        for key in map(tuple, objects)
        if not (key[0] == "table" and key[1] in _SQLITES_OWN)
    }


def _shape(database: raw.Database, kind: str, name: str) -> list[raw.Row]:
    if kind == "table":
        # cid, name, type, not null, default, place in the key, hidden; then name, unique, origin, partial
        indexes = database.query('SELECT name, "unique", origin, partial FROM pragma_index_list(?)', (name,))
        return [*database.query("SELECT * FROM pragma_table_xinfo(?)", (name,)), *sorted(indexes)]
    return database.query("SELECT * FROM pragma_index_xinfo(?)", (name,)) if kind == "index" else []


def _made_by(migrations: Iterable[str]) -> Schema:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "schema.sqlite3"
        with _django_at(path) as executor:
            executor.migrate(targets(migrations))
            made = raw.connect(f"sqlite://{path}")
            try:
                return _of(made)
            finally:
                made.close()


@contextmanager
def _django_at(path: Path) -> Iterator[MigrationExecutor]:
    connections.databases[_PLACE] = {**connections.databases["default"], "NAME": str(path)}
    try:
        yield MigrationExecutor(connections[_PLACE])
    finally:
        connections[_PLACE].close()
        del connections[_PLACE], connections.databases[_PLACE]
