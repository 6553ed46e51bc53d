"""Confirm and not me: what the click on a mailed link leads to."""

from datetime import date

from sabal.keys.ring import Ring
from sabal.newsletter.subscription import HOUSE, Subscription, subscription
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import token
from sabal.signing.operations import Confirm, NotMe
from sabal.signing.record import Carry
from sabal.signing.sign import EPOCH, NotReady


def confirm(t: bytes, carry: Carry, petition: PetitionSnapshot, ring: Ring, today: date) -> Confirm:
    """The operation that confirms a signature and what was ticked with it. Raises NotReady where a key is missing."""
    return Confirm(
        petition_id=petition.id,
        token_hash=token.digest(t),
        country=carry.country or None,
        language=carry.language,
        display=carry.display or None,
        today=(today - EPOCH).days,
        subscriptions=tuple(_ticked(which, carry, petition, ring) for which in carry.subscribe),
    )


def not_me(t: bytes, carry: Carry, petition: PetitionSnapshot) -> NotMe:
    """The operation that forgets a signature that somebody else asked for."""
    return NotMe(petition.id, token.digest(t), carry.suppression)


def _ticked(which: str, carry: Carry, petition: PetitionSnapshot, ring: Ring) -> Subscription:
    if ring.subscribers is None:
        raise NotReady
    organiser = petition.definition.organiser[carry.language]
    target = petition.id if which == "updates" else HOUSE
    return subscription(ring.subscribers, target, carry.address, carry.language, organiser)
