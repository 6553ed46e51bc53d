"""Tables of the hot path are written in SQL, once, for both databases; their migrations call this."""

import re

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def create(sql: str) -> migrations.RunPython:
    """A migration step that runs `sql` (statements separated by `;`), written in SQLite's words.

    On PostgreSQL `BLOB` becomes `BYTEA`, `WITHOUT ROWID` is left out, and an `id INTEGER` primary key becomes a
    BIGINT. In SQLite only these two words make the key the row's own place; `BIGINT` would keep a serial number
    beside it, and with it the order of arrival. A line that begins with `-- postgresql:`
    holds a statement for that database alone.
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
