"""Subscriptions as rows: made, stored, found. Knows no Django, for a signature's confirmation stores them too."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sabal import erasure_journal
from sabal.database import Database, Row
from sabal.erasure_journal import Erasure
from sabal.keys.keystore import seal
from sabal.mail.address import EmailAddress
from sabal.newsletter import consent

SITE = 0  # the petition_id of the newsletter of the house
ASKED, CONFIRMED = 1, 2
LETTERS = 3  # to one mailbox while it has not confirmed
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
# The address stays as it was typed when it was asked for; what is confirmed already stays as it is.
_CONFIRM_WHAT_WAITS = (
    "(petition_id, address_hash) DO UPDATE SET state = excluded.state, consent = excluded.consent,"
    f" confirm_hash = NULL, expires = NULL WHERE newsletter_subscription.state = {ASKED}"
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
    subscribers: bytes, petition_id: int, address: EmailAddress, language: str, organiser: str
) -> Subscription:
    """A subscription with its address sealed under the subscribers' key."""
    return Subscription(
        id=secrets.randbits(63),
        petition_id=petition_id,
        address_hash=address_hash(subscribers, address),
        sealed_address=seal(subscribers, address.typed.encode(), b"subscriber"),
        language=language,
        sentence=consent.sentence("updates" if petition_id else "newsletter", language, organiser),
    )


def address_hash(subscribers: bytes, address: EmailAddress) -> bytes:
    """The keyed hash by which one mailbox stands once in a list: 16 bytes."""
    return hmac.digest(subscribers, b"subscriber/1\0" + address.normalised.encode(), "sha256")[:16]


def ask(database: Database, row: Subscription, confirm_hash: bytes, expires: int) -> bool:
    """Store a subscription that waits for its click, inside the caller's transaction. False: no letter may go out.

    No letter goes to a mailbox that is in the list already or refused to be asked, nor a fourth one while it has not
    confirmed. Asked for again, the last mailed link is the one that works, and the address is the one last typed.
    """
    if database.query(
        "SELECT 1 FROM signing_suppression WHERE hash = ?", (_refusal(row.petition_id, row.address_hash),)
    ):
        return False
    _keep_sentences(database, [row])
    database.insert(
        "newsletter_subscription", _COLUMNS, [_values(row, ASKED, confirm_hash, expires)], ignore=True
    )
    changed = database.execute(
        "UPDATE newsletter_subscription SET confirm_hash = ?, expires = ?, language = ?, consent = ?,"
        " sealed_address = ?, asked = asked + 1"
        " WHERE petition_id = ? AND address_hash = ? AND state = ? AND asked < ?",
        (
            confirm_hash,
            expires,
            row.language,
            consent.version(row.sentence),
            row.sealed_address,
            row.petition_id,
            row.address_hash,
            ASKED,
            LETTERS,
        ),
    )
    return changed == 1


def stored_id(database: Database, row: Subscription) -> int:
    """The id under which this mailbox stands in this list; that of `row` itself where it does not."""
    found = database.query(
        "SELECT id FROM newsletter_subscription WHERE petition_id = ? AND address_hash = ?",
        (row.petition_id, row.address_hash),
    )
    return int(found[0][0]) if found else row.id


def confirm_with_signature(database: Database, rows: Sequence[Subscription]) -> None:
    """Confirming a signature confirms what was ticked with it, and what the same mailbox had asked for before."""
    if not rows:
        return
    _keep_sentences(database, rows)
    # Each mailbox once, the first click's; in one order, so that two processes never wait for each other in a ring.
    once = {(r.petition_id, r.address_hash): r for r in reversed(rows)}
    values = [_values(r, CONFIRMED, None, None) for _, r in sorted(once.items())]
    database.insert("newsletter_subscription", _COLUMNS, values, on_conflict=_CONFIRM_WHAT_WAITS)


def is_link(database: Database, confirm_hash: bytes) -> bool:
    """Whether a mailed link to confirm stands for a subscription, confirmed already or not."""
    return bool(
        database.query("SELECT 1 FROM newsletter_subscription WHERE confirm_hash = ?", (confirm_hash,))
    )


