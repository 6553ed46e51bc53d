"""After a restore from a backup nobody is invited by itself, and nobody a second time."""

from sabal.database import Database
from sabal.elsewhere.inviting import moment
from sabal.erasure_journal import Erasure


def hold(database: Database, now: int) -> None:
    """Stop all lists, inside the caller's transaction: a backup has none of their addresses.

    `now` is Unix time (seconds).
    """
    database.execute(
        "UPDATE elsewhere_invitationlist SET ended_at = ?, stopped = TRUE WHERE ended_at IS NULL",
        (moment(database, now),),
    )


def note_invited(database: Database, entry: Erasure) -> None:
    """Do what a line of the erasure journal says of an invitation, inside the caller's transaction.

    The last line of an address has the link that works: of one before it, the email may never have been queued.
    """
    database.execute(
        "DELETE FROM elsewhere_invited WHERE organisation = ? AND address_hash = ?",
        (entry.organisation, entry.hash),
    )
    row = (entry.row, entry.organisation, entry.hash)
    database.insert("elsewhere_invited", ("id", "organisation", "address_hash"), [row], ignore=True)
