"""Enter, confirm and correct counts of signatures that were gathered on paper or on other platforms."""

from dataclasses import asdict, dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from sabal.accounts import audit
from sabal.accounts.models import User
from sabal.elsewhere.models import OtherCount
from sabal.petitions.models import Petition
from sabal.refusal import Refusal


@dataclass(frozen=True)
class Counted:
    """What one person counted. `kind` is a value of `OtherCount.Kind`; `note` is for the team alone."""

    kind: str
    place: str
    signatures: int
    day: date
    link: str = ""
    note: str = ""


def enter(user: User, petition: Petition, counted: Counted, corrects: OtherCount | None = None) -> OtherCount:
    """Add a count, which the public sees as soon as a second person agrees.

    A correction replaces a count of the same petition that was agreed to. Raises Refusal if that one is replaced
    already, or another correction of it waits.
    """
    if corrects is not None and (corrects.petition_id != petition.pk or not corrects.confirmed):
        raise Refusal(gettext("Only a count that a second person agreed to can be corrected."))
    try:
        with transaction.atomic():
            count = OtherCount.objects.create(
                petition=petition, entered_by=user, corrects=corrects, **asdict(counted)
            )
            _record(user, "count-entered", count)
    except IntegrityError:
        raise Refusal(
            gettext("This count is corrected already, or a correction of it waits for a second person.")
        ) from None
    return count


def decide(user: User, count: OtherCount, *, agreed: bool) -> None:
    """Agree or disagree as the second person. Raises Refusal for the person who entered it, and if it is decided."""
    if user.pk == count.entered_by_id:
        raise Refusal(gettext("You entered this count yourself. Somebody else must check it."))
    waiting = OtherCount.objects.filter(pk=count.pk, decided_at=None).exclude(entered_by=user)
    with transaction.atomic():
        if not waiting.update(decided_by=user, decided_at=timezone.now(), confirmed=agreed):
            raise Refusal(gettext("Somebody else has decided about this count already."))
        _record(user, "count-confirmed" if agreed else "count-refused", count)
        if agreed:
            count.petition.progressed()


def take_back(user: User, count: OtherCount) -> None:
    """Delete a count that the same person entered and nobody has decided about yet. Raises Refusal."""
    with transaction.atomic():
        deleted, _ = OtherCount.objects.filter(pk=count.pk, decided_at=None, entered_by=user).delete()
        if not deleted:
            raise Refusal(gettext("This count can no longer be taken back. Correct it."))
        _record(user, "count-taken-back", count)


def _record(user: User, what: str, count: OtherCount) -> None:
    audit.record(user, what, petition=count.petition, details=f"{count.signatures}, {count.place}")
