"""Raw connections for the hot path: SQLite and PostgreSQL behind one small class.

Rare actions use Django's ORM. The frequent ones (sign, confirm, count …) use this module, with the same SQL text on
both databases (`?` marks a parameter). It imports no Django, so the front end may use it.
"""

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import psycopg

from sabal import locks, settings

Row = tuple[Any, ...]
BUSY_SECONDS = 30.0
_CHUNKS = (64, 32, 16, 8, 4, 2, 1)  # rows of one INSERT: any number is a sum of few of them
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
        raise NotImplementedError

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


@contextmanager
def leading(database: Database, job: str, patience: float) -> Iterator[bool]:
    """Yield whether this process may do `job` (Database.leader). Wait at most `patience` seconds for another one."""
    deadline = time.monotonic() + patience
    while True:
        with database.leader(job) as leads:
            if leads or time.monotonic() > deadline:
                yield leads
                return
        time.sleep(0.1)


def connect(url: str | None = None) -> Database:
    """Open a connection, by default to this server's database. Raise an OperationalError if there is none."""
    url = url or settings.DATABASE_URL
    if url.startswith("sqlite://"):
        return SQLite(Path(url.removeprefix("sqlite://")))
    return PostgreSQL(url)


def settle(url: str | None = None) -> bool:
    """Bring SQLite's write-ahead log into the database, and delete it; return whether nobody else uses the database.

    Call this when the processes have ended: what they deleted last is in both files until then. Does nothing for
    PostgreSQL. Raises the driver's OperationalError, and DatabaseError if the file is damaged.
    """
    url = url or settings.DATABASE_URL
    if not url.startswith("sqlite://"):
        return True
    path = Path(url.removeprefix("sqlite://"))
    if not path.exists():
        return True
    database = SQLite(path)
    try:
        database.wal_checkpoint(truncate=True)
    finally:
        database.close()  # the last connection deletes the file
    return not path.with_name(f"{path.name}-wal").exists()


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

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        ignore: bool = False,
        on_conflict: str = "",
    ) -> int:
        # Put many rows into one statement: each statement releases the interpreter's lock, and then waits behind the
        # event loop to get it back. The sizes are few, so that the statements stay in SQLite's cache.
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


@lru_cache(maxsize=256)
def _sqlite_insert(table: str, columns: tuple[str, ...], rows: int, tail: str) -> str:
    values = ",".join([f"({','.join('?' * len(columns))})"] * rows)
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {values}{tail}"


class PostgreSQL(Database):
    """PostgreSQL in autocommit. Many rows are sent as one array per column (`unnest`), in one round trip."""

    vendor = "postgresql"
    for_update = " FOR UPDATE"
    for_update_of_free = " FOR UPDATE SKIP LOCKED"
    for_key_share = " FOR KEY SHARE"

    def __init__(self, url: str) -> None:
        # If the other machine disappears, do not wait for the kernel's two hours.
        self._connection = psycopg.connect(url, autocommit=True, connect_timeout=10, tcp_user_timeout=20_000)
        self._types: dict[str, dict[str, str]] = {}
        self._guard = threading.Lock()
        self._vouched: set[str] = set()

    @cached_property
    def identity(self) -> str:
        """Return an SQL expression of the cluster, its timeline, the database and the table of logs.

        A promotion begins a timeline, a logical copy is another cluster, and a restored dump makes the table again. All
        roles may call these functions by default; where one is not allowed or not there, its part is left out. The
        timeline is that of the WAL being written: pg_control_checkpoint() has the old one until the first checkpoint
        after a promotion, which is minutes later. On a standby the expression raises an OperationalError.
        """
        parts = [
            f"'{name} ' || {value}"
            for name, function, value in _IDENTITY
            if not function or self.query(_MAY_CALL, (function,))[0][0]
        ]
        return "('PostgreSQL ' || " + " || ', ' || ".join(parts) + ")"

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
        number = _lock_number(job)
        locked = bool(self.query("SELECT pg_try_advisory_lock(?)", (number,))[0][0])
        try:
            yield locked
        finally:
            if locked and not self._connection.closed:  # a closed connection has released the lock already
                self.query("SELECT pg_advisory_unlock(?)", (number,))

    def vouch(self, name: str) -> None:
        # The server frees the lock when the connection ends, however it ends. A second lock would be counted.
        if name not in self._vouched and self.query(
            "SELECT pg_try_advisory_lock_shared(?)", (_lock_number(name),)
        ) == [(True,)]:
            self._vouched.add(name)

    def vouched(self, name: str) -> bool:
        high, low = divmod(_lock_number(name) % 2**64, 2**32)
        return bool(
            self.query(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                " AND classid::bigint = ? AND objid::bigint = ? AND objsubid = 1 AND pid <> pg_backend_pid()",
                (high, low),
            )
        )

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


_MAY_CALL = "SELECT COALESCE(has_function_privilege(to_regprocedure(?), 'execute'), false)"
# The parts of a database's identity: name, the function that it needs, and SQL.
_IDENTITY = (
    ("cluster", "pg_control_system()", "(SELECT system_identifier FROM pg_control_system())"),
    (
        "timeline",
        "pg_walfile_name(pg_lsn)",
        "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int",
    ),
    ("database", "", "(SELECT oid FROM pg_database WHERE datname = current_database())"),
    ("table", "", "'ledger_log'::regclass::oid"),
)


def _lock_number(name: str) -> int:
    """Return the number of the advisory lock of that name."""
    return int.from_bytes(hashlib.sha256(b"sabal/" + name.encode()).digest()[:8], "big", signed=True)


def _tail(ignore: bool, on_conflict: str) -> str:
    return " ON CONFLICT DO NOTHING" if ignore else f" ON CONFLICT {on_conflict}" if on_conflict else ""


@lru_cache(maxsize=256)
def _numbered(sql: str) -> str:
    """Write `sql` as psycopg reads it. This needs no parser, as our SQL contains no literal `?`."""
    return sql.replace("%", "%%").replace("?", "%s")
