"""What the mail server takes, as its greeting said: the worker stores it, and the public processes read it."""

from sabal.database import Database

_ROW = 1


def remember(database: Database, takes_international: bool) -> None:
    """Store whether the mail server takes addresses that are not ASCII before the @ (SMTPUTF8, RFC 6531)."""
    with database.transaction():
        database.insert(
            "mail_relay",
            ("id", "takes_international"),
            [(_ROW, int(takes_international))],
            on_conflict="(id) DO UPDATE SET takes_international = excluded.takes_international",
        )


def takes_international(database: Database) -> bool:
    """Return what the last greeting said; True if there was none yet."""
    rows = database.query("SELECT takes_international FROM mail_relay WHERE id = ?", (_ROW,))
    return not rows or bool(rows[0][0])
