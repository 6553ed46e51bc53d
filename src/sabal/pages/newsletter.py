"""Make the pages of the newsletter: the form, and the answers to the emailed links."""

from collections.abc import Sequence

from django.utils.translation import gettext, override

from sabal import settings
from sabal.http import PRIVATE, PUBLIC, Refused, Response
from sabal.newsletter import consent
from sabal.newsletter.form import SubscribeMistakes
from sabal.pages import html
from sabal.petitions.snapshot import PetitionSnapshot

Published = Sequence[PetitionSnapshot]


def subscribe(published: Published, language: str, mistakes: SubscribeMistakes | None = None) -> Response:
    """Return the form. With `mistakes`, show the errors and keep the typed and ticked values.

    Raise `Refused` (404) if no petition offers the newsletter.
    """
    sentence = consent.sentence("newsletter", language, _organiser(published, language))
    context: dict[str, object] = {
        "sentence": sentence,
        "version": consent.version(sentence),
        "languages": html.languages(settings.SITE_LANGUAGES, "/newsletter"),
    }
    if mistakes is None:
        return html.page("newsletter/subscribe.html", context, language=language, cache=PUBLIC)
    with override(language):
        wrong = {field: gettext(message) for field, message in mistakes.wrong.items()}
    context |= {"wrong": wrong, "address": mistakes.email, "agreed": mistakes.agreed}
    return html.page("newsletter/subscribe.html", context, language=language, status=422, cache=PRIVATE)


def asked(published: Published, language: str) -> Response:
    """Return the page after the form. It is the same for every address."""
    _organiser(published, language)
    context = {"languages": html.languages(settings.SITE_LANGUAGES, "/newsletter/asked")}
    return html.page("newsletter/asked.html", context, language=language)


def confirmed(language: str) -> Response:
    """Return the answer to a link that confirmed a subscription."""
    return _answer("confirmed", language)


def gone(published: Published, language: str) -> Response:
    """Return the answer to a confirmation link that does not work, or no longer."""
    return _answer("gone", language, 404, offered=consent.offered_by(published, language) is not None)


def unsubscribed(language: str) -> Response:
    """Return the answer to an unsubscribe link, at the first use and later."""
    return _answer("unsubscribed", language)


def _organiser(published: Published, language: str) -> str:
    organiser = consent.offered_by(published, language)
    if organiser is None:
        raise Refused(404, "not-found")
    return organiser


def _answer(name: str, language: str, status: int = 200, **context: object) -> Response:
    # Any language is accepted: an email may be in one that the site does not have, and its links must work.
    context["languages"] = ()
    page = html.page(f"newsletter/{name}.html", context, language=language, status=status, cache=PRIVATE)
    return page.adding((b"x-robots-tag", b"noindex"))
