"""Lists of people to invite, as the desk makes, begins and stops them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext

from sabal.accounts import audit
from sabal.accounts.models import User
from sabal.elsewhere import people, sealing
from sabal.elsewhere.inviting import PART
from sabal.elsewhere.models import InvitationList, InvitationPart, SealingKey
from sabal.elsewhere.people import Invitee, Numbers
from sabal.elsewhere.tables import Table
from sabal.petitions.models import Petition
from sabal.refusal import Refusal

UNSTARTED = timedelta(days=7)  # after which the addresses of a list are deleted
TOGETHER = 200  # parts that one statement inserts: 2 MB at most


@dataclass(frozen=True)
class Reason:
    """Where the addresses come from, and what allows the organisation to write to them."""

    platform: str
    title: str
    ground: str
    ground_text: str
    language: str


def make(user: User, petition: Petition, table: Table, numbers: Numbers, reason: Reason) -> InvitationList:
    """Seal the addresses of a table, and count it into `numbers`. Nobody is written to yet. Raises Refusal."""
    key = SealingKey.objects.first()
    if key is None:
        raise Refusal(
            gettext("The server has to be started again before people can be invited. Tell its operator.")
        )
    # Before the transaction: SQLite has one writer, and a long list takes long to seal.
    found = _sealable(people.invitees(table, numbers))
    sealed = [sealing.seal(key.recipient, some) for some in iter(lambda: list(islice(found, PART)), [])]
    if not numbers.addresses:
        raise Refusal(gettext("There is no email address in this file to which an invitation may be sent."))
    with transaction.atomic():
        made = InvitationList.objects.create(
            petition=petition,
            user=user,
            organisation=audit.owner_key(petition),
            platform=reason.platform,
            title=reason.title,
            ground=reason.ground,
            ground_text=reason.ground_text,
            language=reason.language,
            addresses=numbers.addresses,
            numbers={
                "rows": numbers.rows,
                "faults": numbers.faults,
                "platform": numbers.platform,
                "columns": dict(numbers.columns),
            },
        )
        parts = [InvitationPart(list=made, sealed=one) for one in sealed]
        InvitationPart.objects.bulk_create(parts, batch_size=TOGETHER)
        audit.record(
            user, "invitations-made", petition=petition, details=f"{made.platform}: {made.addresses}"
        )
    return made


def _sealable(found: Iterator[Invitee]) -> Iterator[sealing.Person]:
    return ((one.address.typed, one.language) for one in found)


def begin(user: User, made: InvitationList) -> None:
    """Let the worker write to the people of a list. Begun twice, it is done once."""
    with transaction.atomic():
        waiting = InvitationList.objects.filter(pk=made.pk, started_at=None, ended_at=None)
        if waiting.update(started_at=timezone.now(), user=user):
            audit.record(user, "invitations-started", petition=made.petition, details=made.platform)


def stop(user: User, made: InvitationList) -> None:
    """Write to nobody else of a list, and delete its addresses. What is in the outbox already is sent."""
    with transaction.atomic():
        if _end(InvitationList.objects.filter(pk=made.pk, ended_at=None)):
            audit.record(user, "invitations-stopped", petition=made.petition, details=made.platform)


def stop_others(user: User, petition: Petition, owner: str) -> None:
    """End the lists of a petition that other organisations than `owner` (a key) made: their people did not agree to it.

    Call it in the transaction that gives the petition away, before it changes hands.
    """
    others = InvitationList.objects.filter(petition=petition, ended_at=None).exclude(organisation=owner)
    for one in others.select_related("petition").order_by("pk"):
        stop(user, one)


def forget_unstarted() -> int:
    """Delete the addresses of lists that nobody began within a week. Return the number of lists."""
    return _end(
        InvitationList.objects.filter(started_at=None, ended_at=None, made_at__lt=timezone.now() - UNSTARTED)
    )


def _end(lists: models.QuerySet[InvitationList]) -> int:
    with transaction.atomic():
        InvitationPart.objects.filter(list__in=lists.values("pk")).delete()
        return lists.update(ended_at=timezone.now(), stopped=True)
