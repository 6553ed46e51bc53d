"""What a draft needs before it can be published, each with the page where it is completed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sabal.desk.languagenames import language_name
from sabal.desk.planning import last_look
from sabal.petitions.definition import NO_DATE, TO_COMPLETE, Definition, Text
from sabal.petitions.models import Petition
from sabal.petitions.profile import GRACE_DAYS


@dataclass(frozen=True)
class Check:
    """One line of the list: what it is, whether it is done, and where. Without what is not `needed` it can publish."""

    what: str | Promise
    done: bool
    where: str
    why: str | Promise = ""
    needed: bool = True


def checklist(petition: Petition, definition: Definition | None) -> list[Check]:
    """Return the checks of a draft; none if it is published or cannot be read."""
    if definition is None or petition.state != Petition.State.DRAFT:
        return []
    return [
        *_texts(petition, definition),
        *_terms(petition, definition),
        *_key(petition, definition),
        _email(petition),
    ]


def is_ready(checks: list[Check]) -> bool:
    """Return whether everything is done."""
    return all(check.done for check in checks if check.needed)


def _texts(petition: Petition, definition: Definition) -> Iterator[Check]:
    for language, text in definition.texts.items():
        yield Check(
            _("The text (%(language)s)") % {"language": language_name(language)},
            not _is_incomplete(text),
            reverse("text", args=[petition.slug, language]),
            _("Title, summary and demands."),
        )


def _is_incomplete(text: Text) -> bool:
    return any(TO_COMPLETE in words for words in (text.title, text.summary, repr(text.demands)))


def _terms(petition: Petition, definition: Definition) -> Iterator[Check]:
    where = reverse("terms", args=[petition.slug])
    controller = definition.controller
    names = (*definition.organiser.values(), *controller.name.values(), *controller.address.values())
    yield Check(
        _("Who is responsible"),
        not any(TO_COMPLETE in text for text in (*names, controller.privacy_contact)),
        where,
        _("The name and address of the organisation or person that answers for the signers' data."),
    )
    yield Check(
        _("Who could be harmed"),
        definition.profile_chosen,
        where,
        _("Whether anyone could be harmed if it were known that they signed."),
    )
    today = datetime.now(UTC).date()
    yield Check(
        _("Until when signatures are kept"),
        definition.retention != NO_DATE and definition.retention >= today + timedelta(days=GRACE_DAYS),
        where,
        _("A day in the future. Everybody is promised it when they sign."),
    )
    if definition.closes:
        yield Check(_("The last day for signing"), definition.closes >= today, where, _("It has passed."))
    recipients = [one.name.get(definition.authoritative, "") for one in definition.recipients]
    yield Check(
        _("To whom it is addressed"),
        not any(TO_COMPLETE in name for name in recipients),
        reverse("recipients", args=[petition.slug]),
        _("The names of those who can do what you ask."),
    )


def _key(petition: Petition, definition: Definition) -> Iterator[Check]:
    where = reverse("key", args=[petition.slug])
    yield Check(
        _("The organiser's key"),
        bool(definition.organiser_keys),
        where,
        _("Signatures are encrypted to its public half. You keep its secret half, which opens them."),
    )
    yield Check(
        _("The key check"),
        bool(definition.organiser_keys) and petition.key_check_answered,
        where,
        _("It shows that your key opens what is encrypted to it, before anybody signs."),
    )


def _email(petition: Petition) -> Check:
    look = last_look()
    if look is None or look.failed:
        why = _("Nobody has looked yet whether emails leave and arrive.")
    elif not look.leaves:
        why = _("The mail server does not take emails, so no signature could be confirmed.")
    else:
        why = _("Emails leave. The domain of the sender lacks a record, so they may be taken for spam.")
    return Check(
        _("Emails arrive"),
        look is not None and look.good,
        reverse("sending", args=[petition.slug]),
        why,
        needed=False,
    )
