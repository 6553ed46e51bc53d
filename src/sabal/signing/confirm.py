"""Confirm and not me: what the click on a mailed link leads to."""

from dataclasses import dataclass
from datetime import date

from sabal import days, token
from sabal.keys.ring import Ring
from sabal.mail.address import EmailAddress
from sabal.newsletter.subscription import HOUSE, Subscription, subscription
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.signing.operations import Confirm, NotMe
from sabal.signing.record import Carry
from sabal.signing.sign import NotReady

LATE_DAYS = 7  # so long after its batch a guarded link still shows the receipt


def confirm(t: bytes, petitions: Snapshots, ring: Ring, today: date) -> Confirm:
    """The operation that confirms whatever this token stands for; what it says is read inside the commit."""
    return Confirm(t, token.digest(t), days.number(today), petitions, ring)


@dataclass(frozen=True, slots=True)
class Said:
    """What was said at signing, and is acted on at confirming."""

    country: str | None
    language: str
    display: str | None
    subscriptions: tuple[Subscription, ...]


def said(click: Confirm, petition_id: int, carry: bytes) -> Said:
    """Open the carry of a pending row. Raises NotReady where a key or the petition is missing, ValueError."""
    opened = Carry.open(click.token, carry)
    return Said(
        country=opened.country or None,
        language=opened.language,
        display=opened.display or None,
        subscriptions=tuple(_ticked(which, opened, petition_id, click) for which in opened.subscribe),
    )


def not_me(t: bytes, carry: Carry, petition: PetitionSnapshot) -> NotMe:
    """The operation that forgets a signature that somebody else asked for."""
    return NotMe(petition.id, token.digest(t), carry.suppression)


def is_late(petition: PetitionSnapshot | None, counted_on: int | None, today: int) -> bool:
    """Whether a link shows nothing any more: a guarded one a week after its batch (days since 1970).

    A mailbox that is searched then proves nothing by it.
    """
    if petition is None or counted_on is None or not petition.profile.discreet:
        return False
    return today > counted_on + LATE_DAYS


def _ticked(which: str, carry: Carry, petition_id: int, click: Confirm) -> Subscription:
    petition, subscribers = click.petitions.by_id(petition_id), click.ring.subscribers
    if petition is None or subscribers is None:
        raise NotReady
    organiser = petition.definition.organiser[carry.language]
    target = petition.id if which == "updates" else HOUSE
    address = EmailAddress.stored(carry.address)
    return subscription(subscribers, target, address, carry.language, organiser)
