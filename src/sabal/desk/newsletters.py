"""What the desk knows of mailings: the lists of an organisation, the letter as it will arrive, and the report."""

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings as desk
from django.db.models import QuerySet
from django.utils.translation import gettext

from sabal import database as raw
from sabal import settings
from sabal.accounts import audit, listowners, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation, User
from sabal.bounces import totals
from sabal.bounces.reasons import Reason
from sabal.desk.titles import public_definition_of, title_of
from sabal.mail.emails import Site
from sabal.mailings import control, report
from sabal.mailings.audience import count, sent_before
from sabal.mailings.models import Mailing, Newsletter
from sabal.mailings.rendering import MailingContext, MailingWords, Rendered, render
from sabal.mailings.report import MailingReport
from sabal.newsletter.lists import MailingList
from sabal.petitions.definition import Definition
from sabal.petitions.models import Petition

NEWSLETTER, UPDATES = "newsletter", "updates"


@dataclass(frozen=True)
class OwnList:
    """A list of an organisation: its name in a form, what it is called, and its confirmed subscribers by language."""

    value: str
    label: str
    list: MailingList
    subscribers: Counter[str] = field(default_factory=Counter)


def petitions_of(organisation: Organisation) -> list[Petition]:
    """Return the published petitions of an organisation, the newest first."""
    found = Petition.objects.filter(ownership__organisation=organisation).exclude(state=Petition.State.DRAFT)
    return list(found.exclude(organisation="").select_related("version").order_by("-pk"))


def lists_of(organisation: Organisation) -> list[OwnList]:
    """Return the lists of an organisation with their subscribers: its newsletters, and the updates about petitions."""
    keys = listowners.keys_of(organisation)
    petitions = listowners.petitions_with_lists_of(organisation).select_related("version").order_by("-pk")
    found = [
        OwnList(
            f"{NEWSLETTER}:{key}",
            gettext("Newsletter") + (f" ({key})" if len(keys) > 1 else ""),
            MailingList(key),
        )
        for key in keys
    ]
    found += [
        OwnList(
            f"{UPDATES}:{one.slug}",
            gettext("Updates about “%(title)s”") % {"title": title_of(one)},
            MailingList(one.organisation, one.pk),
        )
        for one in petitions
        if one.organisation in keys
    ]
    with closing(raw.connect()) as database:
        return [OwnList(one.value, one.label, one.list, count(database, one.list)) for one in found]


def readers_of_updates(petition: Petition) -> int | None:
    """Return how many people get the updates about a petition by email; None if it is guarded.

    The page on which an update is published shows it to everybody who may publish, and needs no number: so of a guarded
    petition it has none for anybody (`hides_numbers` has the reason).
    """
    of = MailingList(petition.organisation, petition.pk)
    if is_of_guarded(of):
        return None
    with closing(raw.connect()) as database:
        return sum(count(database, of).values())


def mailings_of(organisation: Organisation) -> QuerySet[Mailing]:
    """Return the mailings of an organisation, the newest first."""
    return Mailing.objects.filter(organisation__in=listowners.keys_of(organisation)).order_by("-pk")


def languages_of(organisation: Organisation) -> list[str]:
    """Return the languages in which an organisation may write: those of the site and of its petitions."""
    definitions = [public_definition_of(one) for one in petitions_of(organisation)]
    found = [language for one in definitions if one for language in one.languages]
    return list(dict.fromkeys([*found, *settings.SITE_LANGUAGES]))


def occasion_of(mailing: Mailing) -> MailingContext | None:
    """Return whose list a mailing is for; None if its petitions cannot be read."""
    definition: Definition | None
    if mailing.petition is not None:
        definition = public_definition_of(mailing.petition)
        about = definition
    else:
        same = Petition.objects.filter(organisation=mailing.organisation).exclude(state=Petition.State.DRAFT)
        read = (public_definition_of(one) for one in same.select_related("version").order_by("-pk"))
        definition, about = next((one for one in read if one), None), None
    if definition is None:
        return None
    newsletter = Newsletter.objects.filter(organisation=mailing.organisation).first()
    return MailingContext(
        definition, about, mailing.organisation, mailing.pk, newsletter.reply_to if newsletter else ""
    )


