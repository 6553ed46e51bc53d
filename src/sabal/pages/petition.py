"""The page of a petition, the page after signing, and the picture that a shared link shows.

Each is a function of the petition as the process knows it and of the language; it depends on nothing else but settings.
"""

from datetime import UTC, datetime
from email.utils import parseaddr

from django.utils import translation
from django.utils.translation import gettext

from sabal import settings
from sabal.http import LASTING, PRIVATE, PUBLIC, Refused, Response, file
from sabal.ledger.logged import logged
from sabal.mail.emails import confirm_subject
from sabal.newsletter.consent import sentence
from sabal.pages import html
from sabal.pages.card import card_png
from sabal.petitions.countries import countries, country_name
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.form import Mistakes

# The languages in which a guarded petition warns before the form, rather than by a link.
WARNED = ("ko", "zh-hans", "zh-hant")

# og:locale wants a territory: the one that most readers of the language live in.
OG_LOCALES = {"en": "en_GB", "ko": "ko_KR", "zh-hans": "zh_CN", "zh-hant": "zh_TW", "ja": "ja_JP"}


def petition(
    snapshot: PetitionSnapshot, language: str, mistakes: Mistakes | None = None, status: int = 200
) -> Response:
    """Return the petition, whole, with the form; after a refused form with what was typed, and why."""
    context = about(snapshot, language) | _form(snapshot, language) | {"log": logged(snapshot)}
    if mistakes is not None:
        context |= _refused_form(mistakes, language)
    return html.page(
        "petitions/petition.html",
        context,
        language=language,
        status=status,
        cache=PUBLIC if mistakes is None else PRIVATE,
    )


def sent(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return what everyone sees after signing."""
    definition = snapshot.definition
    context = about(snapshot, language) | {
        "sender": parseaddr(settings.MAIL_FROM)[1] or settings.MAIL_FROM,
        "subject": confirm_subject(definition, language),
        "languages": html.languages(definition.languages, f"/{definition.slug}/sent"),
    }
    return html.page("petitions/sent.html", context, language=language)


def card(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the picture that a shared link shows."""
    _refuse_unknown(snapshot, language)
    definition = snapshot.definition
    title, organiser = definition.texts[language].title, definition.organiser[language]
    return file(card_png(snapshot.version, language, title, organiser, html.host()), "image/png", LASTING)


def about(snapshot: PetitionSnapshot, language: str) -> dict[str, object]:
    """Return what templates say of a petition in one of its languages."""
    _refuse_unknown(snapshot, language)
    definition = snapshot.definition
    text = definition.texts[language]
    url = f"{settings.BASE_URL}/{language}/{definition.slug}"
    return {
        "petition": snapshot,
        "definition": definition,
        "text": text,
        "counts": snapshot.counts,
        "gathering": snapshot.gathering,
        "countries": [(country_name(code, language), n) for code, n in snapshot.counts.countries],
        "organiser": definition.organiser[language],
        "recipients": [recipient.name[language] for recipient in definition.recipients],
        "guarded": definition.profile == "guarded",
        "languages": html.languages(definition.languages, f"/{definition.slug}"),
        "url": url,
        "share": html.share_links(text.title, url),
        "og_locale": _og_locale(language),
        "og_alternates": [_og_locale(other) for other in definition.languages if other != language],
    }


def _refuse_unknown(snapshot: PetitionSnapshot, language: str) -> None:
    if language not in snapshot.definition.languages:
        raise Refused(404, "not-found")


def _form(snapshot: PetitionSnapshot, language: str) -> dict[str, object]:
    organiser = snapshot.definition.organiser[language]
    return {
        "open": snapshot.takes_signatures(datetime.now(UTC).date()),
        "version": snapshot.version,
        "consent": snapshot.consent[language],
        "all_countries": countries(language),
        "updates_sentence": sentence("updates", language, organiser),
        "newsletter_sentence": sentence("newsletter", language, organiser),
        "warn_in_full": language in WARNED,
        "onion": settings.ONION,
    }


def _refused_form(mistakes: Mistakes, language: str) -> dict[str, object]:
    errors = _sentences(mistakes, language)
    return {
        "mistakes": mistakes,
        "errors": errors,
        "values": mistakes.values,
        "wrong": {error["field"]: error["sentence"] for error in reversed(errors)},
        "ask_once": mistakes.suggestion or mistakes.values.get("email_checked"),
    }


def _sentences(mistakes: Mistakes, language: str) -> list[dict[str, str]]:
    """Say what is wrong, field by field; an address that looks mistyped gets a question in place of its error."""
    with translation.override(language):
        sentences = [{"field": error.field, "sentence": gettext(error.message)} for error in mistakes.errors]
        if mistakes.suggestion:
            question = gettext(
                "Does your address end in %(domain)s? If so, correct it. If it is right as it is, press Sign again."
            )
            for sentence in sentences:
                if sentence["field"] == "email":
                    sentence["sentence"] = question % {"domain": mistakes.suggestion}
    return sentences


def _og_locale(language: str) -> str:
    return OG_LOCALES.get(language, language.split("-")[0])