def confirm(database: Database, confirm_hash: bytes) -> bool:
    """Confirm by the mailed link; false where it stands for nothing (any more). Pressing twice is harmless."""
    changed = database.execute(
        "UPDATE newsletter_subscription SET state = ?, expires = NULL WHERE confirm_hash = ?",
        (CONFIRMED, confirm_hash),
    )
    return changed > 0


def expire(database: Database, today: int) -> int:
    """Delete what was asked for and not confirmed by its day (since 1970); returns how many."""
    return database.execute(
        "DELETE FROM newsletter_subscription WHERE state = ? AND expires < ?", (ASKED, today)
    )


def is_row(database: Database, row_id: int) -> bool:
    """Whether there is a subscription under this id (still)."""
    return bool(database.query("SELECT 1 FROM newsletter_subscription WHERE id = ?", (row_id,)))


def unsubscribe(database: Database, row_id: int) -> bool:
    """Delete a subscription, and remember it outside the database; false where there was none (any more).

    Who ends what was never confirmed did not ask for it: that mailbox is not asked about this list again. The file
    comes first: after a crash between the two the link still works, while the other order could lose the wish.
    """
    rows = database.query(
        "SELECT address_hash, petition_id, state FROM newsletter_subscription WHERE id = ?", (row_id,)
    )
    for address_hash, petition_id, state in rows:
        wishes = [Erasure(erasure_journal.UNSUBSCRIBED, bytes(address_hash), petition_id)]
        if state == ASKED:
            refusal = _refusal(petition_id, bytes(address_hash))
            wishes.append(Erasure(erasure_journal.NOT_ME, refusal, petition_id))
            database.insert(
                "signing_suppression", ("hash", "petition_id"), [(refusal, petition_id)], ignore=True
            )
        erasure_journal.append(wishes)
    return database.execute("DELETE FROM newsletter_subscription WHERE id = ?", (row_id,)) == 1


def end_updates(database: Database, mailboxes: Sequence[tuple[int, bytes]]) -> None:
    """Withdrawing a signature ends the updates about its petition; `mailboxes` are petition ids and list hashes.

    Remembered before the commit, as by `unsubscribe`; inside the caller's transaction.
    """
    for petition_id in sorted({petition_id for petition_id, _ in mailboxes} - {SITE}):
        where, params = database.among("address_hash", [h for of, h in mailboxes if of == petition_id])
        ended = database.query(
            f"DELETE FROM newsletter_subscription WHERE petition_id = ? AND {where} RETURNING address_hash",
            [petition_id, *params],
        )
        erasure_journal.append(
            [Erasure(erasure_journal.UNSUBSCRIBED, bytes(row[0]), petition_id) for row in ended]
        )


def unsubscribe_token(subscribers: bytes, row_id: int) -> bytes:
    """The token in the unsubscribe link, 16 bytes: the row's id ‖ 8 bytes of a MAC, so that nothing need be stored."""
    body = row_id.to_bytes(8, "big")
    return body + hmac.digest(subscribers, b"unsubscribe/1\0" + body, "sha256")[:8]


def row_of(subscribers: bytes, token: bytes) -> int | None:
    """The row that an unsubscribe token stands for; None where the MAC is not ours."""
    row_id = int.from_bytes(token[:8], "big")
    return row_id if hmac.compare_digest(unsubscribe_token(subscribers, row_id), token) else None


def confirm_hash(token: bytes) -> bytes:
    """What the database holds of a mailed confirmation link."""
    return hashlib.sha256(b"newsletter/1 token" + token).digest()


def _refusal(petition_id: int, address_hash: bytes) -> bytes:
    # Kept in the table of "not me", whose hashes are unique over all lists. What is hashed is keyed already.
    return hashlib.sha256(b"not-me/list/1" + petition_id.to_bytes(8, "big") + address_hash).digest()[:16]


def _values(r: Subscription, state: int, confirm_hash: bytes | None, expires: int | None) -> Row:
    version = consent.version(r.sentence)
    return (
        r.id,
        r.petition_id,
        r.address_hash,
        r.sealed_address,
        r.language,
        state,
        version,
        confirm_hash,
        expires,
    )


def _keep_sentences(database: Database, rows: Sequence[Subscription]) -> None:
    sentences = sorted({(consent.version(r.sentence), r.sentence) for r in rows})
    database.insert("newsletter_consent", ("version", "sentence"), sentences, ignore=True)
