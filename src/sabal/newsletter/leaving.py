"""Leaving lists: a subscription is deleted, and the erasure journal has it, so that a restore deletes it again."""

from collections.abc import Sequence

from sabal import erasure_journal
from sabal.database import Database
from sabal.erasure_journal import Erasure
from sabal.newsletter import growth, suppression
from sabal.newsletter.lists import MailingList
from sabal.newsletter.subscription import ASKED, CONFIRMED, refusal_hash
from sabal.newsletter.suppression import Why


def unsubscribe(database: Database, row_id: int, day: int | None = None) -> bool:
    """Delete a subscription and write that to the erasure journal. Return False if there was none.

    `day` (since 1970) is for the numbers of a newsletter.

    If it was never confirmed, somebody else may have asked for it, so this list never emails that address again. The
    journal is written first: after a crash between the two, the link still works. The other order could lose the wish.
    """
    rows = database.query(
        "SELECT address_hash, petition_id, organisation, state, since FROM newsletter_subscription WHERE id = ?",
        (row_id,),
    )
    for found, petition_id, organisation, state, since in rows:
        of, address_hash = MailingList(organisation, petition_id), bytes(found)
        wishes = [Erasure(erasure_journal.UNSUBSCRIBED, address_hash, petition_id, organisation)]
        if state == ASKED:
            refusal = refusal_hash(of, address_hash)
            wishes.append(Erasure(erasure_journal.NOT_ME, refusal, petition_id))
            database.insert(
                "signing_suppression", ("hash", "petition_id"), [(refusal, petition_id)], ignore=True
            )
        erasure_journal.append(wishes)
        if state == CONFIRMED and not petition_id:
            suppression.note_left(database, address_hash, organisation)
            growth.note_ended(database, organisation, since, day, Why.LEFT)
    return database.execute("DELETE FROM newsletter_subscription WHERE id = ?", (row_id,)) == 1


def end_newsletter(
    database: Database, organisation: str, address_hash: bytes, day: int | None = None
) -> None:
    """End the newsletter of an organisation for one address, inside the caller's transaction."""
    rows = database.query(
        "SELECT id FROM newsletter_subscription WHERE petition_id = 0 AND organisation = ? AND address_hash = ?",
        (organisation, address_hash),
    )
    for (row_id,) in rows:
        unsubscribe(database, row_id, day)


def end_updates(database: Database, list_hashes: Sequence[tuple[int, bytes]]) -> None:
    """End the updates about petitions whose signatures are withdrawn. `list_hashes` has (petition id, address hash).

    The erasure journal is written before the commit, as in `unsubscribe`. Runs inside the caller's transaction.
    """
    for petition_id in sorted({petition_id for petition_id, _ in list_hashes}):
        where, params = database.among("address_hash", [h for of, h in list_hashes if of == petition_id])
        ended = database.query(
            f"DELETE FROM newsletter_subscription WHERE petition_id = ? AND {where}"
            " RETURNING address_hash, organisation",
            [petition_id, *params],
        )
        erasure_journal.append(
            [Erasure(erasure_journal.UNSUBSCRIBED, bytes(row[0]), petition_id, row[1]) for row in ended]
        )
