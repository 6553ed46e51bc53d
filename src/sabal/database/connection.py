"""The contract of a connection, which both kinds of database keep."""

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import psycopg

Row = tuple[Any, ...]
# Errors after which a connection must not be used again: the statement is not at fault, and a new connection may lead
# to another server. InternalError includes a server that only reads (SQLSTATE 25006: a standby, a full disk) and an
# aborted transaction. FeatureNotSupported includes a prepared statement whose table was changed since.
OperationalError = (
    sqlite3.OperationalError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
    psycopg.errors.FeatureNotSupported,
)


class Database:
    """One connection, owned by one thread at a time. SQL is written once, with `?` for parameters."""

    vendor: Literal["sqlite", "postgresql"]
    # SQL that locks the rows of a SELECT: all, or only those without another lock. SQLite's writers exclude each other.
    for_update = ""
    for_update_of_free = ""
    for_key_share = ""  # prevents deletion of the rows, but not an update of their counts

    @property
    def identity(self) -> str:
        """Return an SQL expression of this database's identity, which a copy, a restore or a failover changes."""
        raise NotImplementedError

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run a statement that returns rows."""
        raise NotImplementedError

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run a statement and return the number of rows that it changed."""
        raise NotImplementedError

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        ignore: bool = False,
        on_conflict: str = "",
    ) -> int:
        """Insert many rows and return their number. With `ignore`, skip rows that violate a unique constraint.

        `on_conflict` is the SQL to run for such a row instead, without parameters and the same for both databases.
        """
        clause = "DO NOTHING" if ignore else on_conflict
        return self._insert(table, columns, rows, f" ON CONFLICT {clause}" if clause else "")

    def among(self, column: str, values: Sequence[object]) -> tuple[str, list[object]]:
        """Return a WHERE fragment that is true if `column` is one of `values`, and its parameters."""
        raise NotImplementedError

    def transaction(self) -> AbstractContextManager[None]:
        """Return a context manager: begin, commit at the end (flushed to disk), roll back on an exception."""
        raise NotImplementedError

    def leader(self, job: str) -> AbstractContextManager[bool]:
        """Return a context manager that yields whether this process may do `job`; at most one process may at a time."""
        raise NotImplementedError

    def vouch(self, name: str) -> None:
        """Let other machines see, until this connection ends, that what `name` says is true of this machine."""

    def vouched(self, name: str) -> bool:
        """Return whether another connection to this database vouches for `name`."""
        return False  # SQLite has one machine only

    def wal_checkpoint(self, *, truncate: bool = False) -> None:
        """Copy SQLite's write-ahead log (WAL) into the database while others write. PostgreSQL does so by itself.

        With `truncate`, empty the WAL file afterwards: until then it still contains deleted rows.
        """

    def close(self) -> None:
        """Close the connection. Do nothing if it is closed already."""
        raise NotImplementedError

    def _insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]], on_conflict: str
    ) -> int:
        """Insert the rows, with the whole ON CONFLICT clause at the end of each statement."""
        raise NotImplementedError
