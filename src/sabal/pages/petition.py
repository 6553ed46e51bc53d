"""Make the page of a petition, the page after signing, and the picture of a shared link.

Each depends only on the petition's snapshot, the language and the settings. The form also depends on the day.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

from django.utils import translation
from django.utils.translation import gettext

from sabal import settings
from sabal.http import LASTING, PRIVATE, PUBLIC, Refused, Response, file
from sabal.ledger.logged import logged
from sabal.mail.confirming import confirm_subject
from sabal.newsletter.consent import sentence
from sabal.pages import html, posts
from sabal.pages.accent import css
from sabal.pages.card import card_png
from sabal.pages.changes import last_changes, reason
from sabal.pages.standings import short_forms
from sabal.petitions import consent
from sabal.petitions.countries import countries, country_name, places
from sabal.petitions.definition import Definition
from sabal.petitions.locales import is_spoken_in, isolated
from sabal.petitions.sharing import left_out, share_links
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.form import Mistakes

# og:locale needs a territory: the one with most readers of the language.
OG_LOCALES = {"en": "en_GB", "ko": "ko_KR", "zh-hans": "zh_CN", "zh-hant": "zh_TW", "ja": "ja_JP"}


def petition(
    snapshot: PetitionSnapshot, language: str, mistakes: Mistakes | None = None, status: int = 200
) -> Response:
    """Return the whole petition with its form. With `mistakes`, show the errors and keep the typed values."""
    context = about(snapshot, language) | _form(snapshot, language) | {"log": logged(snapshot)}
    context["ending"] = _ending(snapshot, language) if context["ended_on"] else None
    context |= posts.latest(snapshot, language)
    context["changed"] = last_changes(snapshot, language)
    with translation.override(html.site_language(language)):
        context["standings"] = short_forms(snapshot)
    context["reason"] = reason(snapshot.versions[-1], language) if snapshot.versions else None
    if mistakes is not None:
        context |= _refused_form(mistakes, language)
    return html.page(
        "petitions/petition.html",
        context,
        language=language,
        status=status,
        cache=PUBLIC if mistakes is None else PRIVATE,
    )


def _ending(snapshot: PetitionSnapshot, language: str) -> dict[str, object] | None:
    """Return how it ended, in the reader's language or else in the one that decides; None if nothing was said."""
    said = snapshot.ending
    if said is None:
        return None
    spoken = language if language in said.words else snapshot.definition.authoritative
    return {"achieved": said.achieved, "words": said.words.get(spoken, ""), "language": spoken}


