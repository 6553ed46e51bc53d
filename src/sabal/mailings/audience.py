"""Who gets a mailing: the confirmed subscribers of its list, counted, and queued as recipients."""

import hmac
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sabal.database import Database, Row
from sabal.keys.keystore import KeyMissing, unseal
from sabal.mail.address import EmailAddress
from sabal.mail.providers import OTHER
from sabal.mailings import tables
from sabal.mailings.states import State
from sabal.mailings.tables import SumKey
from sabal.newsletter.lists import MailingList
from sabal.newsletter.subscription import CONFIRMED
from sabal.newsletter.suppression import FREE

CHUNK = 500  # recipients that one transaction queues: others write between two of them
_COLUMNS = ("id", "mailing_id", "address_hash", "subscription_id", "provider", "language", "state")
_NEXT = (
    "SELECT s.id, s.address_hash, s.sealed_address, s.language FROM newsletter_subscription s"
    f" WHERE s.petition_id = ? AND s.organisation = ? AND s.state = {CONFIRMED} AND s.address_hash > ? AND {FREE}"
    " ORDER BY s.address_hash LIMIT ?"
)


def count(database: Database, of: MailingList) -> Counter[str]:
    """Return the number of confirmed subscribers of a list by their language."""
    rows = database.query(
        "SELECT s.language, COUNT(*) FROM newsletter_subscription s"
        f" WHERE s.petition_id = ? AND s.organisation = ? AND s.state = {CONFIRMED} AND {FREE} GROUP BY s.language",
        (of.petition_id, of.organisation),
    )
    return Counter({language: int(n) for language, n in rows})


@dataclass(frozen=True, slots=True)
class Audience:
    """The readers of one mailing.

    `texts` has the digest of each text by its language. `readers` are the languages of the subscribers who get it; if
    it is empty, all get it, and those whose language has no text get `fallback`.
    """

    mailing: int
    list: MailingList
    texts: Mapping[str, str]
    fallback: str
    readers: Collection[str] = ()

    def text_for(self, language: str) -> str:
        """Return the language of the text that a subscriber with this language gets; empty if they get none."""
        if self.readers and language not in self.readers:
            return ""
        return language if language in self.texts else self.fallback

    def numbers(self, subscribers: Mapping[str, int]) -> Counter[str]:
        """Return how many get each text, from the numbers of subscribers by language."""
        found: Counter[str] = Counter()
        for language, n in subscribers.items():
            if text := self.text_for(language):
                found[text] += n
        return found


