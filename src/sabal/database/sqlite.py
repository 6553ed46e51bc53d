"""A connection to SQLite."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from sabal import locks
from sabal.database.connection import Database, Row

BUSY_SECONDS = 30.0
_CHUNKS = (64, 32, 16, 8, 4, 2, 1)  # rows of one INSERT: any number is a sum of few of them


class SQLite(Database):
    """SQLite in WAL mode; every commit is flushed. Writers queue on an advisory lock, as SQLite itself has no queue."""

    vendor = "sqlite"
    identity = "'SQLite'"  # a file has none: a copy of it looks the same (docs/decisions/0017)

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise sqlite3.OperationalError(f"there is no database at {path}")
        self._connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        # A row with a random key changes a page of its own. A long WAL merges many changes of a page into one write, so
        # the WAL may grow.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "temp_store=MEMORY",
            "cache_size=-32000",
            "wal_autocheckpoint=16000",  # 64 MB; a running worker checkpoints the WAL long before
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        # Without this lock, processes that wait for each other sleep. Measured gain: 2,640 → 3,000 signatures a second.
        self._folder = path.parent
        self._lock = os.open(path.parent / "db.lock", os.O_RDWR | os.O_CREAT, 0o600)

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        return self._connection.execute(sql, params).rowcount

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
            os.close(lock)  # releases the lock

    def wal_checkpoint(self, *, truncate: bool = False) -> None:
        # The worker calls this every few seconds. Otherwise a commit that a signer waits for would do it.
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if not truncate:
            return
        # Little is left to copy, so writers wait only a moment. If a reader blocks this, the next call tries again.
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

    def _insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]], on_conflict: str
    ) -> int:
        # Put many rows into one statement: each statement releases the interpreter's lock, and then waits behind the
        # event loop to get it back. The sizes are few, so that the statements stay in SQLite's cache.
        start = made = 0
        for size in _CHUNKS:
            while len(rows) - start >= size:
                chunk = rows[start : start + size]
                made += self._connection.execute(
                    _insert_statement(table, tuple(columns), size, on_conflict),
                    [value for row in chunk for value in row],
                ).rowcount
                start += size
        return made


@lru_cache(maxsize=256)
def _insert_statement(table: str, columns: tuple[str, ...], rows: int, on_conflict: str) -> str:
    values = ",".join([f"({','.join('?' * len(columns))})"] * rows)
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {values}{on_conflict}"