def sent(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the page after signing. It is the same for everyone."""
    definition = snapshot.definition
    context = about(snapshot, language) | {
        "sender": settings.MAIL_FROM,
        "subject": _subject(definition, language),
        "languages": html.languages(definition.languages, f"/{definition.slug}/sent"),
    }
    return html.page("petitions/sent.html", context, language=language)


def withdrawn(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the page after withdrawing. It is the same for everyone. A guarded petition has none of its own (404)."""
    if snapshot.profile.guarded:
        raise Refused(404, "not-found")
    open_ = snapshot.takes_signatures(datetime.now(UTC).date())
    context = about(snapshot, language) | {"open": open_, "languages": ()}
    return html.page("prepared/withdrawn.html", context, language=language)


def _subject(definition: Definition, language: str) -> str:
    """Return the subject of the email, with the title between isolates if it is in another language."""
    title = " ".join(definition.texts[language].title.split())
    marked = isolated(title, language, html.site_language(language))
    return confirm_subject(definition, language).replace(title, marked)


def card(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the picture of a shared link, as PNG."""
    _refuse_unknown(snapshot, language)
    definition = snapshot.definition
    title, organiser = definition.texts[language].title, definition.organiser[language]
    shown = definition.picture.data if definition.picture else b""
    png = card_png(snapshot.version, language, title, organiser, html.host(), shown)
    return file(png, "image/png", LASTING)


def logo(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the logo of the organisation. Raise `Refused` (404) if it has none."""
    _refuse_unknown(snapshot, language)
    if snapshot.identity is None or not snapshot.identity.logo:
        raise Refused(404, "not-found")
    return file(snapshot.identity.logo, "image/webp", PUBLIC)


def picture(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the picture of the petition. Raise `Refused` (404) if it has none."""
    _refuse_unknown(snapshot, language)
    if snapshot.definition.picture is None:
        raise Refused(404, "not-found")
    return file(snapshot.definition.picture.data, "image/webp", PUBLIC)


def _picture(snapshot: PetitionSnapshot, language: str) -> dict[str, object] | None:
    """Return address, size and description of the picture; None if there is none."""
    shown = snapshot.definition.picture
    if shown is None:
        return None
    address = f"/{language}/{snapshot.slug}/picture.webp"
    if snapshot.state == "draft":  # a preview shows what is not stored yet, so no address has it
        address = f"data:image/webp;base64,{base64.b64encode(shown.data).decode()}"
    return {
        "address": address,
        "width": shown.width,
        "height": shown.height,
        "description": snapshot.definition.texts[language].picture_description,
    }


def about(snapshot: PetitionSnapshot, language: str) -> dict[str, object]:
    """Return the template context of a petition. Raise `Refused` (404) if it does not have the language."""
    _refuse_unknown(snapshot, language)
    definition = snapshot.definition
    text = definition.texts[language]
    url = f"{settings.BASE_URL}/{language}/{definition.slug}"
    return {
        "petition": snapshot,
        "definition": definition,
        "text": text,
        "counts": snapshot.counts,
        "ended_on": snapshot.ended_on(datetime.now(UTC).date()),
        "gathering": snapshot.gathering,
        "countries": [(country_name(code, language), n) for code, n in snapshot.counts.countries],
        "organiser": definition.organiser[language],
        "accent": css(snapshot.identity.accent) if snapshot.identity else "",
        "logo": snapshot.identity.logo_size if snapshot.identity and snapshot.identity.logo else None,
        "picture": _picture(snapshot, language),
        "controller": spoken(definition.controller.name, language),
        "recipients": [(recipient.key, recipient.name[language]) for recipient in definition.recipients],
        "guarded": definition.profile == "guarded",
        "draft": snapshot.state == "draft",
        "languages": html.languages(definition.languages, f"/{definition.slug}"),
        "url": url,
        "share": share_links(text.title, url, html.site_language(language), definition.share_without),
        "left_out": left_out(
            definition.share_without, definition.warn_residents, html.site_language(language)
        ),
        "og_locale": _og_locale(language),
        "og_alternates": [_og_locale(other) for other in definition.languages if other != language],
    }


def spoken(texts: Mapping[str, str], language: str) -> str:
    """Return the text in that language, or else the first one."""
    return texts.get(language) or next(iter(texts.values()))


def _refuse_unknown(snapshot: PetitionSnapshot, language: str) -> None:
    if language not in snapshot.definition.languages:
        raise Refused(404, "not-found")


def _form(snapshot: PetitionSnapshot, language: str) -> dict[str, object]:
    definition = snapshot.definition
    return {
        # A draft is shown in a preview only, with its form.
        "open": snapshot.state == "draft" or snapshot.takes_signatures(datetime.now(UTC).date()),
        "version": snapshot.version,
        "consent": consent.shown(snapshot.consent[language], snapshot.definition, language),
        "all_countries": countries(language),
        "updates_sentence": sentence("updates", definition, language),
        "newsletter_sentence": sentence("newsletter", definition, language),
        "often": snapshot.newsletter.often(language),
        "latest": snapshot.newsletter.latest(language),
        "warned": _warned(definition, language),
        "onion": settings.ONION,
    }


def _warned(definition: Definition, language: str) -> dict[str, object] | None:
    """Return the names of the places whose residents are warned, and whether the warning is open from the start.

    It is open for readers whose language is spoken in one of the places. Others see its first sentence. A
    guarded petition that names no place warns in general.
    """
    if definition.profile != "guarded" and not definition.warn_residents:
        return None
    return {
        "places": places(definition.warn_residents, html.site_language(language), "or"),
        "in_full": any(is_spoken_in(language, place) for place in definition.warn_residents),
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
    """Return the errors as fields and sentences. If the address looks mistyped, its error becomes a question."""
    with translation.override(language):
        sentences = [{"field": error.field, "sentence": gettext(error.message)} for error in mistakes.errors]
        if mistakes.suggestion:
            for sentence in sentences:
                if sentence["field"] == "email":
                    sentence["sentence"] = html.domain_question(mistakes.suggestion)
    return sentences


def _og_locale(language: str) -> str:
    return OG_LOCALES.get(language, language.split("-")[0])
