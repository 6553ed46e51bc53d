"""Subscriptions as rows: made, stored, found. Knows no Django, for a signature's confirmation stores them too."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sabal.database import Database
from sabal.keys.house import seal
from sabal.mail.address import normalise
from sabal.newsletter import consent

HOUSE = 0  # the petition_id of the newsletter of the house
ASKED, CONFIRMED = 1, 2
_COLUMNS = (
    "id",
    "petition_id",
    "address_hash",
    "sealed_address",
    "language",
    "state",
    "consent",
    "confirm_hash",
    "expires",
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One mailbox in one list. `petition_id` 0 is the newsletter of the house, else updates about that petition."""

    id: int
    petition_id: int
    address_hash: bytes
    sealed_address: bytes
    language: str
    sentence: str


def subscription(
    subscribers: bytes, petition_id: int, address: str, language: str, organiser: str
) -> Subscription:
    """A subscription with its address sealed under the subscribers' key."""
    return Subscription(
        id=secrets.randbits(63),
        petition_id=petition_id,
        address_hash=address_hash(subscribers, address),
        sealed_address=seal(subscribers, address.encode(), b"subscriber"),
        language=language,
        sentence=consent.sentence("updates" if petition_id else "newsletter", language, organiser),
    )


def address_hash(subscribers: bytes, address: str) -> bytes:
    """The keyed hash by which one mailbox stands once in a list: 16 bytes."""
    return hmac.digest(subscribers, b"subscriber/1\0" + normalise(address).encode(), "sha256")[:16]


def ask(database: Database, row: Subscription, confirm_hash: bytes, expires: int) -> bool:
    """Store a subscription that waits for its click; false where the mailbox is in the list already.

    One that was asked for before and never confirmed is asked for anew: the last mailed link is the one that works.
    """
    _keep_sentences(database, [row])
    fresh = (
        row.id,
        row.petition_id,
        row.address_hash,
        row.sealed_address,
        row.language,
        ASKED,
        consent.version(row.sentence),
        confirm_hash,
        expires,
    )
    database.execute(
        "DELETE FROM newsletter_subscription WHERE petition_id = ? AND address_hash = ? AND state = ?",
        (row.petition_id, row.address_hash, ASKED),
    )
    database.insert("newsletter_subscription", _COLUMNS, [fresh], ignore=True)
    return bool(database.query("SELECT id FROM newsletter_subscription WHERE id = ?", (row.id,)))


def confirm_with_signature(database: Database, rows: Sequence[Subscription]) -> None:
    """Confirming a signature confirms what was ticked with it, and what the same mailbox had asked for before."""
    if not rows:
        return
    _keep_sentences(database, rows)
    values = [
        (
            r.id,
            r.petition_id,
            r.address_hash,
            r.sealed_address,
            r.language,
            CONFIRMED,
            consent.version(r.sentence),
            None,
            None,
        )
        for r in rows
    ]
    database.insert("newsletter_subscription", _COLUMNS, values, ignore=True)
    for r in rows:
        database.execute(
            "UPDATE newsletter_subscription SET state = ?, consent = ?, confirm_hash = NULL, expires = NULL"
            " WHERE petition_id = ? AND address_hash = ? AND state = ?",
            (CONFIRMED, consent.version(r.sentence), r.petition_id, r.address_hash, ASKED),
        )


def confirm(database: Database, confirm_hash: bytes) -> bool:
    """Confirm by the mailed link; false where it stands for nothing (any more). Pressing twice is harmless."""
    rows = database.query("SELECT id FROM newsletter_subscription WHERE confirm_hash = ?", (confirm_hash,))
    database.execute(
        "UPDATE newsletter_subscription SET state = ?, expires = NULL WHERE confirm_hash = ?",
        (CONFIRMED, confirm_hash),
    )
    return bool(rows)


def expire(database: Database, today: int) -> int:
    """Delete what was asked for and not confirmed by its day (since 1970); returns how many."""
    return database.execute(
        "DELETE FROM newsletter_subscription WHERE state = ? AND expires < ?", (ASKED, today)
    )


def unsubscribe(database: Database, row_id: int) -> bool:
    """Delete a subscription; false where there was none (any more)."""
    return database.execute("DELETE FROM newsletter_subscription WHERE id = ?", (row_id,)) == 1


def unsubscribe_token(subscribers: bytes, row_id: int) -> bytes:
    """The token in the unsubscribe link, 16 bytes: the row's id ‖ 8 bytes of a MAC, so that nothing need be stored."""
    body = row_id.to_bytes(8, "big")
    return body + hmac.digest(subscribers, b"unsubscribe/1\0" + body, "sha256")[:8]


def row_of(subscribers: bytes, unsubscribe_token_: bytes) -> int | None:
    """The row that an unsubscribe token stands for; None where the MAC is not ours."""
    row_id = int.from_bytes(unsubscribe_token_[:8], "big")
    good = (
        hmac.compare_digest(unsubscribe_token(subscribers, row_id), unsubscribe_token_)
        if row_id < 2**63
        else False
    )
    return row_id if good else None


def _keep_sentences(database: Database, rows: Sequence[Subscription]) -> None:
    sentences = sorted({(consent.version(r.sentence), r.sentence) for r in rows})
    database.insert("newsletter_consent", ("version", "sentence"), sentences, ignore=True)
