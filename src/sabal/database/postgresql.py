"""A connection to PostgreSQL."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache

import psycopg

from sabal.database.connection import Database, Row

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

    def _insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]], on_conflict: str
    ) -> int:
        if not rows:
            return 0
        types = self._column_types(table)
        arrays = ",".join(f"%s::{types[column]}[]" for column in columns)
        return self._connection.execute(
            f"INSERT INTO {table} ({','.join(columns)}) SELECT * FROM unnest({arrays}){on_conflict}",
            [list(column) for column in zip(*rows, strict=True)],
        ).rowcount

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


def _lock_number(name: str) -> int:
    """Return the number of the advisory lock of that name."""
    return int.from_bytes(hashlib.sha256(b"sabal/" + name.encode()).digest()[:8], "big", signed=True)


@lru_cache(maxsize=256)
def _numbered(sql: str) -> str:
    """Write `sql` as psycopg reads it. This needs no parser, as our SQL contains no literal `?`."""
    return sql.replace("%", "%%").replace("?", "%s")
