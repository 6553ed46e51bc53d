"""Migrations for the tables of the hot path, whose SQL is written once for both databases."""

import re

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def create(sql: str) -> migrations.RunPython:
    """Return a migration step that runs `sql`: statements in SQLite's dialect, separated by `;`.

    On PostgreSQL `BLOB` becomes `BYTEA`, `WITHOUT ROWID` is removed, and an `id INTEGER` primary key becomes `BIGINT`.
    In SQLite only `INTEGER PRIMARY KEY` makes the key the rowid. With `BIGINT`, SQLite would keep a rowid of its own, a
    serial number that reveals the order of arrival. A line that begins with `-- postgresql:` is a statement for
    PostgreSQL only.
    """

    def forwards(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        for statement in _statements(sql, editor.connection.vendor):
            editor.execute(statement)

    return migrations.RunPython(forwards, migrations.RunPython.noop)


def _statements(sql: str, vendor: str) -> list[str]:
    extra = re.findall(r"^\s*-- postgresql: (.+)$", sql, flags=re.MULTILINE)
    plain = re.sub(r"--.*$", "", sql, flags=re.MULTILINE)
    if vendor == "postgresql":
        plain = plain.replace("BLOB", "BYTEA").replace("WITHOUT ROWID", "")
        plain = plain.replace("id INTEGER NOT NULL PRIMARY KEY", "id BIGINT NOT NULL PRIMARY KEY")
    else:
        extra = []
    return [s.strip() for s in [*plain.split(";"), *extra] if s.strip()]
