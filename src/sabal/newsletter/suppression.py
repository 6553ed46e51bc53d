"""The suppression list: addresses that get no emails of a list any more, as keyed hashes.

It is asked when an email to a list is queued, when it is sent, and when a list is imported. A hash is that of the
subscriptions (`subscription.address_hash`), so SQL can compare both, and nobody needs the address.
"""

from collections.abc import Collection, Sequence
from enum import IntEnum

from sabal import erasure_journal
from sabal.database import Database
from sabal.erasure_journal import Erasure
from sabal.newsletter import growth
from sabal.newsletter.lists import MailingList

EVERY_LIST = ("", 0)  # organisation and petition of a row that is about every list of this server


class Why(IntEnum):
    """Why an address is suppressed. A row of LEFT is about one list, and only keeps an import from adding it again."""

    BOUNCED = 1  # there is no such mailbox
    FULL = 2  # emails could not be delivered again and again
    COMPLAINED = 3  # the reader said that an email was spam
    LEFT = 4  # the reader unsubscribed
    REFUSED = 5  # the reader of an invitation to sign asked to be written to never again


# Kinds of line in the erasure journal.
JOURNAL = {
    Why.BOUNCED: "bounced",
    Why.FULL: "undeliverable",
    Why.COMPLAINED: "complained",
    Why.REFUSED: "refused",
}
OF_JOURNAL = {kind: why for why, kind in JOURNAL.items()}
UNKNOWN_DAY = 0  # of those who left, and of what a restored journal says
_CONFIRMED = 2  # newsletter_subscription.state
_COLUMNS = ("address_hash", "organisation", "petition_id", "reason", "day")
# A complaint stays one, whatever else happens to the address.
_UNLESS_COMPLAINED = (
    "(address_hash, organisation, petition_id) DO UPDATE SET reason = excluded.reason, day = excluded.day"
    f" WHERE newsletter_suppression.reason <> {Why.COMPLAINED:d}"
)
FREE = (
    "NOT EXISTS (SELECT 1 FROM newsletter_suppression f WHERE f.address_hash = s.address_hash"
    " AND f.organisation = '' AND f.petition_id = 0)"
)
"""SQL that is true of a row `s` of newsletter_subscription whose address is not suppressed."""


def suppress(database: Database, address_hash: bytes, why: Why, day: int) -> list[MailingList]:
    """Email an address about no list any more, inside the caller's transaction. `day` is since 1970.

    Its confirmed subscriptions are deleted; return their lists. The erasure journal is written first, as in
    `leaving.unsubscribe`. A request that is not confirmed stays, and is deleted on its day.
    """
    erasure_journal.append([Erasure(JOURNAL[why], address_hash, 0)])
    return suppress_again(database, address_hash, why, day)


def suppress_again(
    database: Database, address_hash: bytes, why: Why, day: int = UNKNOWN_DAY
) -> list[MailingList]:
    """Do what a line of the erasure journal says, without writing another one."""
    row = (address_hash, *EVERY_LIST, int(why), day)
    database.insert("newsletter_suppression", _COLUMNS, [row], on_conflict=_UNLESS_COMPLAINED)
    ended = database.query(
        "DELETE FROM newsletter_subscription WHERE address_hash = ? AND state = ?"
        " RETURNING organisation, petition_id, since",
        (address_hash, _CONFIRMED),
    )
    for organisation, petition_id, since in ended:
        if not petition_id:
            growth.note_ended(database, organisation, since, day, why)
    return [MailingList(*row[:2]) for row in ended]


def note_left(database: Database, address_hash: bytes, organisation: str) -> None:
    """Note that an address left the newsletter of an organisation, inside the caller's transaction.

    The day is not kept. Who leaves updates about a petition is not noted, because nobody is imported into these.
    """
    row = (address_hash, organisation, 0, int(Why.LEFT), UNKNOWN_DAY)
    database.insert("newsletter_suppression", _COLUMNS, [row], ignore=True)


def lift(database: Database, clicked: Sequence[tuple[bytes, MailingList]]) -> None:
    """Let addresses into lists that their owners just confirmed by a click, inside the caller's transaction.

    The click shows that the mailbox works. A complaint is never lifted.
    """
    if not clicked:
        return
    where, params = database.among("address_hash", sorted({address_hash for address_hash, _ in clicked}))
    found = database.query(
        f"SELECT address_hash, organisation, petition_id FROM newsletter_suppression WHERE {where} AND reason <> ?",
        [*params, int(Why.COMPLAINED)],
    )
    wanted = {(address_hash, of.organisation, of.petition_id) for address_hash, of in clicked}
    wanted |= {(address_hash, *EVERY_LIST) for address_hash, _ in clicked}
    for row in sorted({(bytes(one[0]), *one[1:]) for one in found} & wanted):
        database.execute(
            "DELETE FROM newsletter_suppression WHERE address_hash = ? AND organisation = ? AND petition_id = ?"
            " AND reason <> ?",
            (*row, int(Why.COMPLAINED)),
        )


def complained(database: Database, address_hashes: Collection[bytes]) -> set[bytes]:
    """Return those of these addresses whose owners complained. They get no email about any list, ever."""
    if not address_hashes:
        return set()
    where, params = database.among("address_hash", sorted(set(address_hashes)))
    rows = database.query(
        f"SELECT address_hash FROM newsletter_suppression WHERE {where} AND organisation = '' AND reason = ?",
        [*params, int(Why.COMPLAINED)],
    )
    return {bytes(row[0]) for row in rows}


def suppressed(database: Database, address_hashes: Collection[bytes]) -> set[bytes]:
    """Return those of these addresses that get no email about any list, whatever the reason."""
    if not address_hashes:
        return set()
    where, params = database.among("address_hash", sorted(set(address_hashes)))
    rows = database.query(
        f"SELECT address_hash FROM newsletter_suppression WHERE {where} AND organisation = '' AND petition_id = 0",
        params,
    )
    return {bytes(row[0]) for row in rows}


def may_email(database: Database, subscriptions: Collection[int]) -> set[int]:
    """Return those of these subscriptions (ids) that get emails now: there, confirmed, their address not suppressed.

    Ask this when an email is sent too: people unsubscribe and addresses bounce while it waits.
    """
    if not subscriptions:
        return set()
    where, params = database.among("s.id", list(subscriptions))
    rows = database.query(
        f"SELECT s.id FROM newsletter_subscription s WHERE {where} AND s.state = {_CONFIRMED} AND {FREE}",
        params,
    )
    return {row[0] for row in rows}
