"""Sabal: a self-hosted petition platform. Its server cannot read stored signatures."""

import sys

__version__ = "0.1.0"


def _take_current_sqlite() -> None:
    """Replace the system's SQLite by the bundled one for every import in this process.

    SQLite before 3.51.3 can corrupt a WAL database that two processes checkpoint. Two SQLite libraries in one process
    break each other's POSIX locks. So the replacement is done here, before any module can import `sqlite3`.
    """
    try:
        import pysqlite3
        import pysqlite3.dbapi2
    except ImportError:  # no wheel for this platform: `doctor` reports the version in use
        return
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2


_take_current_sqlite()
