"""Make the pages of the newsletter: the form, and the answers to the emailed links."""

from collections.abc import Sequence

from django.utils.translation import gettext, override

from sabal import settings
from sabal.http import PRIVATE, PUBLIC, Refused, Response
from sabal.newsletter import consent
from sabal.newsletter.form import SubscribeMistakes
from sabal.pages import html
from sabal.petitions.organisation import (
    Organisation,
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


def unsubscribed(language: str) -> Response:
    """Return the answer to an unsubscribe link, at the first use and later."""
    return _answer("unsubscribed", language)


def offering(published: Published, key: str) -> Organisation:
    """Return the organisation of that key. Raise `Refused` (404) if it does not offer a newsletter."""
    found = next((one for one in newsletters(published) if one.key == key), None)
    if found is None:
        raise Refused(404, "not-found")
    return found


def _named(organisation: Organisation, language: str) -> tuple[str, str]:
    """Return the name of an organisation for these readers, and the language that it is in."""
    definition = organisation.definition
    return organiser_name(definition, language), language_of_names(definition, language)


def _about(organisation: Organisation, language: str, path: str) -> dict[str, object]:
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
