"""Raw connections for the hot path: SQLite and PostgreSQL behind one small class.

Django's ORM serves everything that people do; the five things a crowd does go through here, with the same SQL text on
both databases (`?` marks a parameter). No Django is imported, so the front door may use it.
"""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import psycopg

from sabal import locks, settings

Row = tuple[Any, ...]
BUSY_SECONDS = 30.0
_CHUNKS = (64, 16, 4, 1)
# The errors after which a connection is not to be trusted.
OperationalError = (sqlite3.OperationalError, psycopg.OperationalError, psycopg.InterfaceError)


class Database:
    """One connection, owned by one thread at a time. SQL is written once, with `?` for parameters."""

    vendor: Literal["sqlite", "postgresql"]
    # What locks the rows of a SELECT, all or only those that nobody else holds; SQLite's writers exclude each other.
    for_update = ""
    for_update_of_free = ""
    for_key_share = ""  # keeps the rows from being deleted, and lets others count them

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run a statement that returns rows."""
        raise NotImplementedError

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run a statement and return how many rows it touched."""
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
        """Insert many rows and return how many; with `ignore`, rows that break a unique rule are left out.

        `on_conflict` says what is done for such a row instead: SQL without parameters, the same for both databases.
        """
        raise NotImplementedError

    def among(self, column: str, values: Sequence[object]) -> tuple[str, list[object]]:
        """A WHERE fragment that is true where `column` is one of `values`, and its parameters."""
        raise NotImplementedError

    def transaction(self) -> Any:
        """A context manager: begin, commit at the end (flushed to disk), roll back on an exception."""
        raise NotImplementedError

    def leader(self, job: str) -> Any:
        """A context manager that yields whether this process, of all, may do `job` now."""
        raise NotImplementedError

    def checkpoint(self, *, cut: bool = False) -> None:
        """Fold SQLite's write-ahead log into the database while others write; PostgreSQL does so by itself.

        With `cut` the log is then cut to nothing: deleted rows live on in it until then.
        """

    def close(self) -> None:
        """Close the connection; harmless when closed already."""
        raise NotImplementedError


def connect(url: str | None = None) -> Database:
    """A new connection, to the house's own database by default. Raises an OperationalError where there is none."""
    url = url or settings.DATABASE_URL
    if url.startswith("sqlite://"):
        return SQLite(Path(url.removeprefix("sqlite://")))
    return PostgreSQL(url)


class SQLite(Database):
    """WAL, every commit flushed; an advisory lock keeps writers in a queue that SQLite itself does not have."""

    vendor = "sqlite"

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise sqlite3.OperationalError(f"there is no database at {path}")
        self._connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        # Rows under random keys dirty a page each, and the log folds many of them into one write: so it may grow.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "temp_store=MEMORY",
            "cache_size=-32000",
            "wal_autocheckpoint=16000",  # 64 MB: the worker folds the log long before, where there is one
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        # Without this lock two processes wait for each other by sleeping: measured, 2,640 → 3,000 signatures a second.
        self._folder = path.parent
        self._lock = os.open(path.parent / "db.lock", os.O_RDWR | os.O_CREAT, 0o600)

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        return self._connection.execute(sql, params).rowcount

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        ignore: bool = False,
        on_conflict: str = "",
    ) -> int:
        # Many rows in one statement: each statement gives up the interpreter's lock, and getting it back costs a wait
        # behind the event loop. Three sizes, so that the statements stay in SQLite's cache.
        start = made = 0
        tail = _tail(ignore, on_conflict)
        for size in _CHUNKS:
            while len(rows) - start >= size:
                chunk = rows[start : start + size]
                made += self._connection.execute(
                    _sqlite_insert(table, tuple(columns), size, tail),
                    [value for row in chunk for value in row],
                ).rowcount
                start += size
        return made

    def among(self, column: str, values: Sequence[object]) -> tuple[str, list[object]]:
        return f"{column} IN ({','.join('?' * len(values))})", list(values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        locks.take(self._lock, wait=True)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        finally:
            locks.free(self._lock)

    @contextmanager
    def leader(self, job: str) -> Iterator[bool]:
        lock = os.open(self._folder / f"{job}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield locks.take(lock)
        finally:
            os.close(lock)  # which gives the lock back

    def checkpoint(self, *, cut: bool = False) -> None:
        # In the worker, every few seconds: else a commit that a signer waits for would have to do it.
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if not cut:
            return
        # Little is left to fold, so writers wait but a moment. A reader in the way makes this a no-op, till next time.
        locks.take(self._lock, wait=True)
        try:
            self._connection.execute("PRAGMA busy_timeout = 50")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            locks.free(self._lock)

    def close(self) -> None:
        if self._lock >= 0:
            self._connection.close()
            os.close(self._lock)
            self._lock = -1


@lru_cache(maxsize=64)
def _sqlite_insert(table: str, columns: tuple[str, ...], rows: int, tail: str) -> str:
    values = ",".join([f"({','.join('?' * len(columns))})"] * rows)
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {values}{tail}"


class PostgreSQL(Database):
    """A connection in autocommit; many rows travel as one array per column (`unnest`), which is one round trip."""

    vendor = "postgresql"
    for_update = " FOR UPDATE"
    for_update_of_free = " FOR UPDATE SKIP LOCKED"
    for_key_share = " FOR KEY SHARE"

    def __init__(self, url: str) -> None:
        # A lost machine must not hold a writer for the kernel's two hours.
        self._connection = psycopg.connect(url, autocommit=True, connect_timeout=10, tcp_user_timeout=20_000)
        self._types: dict[str, dict[str, str]] = {}
        self._guard = threading.Lock()

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        return self._connection.execute(_numbered(sql), params, binary=True).fetchall()

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        return self._connection.execute(_numbered(sql), params).rowcount

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        ignore: bool = False,
        on_conflict: str = "",
    ) -> int:
        if not rows:
            return 0
        types = self._column_types(table)
        arrays = ",".join(f"%s::{types[column]}[]" for column in columns)
        tail = _tail(ignore, on_conflict)
        return self._connection.execute(
            f"INSERT INTO {table} ({','.join(columns)}) SELECT * FROM unnest({arrays}){tail}",
            [list(column) for column in zip(*rows, strict=True)],
        ).rowcount

    def among(self, column: str, values: Sequence[object]) -> tuple[str, list[object]]:
        return f"{column} = ANY(?)", [list(values)]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._connection.transaction():
            yield

    @contextmanager
    def leader(self, job: str) -> Iterator[bool]:
        number = int.from_bytes(hashlib.sha256(b"sabal/" + job.encode()).digest()[:8], "big", signed=True)
        held = bool(self.query("SELECT pg_try_advisory_lock(?)", (number,))[0][0])
        try:
            yield held
        finally:
            if held and not self._connection.closed:  # a lost connection has given the lock back already
                self.query("SELECT pg_advisory_unlock(?)", (number,))

    def close(self) -> None:
        self._connection.close()

    def _column_types(self, table: str) -> dict[str, str]:
        with self._guard:
            if table not in self._types:
                self._types[table] = dict(
                    self._connection.execute(
                        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
                        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                        (table,),
                    ).fetchall()
                )
            return self._types[table]


def _tail(ignore: bool, on_conflict: str) -> str:
    return " ON CONFLICT DO NOTHING" if ignore else f" ON CONFLICT {on_conflict}" if on_conflict else ""


@lru_cache(maxsize=256)
def _numbered(sql: str) -> str:
    """Our SQL holds no literal `?` or `%`, so the exchange of parameter marks needs no parser."""
    return sql.replace("?", "%s")