def letter_of(mailing: Mailing, language: str) -> Rendered | None:
    """Return a mailing in a language as it will arrive; None if it has no such text."""
    text, occasion = mailing.texts.filter(language=language).first(), occasion_of(mailing)
    if text is None or occasion is None:
        return None
    site = Site(desk.BASE_URL, settings.MAIL_FROM)
    return render(MailingWords(text.language, text.subject, text.body), occasion, site)


def hides_numbers(of: MailingList, person: User, organisation: Organisation | None) -> bool:
    """Return whether a person may not see how many are on a list. `organisation` is the one to which it belongs.

    Of updates about a guarded petition only a person who may export the list, so who could read the addresses anyway,
    sees the number: that of this moment would tell everybody else whether a mailbox that they control had signed with
    updates. A list that belongs to no single organisation can be exported by nobody.
    """
    if not is_of_guarded(of):
        return False
    return organisation is None or Act.EXPORT not in roles.in_organisation(person, organisation)


def is_of_guarded(of: MailingList) -> bool:
    """Return whether a list is of updates about a guarded petition, or about one that cannot be read."""
    if not of.petition_id:
        return False
    petition = Petition.objects.select_related("version").filter(pk=of.petition_id).first()
    definition = None if petition is None else public_definition_of(petition)
    return definition is None or definition.profile == "guarded"


def is_guarded(mailing: Mailing) -> bool:
    """Return whether the emails may say only that there is news."""
    occasion = occasion_of(mailing)
    return occasion is not None and occasion.guarded


def report_of(mailing: Mailing) -> tuple[MailingReport, Counter[Reason]]:
    """Return what became of a mailing, and why emails came back."""
    with closing(raw.connect()) as database:
        return report.of(database, mailing.pk), totals.of_mailing(database, mailing.pk)


def told(moment: int | None) -> datetime | None:
    """Return a stored moment as a time."""
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


def owner_of(mailing: Mailing) -> Organisation | None:
    """Return the organisation to which a mailing's list belongs."""
    return listowners.owner_of(mailing.organisation)


def begin_due(now: int | None = None) -> int:
    """Begin the mailings whose time has come, and return their number. The worker calls it.

    A plan of a person who may not send any more becomes a draft again, and so does one that no published petition
    belongs to any more.
    """
    now, begun = int(time.time()) if now is None else now, 0
    for mailing in control.due(now):
        owner, person = owner_of(mailing), mailing.sent_by
        may = owner is not None and person is not None and Act.SEND in roles.in_organisation(person, owner)
        if owner is None or person is None or not may or occasion_of(mailing) is None:
            control.unplan(mailing)
        elif control.begin(mailing, now, person.pk):
            audit.record(person, "mailing-begun", organisation=owner, details=subject_of(mailing))
            begun += 1
    return begun


def subject_of(mailing: Mailing) -> str:
    """Return the subject of a mailing in its own first language; of a guarded petition's updates none."""
    text = mailing.texts.filter(language=mailing.fallback).first()
    return "" if text is None else text.subject


def count_of(mailing: Mailing) -> Counter[str]:
    """Return the confirmed subscribers of a mailing's list by language."""
    with closing(raw.connect()) as database:
        return count(database, control.list_of(mailing))


def got_it_already(mailing: Mailing) -> int:
    """Return how many recipients an earlier mailing with one of the same texts has. They do not get it again."""
    with closing(raw.connect()) as database:
        return sent_before(database, control.audience_of(mailing))


def label_of(mailing: Mailing) -> str:
    """Return the name of a mailing's list."""
    if mailing.petition is None:
        return gettext("Newsletter")
    return gettext("Updates about “%(title)s”") % {"title": title_of(mailing.petition)}
