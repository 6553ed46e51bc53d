"""Subscriptions as rows: make, store and find them.

This module does not use Django, because the confirmation of a signature stores subscriptions too.
"""

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
from sabal.records.mac import hmac_sha256

ASKED, CONFIRMED = 1, 2
MAX_EMAILS = 3  # to one address before it confirms
_COLUMNS = (
    "id",
    "petition_id",
    "organisation",
    "address_hash",
    "sealed_address",
    "language",
    "state",
    "consent",
    "confirm_hash",
    "expires",
)
# The stored address stays as it was typed with the first request, and the link emailed then shows the subscription. A
# confirmed subscription stays unchanged.
_CONFIRM_ASKED = (
    "(petition_id, organisation, address_hash) DO UPDATE SET state = excluded.state, consent = excluded.consent,"
    f" expires = NULL WHERE newsletter_subscription.state = {ASKED}"
)


@dataclass(frozen=True, slots=True, order=True)
class MailingList:
    """A list of one organisation (its key): its newsletter, or its updates about a petition (the id, else 0).

    Updates name the organisation too: if a petition changes hands, the new organisation begins another list.
    """

    organisation: str
    petition_id: int = 0


@dataclass(frozen=True, slots=True)
class Subscription:
    """One address in one list, and the sentence that was ticked."""

    id: int
    list: MailingList
    address_hash: bytes
    sealed_address: bytes
    language: str
    sentence: str


def subscription(
    subscribers: bytes, of: MailingList, address: EmailAddress, language: str, sentence: str
) -> Subscription:
    """Make a subscription with its address sealed under the subscribers' key."""
    return Subscription(
        id=secrets.randbits(63),
        list=of,
        address_hash=address_hash(subscribers, address),
        sealed_address=seal(subscribers, address.typed.encode(), b"subscriber"),
        language=language,
        sentence=sentence,
    )


def address_hash(subscribers: bytes, address: EmailAddress) -> bytes:
    """Return the keyed hash of an address, 16 bytes, by which it is in a list only once."""
    return hmac_sha256(subscribers, b"subscriber/1\0" + address.normalised.encode())[:16]


def ask(database: Database, row: Subscription, confirm_hash: bytes, expires: int) -> bool:
    """Store a subscription that is not confirmed yet, inside the caller's transaction. Return whether to send an email.

    No email is sent to an address that is in the list already or refused to be asked. At most `MAX_EMAILS` are sent
    before it confirms. If it asks again, only the last emailed link works, and the address is stored as last typed.
    """
    if database.query(
        "SELECT 1 FROM signing_suppression WHERE hash = ?", (_refusal(row.list, row.address_hash),)
    ):
        return False
    _store_sentences(database, [row])
    database.insert(
        "newsletter_subscription", _COLUMNS, [_values(row, ASKED, confirm_hash, expires)], ignore=True
    )
    changed = database.execute(
        "UPDATE newsletter_subscription SET confirm_hash = ?, expires = ?, language = ?, consent = ?,"
        " sealed_address = ?, asked = asked + 1"
        " WHERE petition_id = ? AND organisation = ? AND address_hash = ? AND state = ? AND asked < ?",
        (
            confirm_hash,
            expires,
            row.language,
            consent.version(row.sentence),
            row.sealed_address,
            row.list.petition_id,
            row.list.organisation,
            row.address_hash,
            ASKED,
            MAX_EMAILS,
        ),
    )
    return changed == 1


def stored_id(database: Database, row: Subscription) -> int:
    """Return the id of this address in this list. If it is not in the list, return the id of `row`."""
    found = database.query(
        "SELECT id FROM newsletter_subscription WHERE petition_id = ? AND organisation = ? AND address_hash = ?",
        (row.list.petition_id, row.list.organisation, row.address_hash),
    )
    return int(found[0][0]) if found else row.id


def confirm_with_signature(database: Database, rows: Sequence[Subscription]) -> None:
    """Confirm the subscriptions that were ticked with a signature, also if the address had asked for them before."""
    if not rows:
        return
    _store_sentences(database, rows)
    # Each address once, with the values of its first click. Sorted, so that two processes cannot deadlock.
    firsts = {(r.list, r.address_hash): r for r in reversed(rows)}
    values = [_values(r, CONFIRMED, None, None) for _, r in sorted(firsts.items())]
    database.insert("newsletter_subscription", _COLUMNS, values, on_conflict=_CONFIRM_ASKED)


@dataclass(frozen=True, slots=True)
class Linked:
    """The subscription that an emailed link to confirm is of."""

    id: int
    list: MailingList
    is_confirmed: bool


