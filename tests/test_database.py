"""Raw connections: many rows in few statements, the same SQL on both databases."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sabal.database import SQLite
from sites import SiteOfTests


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> SQLite:
    file: Path = tmp_path_factory.mktemp("rows") / "rows.sqlite3"
    file.touch()
    found = SQLite(file)
    found.execute("CREATE TABLE many (id INTEGER PRIMARY KEY, name TEXT)")
    return found


@settings(deadline=None)
@given(st.integers(0, 200))
def test_any_number_of_rows_takes_few_statements(database: SQLite, number: int) -> None:
    """Each statement gives the interpreter to another thread, and waits to get it back."""
    said: list[str] = []
    rows = [(n, f"Suzie {n}") for n in range(number)]
    database.execute("DELETE FROM many")
    database._connection.set_trace_callback(said.append)
    try:
        made = database.insert("many", ("id", "name"), rows)
    finally:
        database._connection.set_trace_callback(None)
    assert made == number and database.query("SELECT id, name FROM many ORDER BY id") == rows
    assert sum("INSERT" in sql for sql in said) == number // 64 + (number % 64).bit_count()


def test_a_statement_may_contain_a_percent_sign(site: SiteOfTests) -> None:
    query = site.database.query
    assert query("SELECT name FROM django_migrations WHERE app LIKE 'keys%' AND name <> ?", ("none",))
    assert query("SELECT '100 %', ?", ("Suzie",)) == [("100 %", "Suzie")]
