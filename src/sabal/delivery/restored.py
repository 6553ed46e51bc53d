"""After a restore from a backup nothing is sent by itself: it may have been sent since the backup was made."""

from sabal.database import Database

WHY = "The server was restored from a backup. This may have been sent already."


def hold(database: Database, now: int) -> None:
    """Stop all that waits, and the rules until a person saves them again. `now` is Unix time (seconds)."""
    database.execute(
        "UPDATE delivery_dispatch SET state = 'unclear', reason = ?, ended = ?"
        " WHERE state IN ('waiting', 'queued', 'begun')",
        (WHY, now),
    )
    database.execute("UPDATE delivery_occasion SET cancelled = ? WHERE opened = 0 AND cancelled = 0", (now,))
    database.execute("UPDATE delivery_sendingrules SET held = TRUE")
