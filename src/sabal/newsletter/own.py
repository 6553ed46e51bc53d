"""What a subscriber sees and changes by the link in every email: what is kept, the language, and leaving lists."""

from dataclasses import dataclass

from sabal.database import Database
from sabal.keys.keystore import unseal
from sabal.mail.address import EmailAddress
from sabal.newsletter.leaving import unsubscribe
from sabal.newsletter.lists import MailingList
from sabal.newsletter.subscription import ASKED_HERE, CONFIRMED, WITH_SIGNATURE, told_origin

_KEPT = (
    "SELECT s.organisation, s.petition_id, s.address_hash, s.sealed_address, s.language, s.since, s.origin, c.sentence,"
    " t.place FROM newsletter_subscription s LEFT JOIN newsletter_consent c ON c.version = s.consent"
    f" LEFT JOIN newsletter_transfer t ON t.id = s.origin WHERE s.id = ? AND s.state = {CONFIRMED}"
)


@dataclass(frozen=True)
class Kept:
    """What is kept about one confirmed subscription.

    `address` has its first letter and its domain. `since` is the day of the consent (since 1970), None if not known.
    `place` is where an import says that the subscriber agreed, else empty. `lists` is how many lists of the
    organisation the address is in.
    """

    list: MailingList
    address: str
    language: str
    since: int | None
    with_signature: bool
    place: str
    sentence: str
    lists: int


def kept(database: Database, subscribers: bytes, row_id: int) -> Kept | None:
    """Return what is kept about a subscription; None if it is no longer there or was never confirmed."""
    rows = database.query(_KEPT, (row_id,))
    if not rows:
        return None
    organisation, petition_id, address_hash, sealed, language, since, origin, sentence, place = rows[0]
    lists = database.query(
        "SELECT COUNT(*) FROM newsletter_subscription WHERE address_hash = ? AND organisation = ? AND state = ?",
        (bytes(address_hash), organisation, CONFIRMED),
    )
    address = EmailAddress.stored(unseal(subscribers, bytes(sealed), b"subscriber").decode())
    return Kept(
        MailingList(organisation, petition_id),
        f"{address.typed[0]}…@{address.domain}",
        language,
        since,
        told_origin(origin, since) == WITH_SIGNATURE,
        "" if origin in (ASKED_HERE, WITH_SIGNATURE) else place or "",
        sentence or "",
        int(lists[0][0]),
    )


def change_language(database: Database, row_id: int, language: str) -> None:
    """Send emails of this list in another language from now on, inside the caller's transaction."""
    database.execute("UPDATE newsletter_subscription SET language = ? WHERE id = ?", (language, row_id))


def leave_all(database: Database, row_id: int, day: int) -> None:
    """End all subscriptions of this address to lists of this organisation, inside the caller's transaction."""
    rows = database.query(
        "SELECT o.id FROM newsletter_subscription s JOIN newsletter_subscription o"
        " ON o.address_hash = s.address_hash AND o.organisation = s.organisation WHERE s.id = ? ORDER BY o.id",
        (row_id,),
    )
    for (other,) in rows:
        unsubscribe(database, other, day)
