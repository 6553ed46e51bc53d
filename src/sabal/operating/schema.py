"""Compare the schema of an SQLite file with the one that migrations make. A foreign trigger would run by itself."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from sabal import database as raw

# Tables that SQLite makes and changes by itself.
_INTERNAL = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")
_ALIAS = "schema"  # of Django's connection while migrations run on it

Schema = dict[tuple[str, ...], list[raw.Row]]


def differences(database: raw.Database, migrations: Iterable[str]) -> list[str]:
    """Return the objects in which an SQLite database differs from the schema that these migrations make."""
    here, made = _of(database), _made_by(migrations)
    return sorted({" ".join(key[:2]) for key in here.keys() | made.keys() if here.get(key) != made.get(key)})


def migrate(path: Path) -> None:
    """Migrate the SQLite database at `path` to the current schema."""
    with _django_at(path) as executor:
        executor.migrate(executor.loader.graph.leaf_nodes())


def targets(migrations: Iterable[str]) -> list[tuple[str, str]]:
    """Return the last migration of each app; Django runs the earlier ones first."""
    last: dict[str, str] = {}
    for migration in sorted(migrations):
        app, _, name = migration.partition(".")
        last[app] = name
    return list(last.items())


def _of(database: raw.Database) -> Schema:
    """Return every object by kind, name and table, with the columns of tables and the rules of indexes.

    The SQL text is left out, because other versions of SQLite and Django may write the same table differently.
    """
    objects = database.query("SELECT type, name, tbl_name FROM sqlite_master")
    return {
        key: _shape(database, *key[:2])
        for key in map(tuple, objects)
        if not (key[0] == "table" and key[1] in _INTERNAL)
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
    connections.databases[_ALIAS] = {**connections.databases["default"], "NAME": str(path)}
    # Migrations of other packages use the default connection, whatever they are given.
    before, connections["default"] = connections["default"], connections[_ALIAS]
    try:
        yield MigrationExecutor(connections[_ALIAS])
    finally:
        connections["default"] = before
        connections[_ALIAS].close()
        del connections[_ALIAS], connections.databases[_ALIAS]
