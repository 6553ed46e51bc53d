"""Make the pages of the newsletter: the form, and the answers to the emailed links."""

from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext, override

from sabal import days, settings
from sabal.http import PRIVATE, PUBLIC, Refused, Response, padded
from sabal.newsletter import consent
from sabal.newsletter.form import SubscribeMistakes
from sabal.newsletter.lists import MailingList
from sabal.newsletter.own import Kept
from sabal.pages import html
from sabal.petitions.organisation import (
    PublicOrganisation,
    controller_name,
    language_of_names,
    newsletters,
    organisations,
    organiser_name,
)
from sabal.petitions.snapshot import PetitionSnapshot

Published = Sequence[PetitionSnapshot]


def choose(published: Published, language: str) -> Response:
    """Return the form of the only organisation that offers a newsletter, or links to the forms of several.

    There is no form for several at once: each list needs a consent of its own.
    """
    offered = newsletters(published)
    if len(offered) == 1:
        return subscribe(published, language, offered[0].key)
    context = {
        "newsletters": [(one.key, *_named(one, language)) for one in offered],
        "languages": html.languages(settings.SITE_LANGUAGES, "/newsletter"),
    }
    return html.page("newsletter/choose.html", context, language=language)


def subscribe(
    published: Published, language: str, key: str, mistakes: SubscribeMistakes | None = None
) -> Response:
    """Return the form of one organisation. With `mistakes`, show the errors and keep the typed and ticked values.

    Raise `Refused` (404) if it does not offer a newsletter.
    """
    organisation = offering(published, key)
    sentence = consent.sentence("newsletter", organisation.definition, language)
    context = _about(organisation, language, f"/newsletter/{key}") | {
        "sentence": sentence,
        "version": consent.version(sentence),
        "others": len(newsletters(published)) > 1,
        "often": organisation.newsletter.often(language),
        "latest": organisation.newsletter.latest(language),
    }
    if mistakes is None:
        return html.page("newsletter/subscribe.html", context, language=language, cache=PUBLIC)
    with override(language):
        wrong = {field: gettext(message) for field, message in mistakes.wrong.items()}
        if mistakes.suggestion:
            wrong["email"] = html.domain_question(mistakes.suggestion)
    context |= {
        "wrong": wrong,
        "address": mistakes.email,
        "agreed": mistakes.agreed,
        "ask_once": mistakes.suggestion or mistakes.is_checked,
    }
    return html.page("newsletter/subscribe.html", context, language=language, status=422, cache=PRIVATE)


def asked(published: Published, language: str, key: str) -> Response:
    """Return the page after the form. It is the same for every address."""
    context = _about(offering(published, key), language, f"/newsletter/{key}/asked")
    return html.page("newsletter/asked.html", context, language=language)


def confirmed(published: Published, language: str, key: str, leave: str = "") -> Response:
    """Return the answer to a link that confirmed a subscription.

    `key` is empty if it is to updates on a petition. `leave` is the token by which the subscriber can unsubscribe.
    """
    organisation = next((one for one in organisations(published) if one.key == key), None)
    name, named = _named(organisation, language) if key and organisation else ("", "")
    return _answer("confirmed", language, name=name, named=named, leave=leave)


def gone(published: Published, language: str) -> Response:
    """Return the answer to a confirmation link that does not work, or no longer."""
    return _answer("gone", language, 404, offered=bool(newsletters(published)))


def unsubscribe(published: Published, language: str, of: MailingList, leave: str) -> Response:
    """Return the page with the button to unsubscribe, which names the list as the subscriber's own page does.

    `leave` is the token of the link. Without the database the page is a prepared one, and names nothing.
    """
    newsletter = _which(published, language, MailingList(of.organisation))
    page, *others = (
        _answer("unsubscribe", language, 200, leave=leave, **which)
        for which in (_which(published, language, of), newsletter, _NAMELESS)
    )
    # As long as the longest, so that its length does not tell updates about a guarded petition from a newsletter.
    length = max(len(padded(one.body)) for one in (page, *others))
    return replace(page, body=page.body.ljust(length))


def unsubscribed(language: str, *, everywhere: bool = False) -> Response:
    """Return the answer to an unsubscribe link, at the first use and later. `everywhere`: all lists were left."""
    return _answer("unsubscribed", language, everywhere=everywhere)


def own(published: Published, language: str, kept: Kept) -> Response:
    """Return a subscriber's own page. It does not name a guarded petition: somebody may see the screen.

    The day, the place and the words are hidden of updates about a guarded petition, and of the newsletter of an
    organisation that has one, but for imported subscribers. With a guarded signature a subscription is stored without
    its day, so a missing day would tell that its reader had signed. Such an organisation's lists are not counted
    either.
    """
    which = _which(published, language, kept.list)
    of_organisation = [one for one in published if one.organisation == kept.list.organisation]
    protects = not of_organisation or any(one.profile.guarded for one in of_organisation)
    return _answer(
        "own",
        language,
        200,
        kept=kept,
        hides=not which["title"] if kept.list.petition_id else protects and not kept.place,
        counts=not protects,
        since=None if kept.since is None else days.date_of(kept.since),
        offered=html.languages(settings.SITE_LANGUAGES, ""),
        **which,
    )


def offering(published: Published, key: str) -> PublicOrganisation:
    """Return the organisation of that key. Raise `Refused` (404) if it does not offer a newsletter."""
    found = next((one for one in newsletters(published) if one.key == key), None)
    if found is None:
        raise Refused(404, "not-found")
    return found


_NAMELESS: dict[str, object] = {"is_newsletter": False, "name": "", "named": "", "title": ""}


def _which(published: Published, language: str, of: MailingList) -> dict[str, object]:
    """Return what says which list it is: whose newsletter, or updates about which petition.

    A guarded petition is not named, nor the organisation whose petition it is: somebody may see the screen.
    """
    found = _NAMELESS | {"is_newsletter": not of.petition_id}
    if not of.petition_id:
        organisation = next((one for one in organisations(published) if one.key == of.organisation), None)
        if organisation is not None:
            found["name"], found["named"] = _named(organisation, language)
        return found
    petition = next((one for one in published if one.id == of.petition_id), None)
    if petition is not None and not petition.profile.guarded:
        texts = petition.definition.texts
        found["title"] = (texts.get(language) or texts[petition.definition.authoritative]).title
    return found


def _named(organisation: PublicOrganisation, language: str) -> tuple[str, str]:
    """Return the name of an organisation for these readers, and the language that it is in."""
    definition = organisation.definition
    return organiser_name(definition, language), language_of_names(definition, language)


def _about(organisation: PublicOrganisation, language: str, path: str) -> dict[str, object]:
    definition = organisation.definition
    name, named = _named(organisation, language)
    return {
        "key": organisation.key,
        "name": name,
        "named": named,
        "controller": controller_name(definition, language),
        "contact": definition.controller.privacy_contact,
        "languages": html.languages(settings.SITE_LANGUAGES, path),
    }


def _answer(template: str, language: str, status: int = 200, **context: object) -> Response:
    # Any language is accepted: an email may be in one that the site does not have, and its links must work.
    context["languages"] = ()
    page = html.page(f"newsletter/{template}.html", context, language=language, status=status, cache=PRIVATE)
    return page.adding((b"x-robots-tag", b"noindex"))