def queue(database: Database, audience: Audience, key: bytes, now: int, *, most: int = 1 << 30) -> bool:
    """Give up to about `most` further subscribers a row, `CHUNK` in a transaction. Return whether all have one.

    `key` is the subscribers' key. Each address gets one row of a mailing, whatever crashes, and however many workers do
    this at once. An address that was sent the same text by an earlier mailing gets none.
    """
    chunks = -(-most // CHUNK)
    return not all(_queue_chunk(database, audience, key, now) for _ in range(chunks))


def _queue_chunk(database: Database, audience: Audience, key: bytes, now: int) -> bool:
    """Queue one chunk. Return False if there was none left, or if the mailing does not send now."""
    after = _position(database, audience.mailing)
    if after is None:
        return False
    found = database.query(_NEXT, (audience.list.petition_id, audience.list.organisation, after, CHUNK))
    # Addresses are opened before the transaction begins, so that it is short.
    rows = [row for one in found if (row := _recipient(audience, key, one))]
    with database.transaction():
        held = database.query(
            f"SELECT queue_after, queued FROM mailings_mailing WHERE id = ?{database.for_update}",
            (audience.mailing,),
        )
        if bytes(held[0][0]) != after:
            return True  # another worker queued these
        before = _sent_before(database, audience, rows)
        _insert(database, audience, [row for row in rows if row[2] not in before], int(held[0][1]))
        if found:
            database.execute(
                "UPDATE mailings_mailing SET queue_after = ? WHERE id = ?",
                (bytes(found[-1][1]), audience.mailing),
            )
        if len(found) < CHUNK:
            database.execute(
                "UPDATE mailings_mailing SET queued_at = ? WHERE id = ? AND queued_at IS NULL",
                (now, audience.mailing),
            )
    return len(found) == CHUNK


def _position(database: Database, mailing: int) -> bytes | None:
    """Return the address hash after which to continue; None if all are queued or the mailing was stopped."""
    rows = database.query(
        "SELECT queue_after FROM mailings_mailing WHERE id = ? AND begun_at IS NOT NULL AND queued_at IS NULL"
        " AND cancelled_at IS NULL AND ended_at IS NULL",
        (mailing,),
    )
    return bytes(rows[0][0]) if rows else None


def _recipient(audience: Audience, key: bytes, row: Row) -> Row:
    """Return the row of a recipient without its number; an empty one if this subscriber gets no text."""
    subscription_id, address_hash, sealed, language = row
    text = audience.text_for(language)
    if not text:
        return ()
    provider, state = "unknown", State.UNREADABLE
    try:
        address = EmailAddress.stored(unseal(key, bytes(sealed), b"subscriber").decode())
        provider, state = pace_name(key, address), State.WAITING
    except (KeyMissing, ValueError):
        pass
    return (0, audience.mailing, bytes(address_hash), subscription_id, provider, text, state)


def pace_name(key: bytes, address: EmailAddress) -> str:
    """Return the name under which an address's provider is paced.

    All small domains are one provider in reports. To be slow with one of them alone, eight bits of the domain's keyed
    hash are added.
    """
    if address.provider != OTHER:
        return address.provider
    hashed = hmac.digest(key, b"pace/1\0" + address.domain.encode("ascii"), "sha256")
    return f"{OTHER}-{hashed[0]:02x}"


def _sent_before(database: Database, audience: Audience, rows: Sequence[Row]) -> set[bytes]:
    """Return the addresses that an earlier mailing with the same text has a row of."""
    earlier = _same_text(database, audience)
    if not earlier or not rows:
        return set()
    by_text: dict[str, list[bytes]] = {}
    for row in rows:
        by_text.setdefault(row[5], []).append(row[2])
    found = set[bytes]()
    for text, hashes in by_text.items():
        for mailing, language in earlier:
            if audience.texts[text] != earlier[mailing, language]:
                continue
            where, params = database.among("address_hash", hashes)
            same = database.query(
                "SELECT address_hash FROM mailings_recipient"
                f" WHERE mailing_id = ? AND language = ? AND state <> {State.CANCELLED:d} AND {where}",
                (mailing, language, *params),
            )
            found |= {bytes(row[0]) for row in same}
    return found


def _same_text(database: Database, audience: Audience) -> dict[tuple[int, str], str]:
    """Return mailing, language and digest of each text of an earlier mailing that is the same as one of this."""
    where, params = database.among("t.digest", sorted(set(audience.texts.values())))
    rows = database.query(
        "SELECT t.mailing_id, t.language, t.digest FROM mailings_mailingtext t"
        f" JOIN mailings_mailing m ON m.id = t.mailing_id WHERE {where} AND t.mailing_id <> ?"
        " AND m.organisation = ? AND m.begun_at IS NOT NULL",
        (*params, audience.mailing, audience.list.organisation),
    )
    return {(mailing, language): digest for mailing, language, digest in rows}


def sent_before(database: Database, audience: Audience) -> int:
    """Return how many addresses an earlier mailing with one of the same texts has a row of, cancelled ones apart."""
    return sum(
        int(
            database.query(
                "SELECT COUNT(*) FROM mailings_recipient WHERE mailing_id = ? AND language = ? AND state <> ?",
                (mailing, language, int(State.CANCELLED)),
            )[0][0]
        )
        for mailing, language in _same_text(database, audience)
    )


def _insert(database: Database, audience: Audience, rows: Sequence[Row], queued: int) -> None:
    """Insert the rows with their numbers, and add them to the sums."""
    first = tables.first_id(audience.mailing) + queued
    numbered, added = [], Counter[SumKey]()
    for place, (_, mailing, address_hash, subscription_id, provider, language, state) in enumerate(rows):
        numbered.append(
            (first + place + 1, mailing, address_hash, subscription_id, provider, language, int(state))
        )
        added[SumKey(mailing, provider, language, int(state))] += 1
    database.insert("mailings_recipient", _COLUMNS, numbered)
    tables.add(database, added)
    database.execute(
        "UPDATE mailings_mailing SET queued = queued + ? WHERE id = ?", (len(numbered), audience.mailing)
    )