def of_link(database: Database, confirm_hash: bytes) -> Linked | None:
    """Return the subscription that an emailed link is of; None if there is none."""
    rows = database.query(
        "SELECT id, organisation, petition_id, state FROM newsletter_subscription WHERE confirm_hash = ?",
        (confirm_hash,),
    )
    return Linked(rows[0][0], MailingList(*rows[0][1:3]), rows[0][3] == CONFIRMED) if rows else None


def confirm(database: Database, confirm_hash: bytes) -> MailingList | None:
    """Confirm by the emailed link. Return the list, or None if the link is of no subscription. Twice is harmless."""
    rows = database.query(
        "UPDATE newsletter_subscription SET state = ?, expires = NULL WHERE confirm_hash = ?"
        " RETURNING organisation, petition_id",
        (CONFIRMED, confirm_hash),
    )
    return MailingList(*rows[0]) if rows else None


def expire(database: Database, today: int) -> int:
    """Delete subscriptions that were not confirmed by their day, and return their number. Days are since 1970."""
    return database.execute(
        "DELETE FROM newsletter_subscription WHERE state = ? AND expires < ?", (ASKED, today)
    )


def keys_in_use(database: Database) -> set[str]:
    """Return the keys of all organisations that have subscribers."""
    rows = database.query("SELECT DISTINCT organisation FROM newsletter_subscription")
    return {row[0] for row in rows}


def is_row(database: Database, row_id: int) -> bool:
    """Return whether there is a subscription with this id."""
    return bool(database.query("SELECT 1 FROM newsletter_subscription WHERE id = ?", (row_id,)))


def unsubscribe(database: Database, row_id: int) -> bool:
    """Delete a subscription and write that to the erasure journal. Return False if there was none.

    If it was never confirmed, somebody else may have asked for it, so this list never emails that address again. The
    journal is written first: after a crash between the two, the link still works. The other order could lose the wish.
    """
    rows = database.query(
        "SELECT address_hash, petition_id, organisation, state FROM newsletter_subscription WHERE id = ?",
        (row_id,),
    )
    for found, petition_id, organisation, state in rows:
        of, address_hash = MailingList(organisation, petition_id), bytes(found)
        wishes = [Erasure(erasure_journal.UNSUBSCRIBED, address_hash, petition_id, organisation)]
        if state == ASKED:
            refusal = _refusal(of, address_hash)
            wishes.append(Erasure(erasure_journal.NOT_ME, refusal, petition_id))
            database.insert(
                "signing_suppression", ("hash", "petition_id"), [(refusal, petition_id)], ignore=True
            )
        erasure_journal.append(wishes)
    return database.execute("DELETE FROM newsletter_subscription WHERE id = ?", (row_id,)) == 1


def end_newsletter(database: Database, organisation: str, address_hash: bytes) -> None:
    """End the newsletter of an organisation for one address, inside the caller's transaction."""
    rows = database.query(
        "SELECT id FROM newsletter_subscription WHERE petition_id = 0 AND organisation = ? AND address_hash = ?",
        (organisation, address_hash),
    )
    for (row_id,) in rows:
        unsubscribe(database, row_id)


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


def unsubscribe_token(subscribers: bytes, row_id: int) -> bytes:
    """Return the token of the unsubscribe link: the row's id ‖ 8 bytes of a MAC. It needs no storage."""
    body = row_id.to_bytes(8, "big")
    return body + hmac.digest(subscribers, b"unsubscribe/1\0" + body, "sha256")[:8]


def row_of(subscribers: bytes, token: bytes) -> int | None:
    """Return the row id in an unsubscribe token; None if its MAC is wrong."""
    row_id = int.from_bytes(token[:8], "big")
    return row_id if hmac.compare_digest(unsubscribe_token(subscribers, row_id), token) else None


def confirm_hash(token: bytes) -> bytes:
    """Return the hash of an emailed confirmation link's token. The database stores only this hash."""
    return hashlib.sha256(b"newsletter/1 token" + token).digest()


def _refusal(of: MailingList, address_hash: bytes) -> bytes:
    # The hash is stored beside "not me" answers, so it must be unique over all lists. The address hash is keyed.
    name = of.petition_id.to_bytes(8, "big") + of.organisation.encode("ascii")
    return hashlib.sha256(b"not-me/list/1" + name + b"\0" + address_hash).digest()[:16]


def _values(r: Subscription, state: int, confirm_hash: bytes | None, expires: int | None) -> Row:
    version = consent.version(r.sentence)
    return (
        r.id,
        r.list.petition_id,
        r.list.organisation,
        r.address_hash,
        r.sealed_address,
        r.language,
        state,
        version,
        confirm_hash,
        expires,
    )


def _store_sentences(database: Database, rows: Sequence[Subscription]) -> None:
    sentences = sorted({(consent.version(r.sentence), r.sentence) for r in rows})
    database.insert("newsletter_consent", ("version", "sentence"), sentences, ignore=True)
