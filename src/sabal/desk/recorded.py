"""What the desk shows of deliveries: the petition as public pages read it, and for each recipient what comes next."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.utils.translation import get_language, gettext, ngettext

from sabal import database as raw
from sabal.delivery.record import versions_of
from sabal.petitions import snapshot
from sabal.petitions.deliveries import StepKind, deliveries_of
from sabal.petitions.history import PublishedVersion
from sabal.petitions.models import Petition
from sabal.petitions.progress import Progress
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.standing import Progressed, RecipientSteps, SignedVersion, Standing, progressed

TIME_TO_ANSWER = timedelta(days=60)
"""After so long without an answer the desk proposes to ask for one."""


@dataclass(frozen=True)
class Next:
    """What comes next with a recipient: a sentence, and what is recorded then. `late`: it should have happened.

    `other` is what may happen instead.
    """

    sentence: str
    kind: StepKind | None = None
    demands: bool = False
    late: bool = False
    other: StepKind | None = None


@dataclass(frozen=True)
class Recorded:
    """A published petition with everything that was recorded of it."""

    petition: Petition
    snapshot: PetitionSnapshot
    versions: Sequence[SignedVersion]
    found: Progressed

    def name(self, key: str) -> str:
        """Return the name of a recipient in the reader's language, also of one that is no longer asked."""
        here = get_language() or "en"
        for version in reversed(self.versions):
            for recipient in version.definition.recipients:
                if recipient.key == key:
                    name = recipient.name
                    return name.get(here) or name[version.definition.authoritative]
        return key

    @property
    def earlier_recipients(self) -> list[str]:
        """Return the recipients of earlier versions with whom something happened."""
        keys = [*self.found.contacts, *(one.recipient for one in self.found.earlier)]
        return [key for key in dict.fromkeys(keys) if key not in self.found.recipients]

    def next(self, key: str, today: date) -> Next:
        """Return what comes next with a recipient."""
        contact = self.found.contacts.get(key, RecipientSteps())
        totals = self.found.totals(recipient=key)
        if contact.answered and totals.get(Standing.ANSWERED):
            return Next(gettext("It answered. Say what the answer means for each demand."), demands=True)
        return _unanswered(contact, today) or _kept(totals)


def recorded(petition: Petition) -> Recorded | None:
    """Return what was recorded of a petition; None for a draft, or if this version of Sabal refuses its files."""
    versions = versions_of(petition) if petition.state != Petition.State.DRAFT else []
    if not versions:
        return None
    with closing(raw.connect()) as database:
        deliveries = deliveries_of(database, petition.pk)
    published = tuple(PublishedVersion(one.number, date.min, "", one.definition, {}, ()) for one in versions)
    shown = replace(
        snapshot.draft(versions[-1].definition),
        id=petition.pk,
        slug=petition.slug,
        state=petition.state,
        versions=published,
        progress=Progress(petition.progress, deliveries),
    )
    return Recorded(petition, shown, versions, progressed(deliveries, versions))


def late_answers(petition: Petition, today: date) -> list[tuple[str, str, date]]:
    """Return the key and name of each recipient whose answer was due before today, and when it was."""
    found = recorded(petition)
    if found is None:
        return []
    asked = {key: contact.asked for key, contact in found.found.contacts.items()}
    return [
        (key, found.name(key), step.due)
        for key, step in asked.items()
        if step and step.due and step.due < today and key in found.found.recipients
    ]


def _unanswered(contact: RecipientSteps, today: date) -> Next | None:
    """Return what comes next until there is an answer; None if there is one."""
    last = contact.steps[-1].kind if contact.steps else None
    if contact.asked and contact.asked.due:
        days = (today - contact.asked.due).days
        if days <= 0:
            return Next(gettext("An answer was asked for. When it comes, record it."), StepKind.ANSWERED)
        late = ngettext(
            "The answer is %(days)d day late. Ask again, or record what they said.",
            "The answer is %(days)d days late. Ask again, or record what they said.",
            days,
        )
        return Next(late % {"days": days}, StepKind.ASKED, late=True, other=StepKind.ANSWERED)
    if contact.answered:
        return None
    if contact.delivered is None:
        if last in (StepKind.REFUSED, StepKind.RETURNED):
            return Next(gettext("It did not arrive. Deliver it in another way."), StepKind.DELIVERED)
        return Next(gettext("Deliver the petition, then record here when and how."), StepKind.DELIVERED)
    if today - contact.delivered > TIME_TO_ANSWER:
        return Next(
            gettext("There is no answer yet. Ask for one by a date."),
            StepKind.ASKED,
            other=StepKind.ANSWERED,
        )
    return Next(
        gettext("It was delivered. Record an answer, or ask for one by a date."),
        StepKind.ANSWERED,
        other=StepKind.ASKED,
    )


def _kept(totals: dict[Standing, int]) -> Next:
    promised = totals.get(Standing.PROMISED, 0)
    if promised:
        words = ngettext(
            "%(number)d promise. Look from time to time whether it is kept.",
            "%(number)d promises. Look from time to time whether they are kept.",
            promised,
        )
        return Next(words % {"number": promised}, demands=True)
    return Next(gettext("Nothing is open. If something changes, say so."), demands=True)
