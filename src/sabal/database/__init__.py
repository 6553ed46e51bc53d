"""Raw connections for the hot path: SQLite and PostgreSQL behind one small class.

Rare actions use Django's ORM. The frequent ones (sign, confirm, count …) use this package, with the same SQL text on
both databases (`?` marks a parameter). It imports no Django, so the front end may use it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sabal import settings
from sabal.database.connection import Database, OperationalError, Row
from sabal.database.postgresql import PostgreSQL
from sabal.database.sqlite import SQLite

__all__ = ["Database", "OperationalError", "PostgreSQL", "Row", "SQLite", "connect", "leading", "settle"]


def connect(url: str | None = None) -> Database:
    """Open a connection, by default to this server's database. Raise an OperationalError if there is none."""
    url = url or settings.DATABASE_URL
    if url.startswith("sqlite://"):
        return SQLite(Path(url.removeprefix("sqlite://")))
    return PostgreSQL(url)


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
