"""Take a report: find the subscription by a token that only this server can make, and do what follows.

A forged bounce ends nothing. Without the token of an email to that address it is about nobody, and the addresses that
it names are never looked at. A person who has the token has the email, whose link unsubscribes as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from sabal import token as tokens
from sabal.bounces import totals
from sabal.bounces.reasons import AT_ONCE, IN_TIME, Reason
from sabal.bounces.report import MessageKind, MessageReport
from sabal.database import Database
from sabal.mail.answers import PERMANENT, SENDER_REFUSED, TEMPORARY
from sabal.mail.verp import CONFIRMATION, DELIVERY, Sent, Verp
from sabal.newsletter.lists import MailingList
from sabal.newsletter.subscription import ASKED, give_up_asking, row_of
from sabal.newsletter.suppression import Why, suppress

# Of an email to a recipient, in the words of mail.answers.
SENTENCES = {
    Reason.NO_MAILBOX: PERMANENT["5.1.1"],
    Reason.NO_DOMAIN: PERMANENT["5.1.2"],
    Reason.FULL: TEMPORARY["5.2.2"],
    Reason.UNREACHABLE: TEMPORARY["4.4.1"],
    Reason.REFUSED_US: SENDER_REFUSED["5.7.1"],
}
BOUNCES_FOR = 14  # days after an email was sent in which it can bounce: mail servers try for five
COMPLAINTS_FOR = 90  # days in which people report it
SOFT_DAYS = 5  # days on which emails came back, before an address is given up
FORGET_AFTER = 90  # days


class Taken(Enum):
    """What came of a report."""

    ENDED = "ended subscriptions"
    COUNTED = "counted"
    AGAIN = "known already"
    GONE = "of nobody who is subscribed"
    OLD = "about too old an email"
    FORGED = "without a token of this server"
    NOTHING = "nothing to do"


@dataclass(frozen=True, slots=True)
class _Row:
    address_hash: bytes
    list: MailingList
    state: int


def take(database: Database, verp: Verp, subscribers: bytes, report: MessageReport, today: int) -> Taken:
    """Do what a report asks for, in a transaction of its own. `today` is in days since 1970.

    It may be repeated: the second time it finds nothing to do.
    """
    if report.kind not in (MessageKind.BOUNCE, MessageKind.COMPLAINT):
        return Taken.NOTHING
    found = {sent for sender in report.senders if (sent := verp.open(sender))}
    if report.kind is MessageKind.COMPLAINT and not found:
        found = {Sent(row, CONFIRMATION, today) for row in _linked(subscribers, report.unsubscribe)}
    if len(found) != 1:  # several could be a list of tokens that somebody collected
        return Taken.FORGED
    sent = found.pop()
    lasting = COMPLAINTS_FOR if report.kind is MessageKind.COMPLAINT else BOUNCES_FOR
    if not -1 <= today - sent.day <= lasting:
        return Taken.OLD
    with database.transaction():
        if sent.occasion == DELIVERY:
            return _returned(database, sent.subscription, report.reason)
        return _apply(database, sent, report.reason, today)


def _returned(database: Database, dispatch: int, reason: Reason) -> Taken:
    """Note that an email to a recipient of a petition came back (delivery/sendings.py). A complaint is an answer."""
    if reason is Reason.COMPLAINT:
        return Taken.NOTHING
    came_back = database.execute(
        "UPDATE delivery_dispatch SET state = 'returned', reason = ?, recorded = FALSE"
        " WHERE id = ? AND state IN ('accepted', 'unclear')",
        (SENTENCES.get(reason, ""), dispatch),
    )
    return Taken.COUNTED if came_back else Taken.AGAIN


def refused(database: Database, subscription: int, occasion: int, reason: Reason, today: int) -> Taken:
    """Take a refusal that came while an email was sent, inside the caller's transaction."""
    return _apply(database, Sent(subscription, occasion, today), reason, today)


def forget(database: Database, today: int) -> int:
    """Delete the rows of old bounces. The totals stay."""
    return database.execute("DELETE FROM bounces_bounce WHERE day < ?", (today - FORGET_AFTER,))


def _linked(subscribers: bytes, links: Iterable[str]) -> set[int]:
    opened = (row_of(subscribers, t) for link in links if (t := tokens.decode(link)))
    return {row for row in opened if row is not None}


def _apply(database: Database, sent: Sent, reason: Reason, today: int) -> Taken:
    rows = database.query(
        "SELECT address_hash, organisation, petition_id, state FROM newsletter_subscription WHERE id = ?",
        (sent.subscription,),
    )
    if not rows:
        return Taken.GONE
    row = _Row(bytes(rows[0][0]), MailingList(*rows[0][1:3]), rows[0][3])
    new = database.insert(
        "bounces_bounce",
        ("subscription_id", "occasion", "reason", "day"),
        [(sent.subscription, sent.occasion, int(reason), today)],
        ignore=True,
    )
    # A complaint about an email that had bounced before is still a complaint.
    if not new and reason is not Reason.COMPLAINT:
        return Taken.AGAIN
    totals.add(database, row.list, sent.occasion, reason)
    if row.state == ASKED:
        if reason is Reason.COMPLAINT:
            suppress(database, row.address_hash, Why.COMPLAINED, today)
        if reason in AT_ONCE or reason is Reason.COMPLAINT:
            give_up_asking(database, sent.subscription)
        return Taken.COUNTED
    why = _why(database, sent, reason, today)
    # The confirmed click shows that the mailbox works, so an older email that asked to confirm says nothing.
    if why is None or (sent.occasion == CONFIRMATION and why is not Why.COMPLAINED):
        return Taken.COUNTED
    suppress(database, row.address_hash, why, today)
    return Taken.ENDED


def _why(database: Database, sent: Sent, reason: Reason, today: int) -> Why | None:
    """Return why the address is suppressed now; None if it is not."""
    if reason is Reason.COMPLAINT:
        return Why.COMPLAINED
    if reason in AT_ONCE:
        return Why.BOUNCED
    if reason not in IN_TIME:
        return None
    where, params = database.among("reason", [int(one) for one in sorted(IN_TIME)])
    days = database.query(
        f"SELECT COUNT(DISTINCT day) FROM bounces_bounce WHERE subscription_id = ? AND day > ? AND {where}",
        [sent.subscription, today - FORGET_AFTER, *params],
    )[0][0]
    return Why.FULL if days >= SOFT_DAYS else None
