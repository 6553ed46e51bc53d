"""Subscriptions as rows: make, store and find them.

This module does not use Django, because the confirmation of a signature stores subscriptions too.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sabal.database import Database, Row
from sabal.keys.keystore import seal
from sabal.mail.address import EmailAddress
from sabal.newsletter import consent, suppression
from sabal.newsletter.lists import MailingList
from sabal.records.mac import hmac_sha256

ASKED, CONFIRMED = 1, 2
ASKED_HERE, WITH_SIGNATURE = 0, -1  # newsletter_subscription.origin, apart from imports
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
    "since",
    "origin",
)
# The stored address stays as it was typed with the first request, and the link emailed then shows the subscription. A
# confirmed subscription stays unchanged.
_CONFIRM_ASKED = (
    "(petition_id, organisation, address_hash) DO UPDATE SET state = excluded.state, consent = excluded.consent,"
    " expires = NULL, since = excluded.since, origin = excluded.origin"
    f" WHERE newsletter_subscription.state = {ASKED}"
)


def told_origin(origin: int, since: int | None) -> int:
    """Return what may be said of where a subscription comes from: `ASKED_HERE`, `WITH_SIGNATURE` or an import's id.

    One without a day may have come with a signature of a guarded petition, which earlier versions stored.
    """
    return ASKED_HERE if origin == WITH_SIGNATURE and since is None else origin


@dataclass(frozen=True, slots=True)
class Subscription:
    """One address in one list, and the sentence that was ticked.

    `since` is the day of the consent (since 1970), or None if it is not kept. `origin` is `ASKED_HERE`,
    `WITH_SIGNATURE` or the id of an import.
    """

    id: int
    list: MailingList
    address_hash: bytes
    sealed_address: bytes
    language: str
    sentence: str
    since: int | None = None
    origin: int = 0


def subscription(
    subscribers: bytes,
    of: MailingList,
    address: EmailAddress,
    language: str,
    sentence: str,
    *,
    since: int | None = None,
    origin: int = ASKED_HERE,
) -> Subscription:
    """Make a subscription with its address sealed under the subscribers' key."""
    return Subscription(
        id=new_id(),
        list=of,
        address_hash=address_hash(subscribers, address),
        sealed_address=seal(subscribers, address.typed.encode(), b"subscriber"),
        language=language,
        sentence=sentence,
        since=since,
        origin=origin,
    )


def new_id() -> int:
    """Return a random id for a row."""
    return secrets.randbits(63)


def address_hash(subscribers: bytes, address: EmailAddress) -> bytes:
    """Return the keyed hash of an address, 16 bytes, by which it is in a list only once."""
    return hmac_sha256(subscribers, b"subscriber/1\0" + address.normalised.encode())[:16]


def ask(database: Database, row: Subscription, confirm_hash: bytes, expires: int) -> bool:
    """Store a subscription that is not confirmed yet, inside the caller's transaction. Return whether to send an email.

    No email is sent to an address that is in the list already, refused to be asked, or whose owner complained. At most
    `MAX_EMAILS` are sent before it confirms. If it asks again, only the last emailed link works, and the address is
    stored as last typed.
    """
    if database.query(
        "SELECT 1 FROM signing_suppression WHERE hash = ?", (refusal_hash(row.list, row.address_hash),)
    ) or suppression.complained(database, [row.address_hash]):
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


def add_confirmed(database: Database, rows: Sequence[Subscription]) -> int:
    """Store confirmed subscriptions of an import, inside the caller's transaction. Return how many are new.

    A request that is not confirmed yet becomes one; a confirmed subscription stays unchanged.
    """
    if not rows:
        return 0
    _store_sentences(database, rows)
    values = [_values(r, CONFIRMED, None, None) for r in sorted(rows, key=lambda r: (r.list, r.address_hash))]
    return database.insert("newsletter_subscription", _COLUMNS, values, on_conflict=_CONFIRM_ASKED)


def refused(database: Database, of: MailingList, address_hashes: Sequence[bytes]) -> set[bytes]:
    """Return those of these addresses whose owners refused to be asked for this list."""
    by_refusal = {refusal_hash(of, one): one for one in address_hashes}
    if not by_refusal:
        return set()
    where, params = database.among("hash", list(by_refusal))
    rows = database.query(f"SELECT hash FROM signing_suppression WHERE {where}", params)
    return {by_refusal[bytes(row[0])] for row in rows}


def stored_id(database: Database, row: Subscription) -> int:
    """Return the id of this address in this list. If it is not in the list, return the id of `row`."""
    found = database.query(
        "SELECT id FROM newsletter_subscription WHERE petition_id = ? AND organisation = ? AND address_hash = ?",
        (row.list.petition_id, row.list.organisation, row.address_hash),
    )
    return int(found[0][0]) if found else row.id


def confirm_with_signature(database: Database, rows: Sequence[Subscription]) -> None:
    """Confirm the subscriptions that were ticked with a signature, also if the address had asked for them before.

    Those whose owner complained about a list are left out.
    """
    never = suppression.complained(database, {r.address_hash for r in rows})
    rows = [r for r in rows if r.address_hash not in never]
    if not rows:
        return
    suppression.lift(database, [(r.address_hash, r.list) for r in rows])
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


def confirm(database: Database, confirm_hash: bytes, day: int | None = None) -> MailingList | None:
    """Confirm by the emailed link. Return the list, or None if the link is of no subscription. Twice is harmless.

    `day` is that of the click (since 1970); it is kept for newsletters.
    """
    found = database.query(
        "SELECT address_hash, organisation, petition_id FROM newsletter_subscription WHERE confirm_hash = ?"
        " AND state = ?",
        (confirm_hash, ASKED),
    )
    suppression.lift(database, [(bytes(row[0]), MailingList(*row[1:])) for row in found])
    rows = database.query(
        "UPDATE newsletter_subscription SET state = ?, expires = NULL,"
        " since = CASE WHEN state = ? AND petition_id = 0 THEN ? ELSE since END"
        " WHERE confirm_hash = ? RETURNING organisation, petition_id",
        (CONFIRMED, ASKED, day, confirm_hash),
    )
    return MailingList(*rows[0]) if rows else None


def give_up_asking(database: Database, row_id: int) -> None:
    """Send no more emails for a request that is not confirmed, inside the caller's transaction. It still expires."""
    database.execute(
        "UPDATE newsletter_subscription SET asked = ? WHERE id = ? AND state = ?", (MAX_EMAILS, row_id, ASKED)
    )


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


def list_of(database: Database, row_id: int) -> MailingList | None:
    """Return the list of a subscription; None if it is no longer there."""
    rows = database.query(
        "SELECT organisation, petition_id FROM newsletter_subscription WHERE id = ?", (row_id,)
    )
    return MailingList(*rows[0]) if rows else None


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


def refusal_hash(of: MailingList, address_hash: bytes) -> bytes:
    """Return the hash by which it is known that the owner of an address refused to be asked for a list."""
    # It is stored beside "not me" answers, so it must be unique over all lists. The address hash is keyed.
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
        r.since,
        r.origin,
    )


def _store_sentences(database: Database, rows: Sequence[Subscription]) -> None:
    sentences = sorted({(consent.version(r.sentence), r.sentence) for r in rows})
    database.insert("newsletter_consent", ("version", "sentence"), sentences, ignore=True)
