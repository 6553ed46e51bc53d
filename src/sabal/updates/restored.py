"""After a restore from a backup no update is emailed by itself: it may have been emailed since the backup was made."""

from sabal.database import Database

_PLANNED = "public_at > ? AND withdrawn_at IS NULL AND emailed_at IS NULL"


def hold(database: Database, made: int) -> None:
    """Email no post of the backup, and make those that were planned drafts again. `made`: its Unix time (seconds).

    Runs inside the caller's transaction.
    """
    database.execute(  # nobody had seen these
        "UPDATE updates_postversion SET published_at = NULL WHERE post_id IN"
        f" (SELECT id FROM updates_post WHERE {_PLANNED} AND was_public = FALSE)",
        (made,),
    )
    database.execute(f"UPDATE updates_post SET public_at = NULL WHERE {_PLANNED}", (made,))
    database.execute(
        "UPDATE updates_post SET emails = FALSE WHERE emailed_at IS NULL AND public_at IS NOT NULL"
    )
