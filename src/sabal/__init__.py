"""Sabal: a self-hosted petition platform whose server cannot read who signed."""

import sys

__version__ = "0.1.0"


def _take_current_sqlite() -> None:
    """Put the bundled SQLite in place of the system's, for every importer in this process.

    SQLite before 3.51.3 can corrupt a WAL database that two processes checkpoint, and two SQLite libraries in one
    process break each other's POSIX locks; so the exchange happens here, before anything can import `sqlite3`.
    """
    try:
        import pysqlite3
        import pysqlite3.dbapi2
    except ImportError:  # no wheel for this platform: `doctor` names the version that is then in use
        return
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2


_take_current_sqlite()
