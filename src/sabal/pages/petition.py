"""The public pages. Each GET is the same for everyone and says so in its own cache headers.

Two ways lead here beside a reader's GET, both from the front door alone: a form that could not be accepted
(`request.META["sabal.form"]`, with `sabal.status`), and `/_door/…`, the pages that the door keeps ready and
fills in.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import get_language_info, gettext

from sabal import settings
from sabal.ledger.logged import logged
from sabal.mail.emails import confirm_subject
from sabal.newsletter.consent import sentence
from sabal.pages import html
from sabal.pages import privacy as privacy_table
from sabal.pages.card import card_png
from sabal.petitions import snapshot
from sabal.petitions.countries import countries, country_name
from sabal.petitions.definition import Text
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.form import Mistakes

OF_A_LINK = ("confirm", "not-me", "not-me-done", "receipt", "withdrawn", "gone", "old-link")
OF_A_REFUSAL = ("busy", "too-many", "forbidden", "not-found", "bad-request", "error")
DOOR_PAGES = frozenset((*OF_A_LINK, *OF_A_REFUSAL))

# The languages in which a guarded petition warns before the form, rather than by a link.
WARNED = ("ko", "zh-hans", "zh-hant")

# og:locale wants a territory: the one that most readers of the language live in.
OG_LOCALES = {"en": "en_GB", "ko": "ko_KR", "zh-hans": "zh_CN", "zh-hant": "zh_TW", "ja": "ja_JP"}


def petition(request: HttpRequest, language: str, slug: str) -> HttpResponse:
    """The petition, whole, with the form; after a refused form with what was typed and why."""
    shown = _published(language, slug)
    form: Mistakes | None = request.META.get("sabal.form")
    status = int(request.META.get("sabal.status", 200))
    context = _petition_context(shown, language) | _form_context(shown, language, form)
    context["log"] = logged(shown)
    return html.page(
        "petitions/petition.html",
        context,
        language=language,
        status=status,
        cache=html.PRIVATE if form else html.PUBLIC,
    )


def sent(request: HttpRequest, language: str, slug: str) -> HttpResponse:
    """What everyone sees after signing, whoever they are."""
    shown = _published(language, slug)
    context = _petition_context(shown, language) | {
        "sender": parseaddr(settings.MAIL_FROM)[1] or settings.MAIL_FROM,
        "subject": confirm_subject(shown.definition, language),
        "languages": _languages(shown.definition.languages, f"/{slug}/sent"),
    }
    return html.page("petitions/sent.html", context, language=language)


def card(request: HttpRequest, language: str, slug: str) -> HttpResponse:
    """The picture that a shared link shows."""
    shown = _published(language, slug)
    text = shown.definition.texts[language]
    png = card_png(shown.version, language, text.title, shown.definition.organiser[language], html.host())
    response = HttpResponse(png, content_type="image/png")
    response["Cache-Control"] = html.LASTING
    return response


def index(request: HttpRequest, language: str) -> HttpResponse:
    """The petitions of this house."""
    _site_language(language)
    entries = [_entry(shown, language) for shown in snapshot.current().published()]
    return _house_page("petitions/index.html", language, "", {"petitions": entries})


def imprint(request: HttpRequest, language: str) -> HttpResponse:
    """Who is responsible for what."""
    _site_language(language)
    entries = [_entry(shown, language) for shown in snapshot.current().published()]
    return _house_page("petitions/imprint.html", language, "/imprint", {"petitions": entries})


def privacy(request: HttpRequest, language: str) -> HttpResponse:
    """What we know about you at each moment, and who else sees what."""
    _site_language(language)
    published = snapshot.current().published()
    context = {
        "petitions": [_entry(shown, language) for shown in published],
        "moments": privacy_table.MOMENTS,
        "guarded": any(shown.definition.profile == "guarded" for shown in published),
        "mail_relay": settings.MAIL_RELAY,
        "hosting": settings.HOSTING,
        "tls_end": settings.TLS_END,
        "onion": settings.ONION,
    }
    return _house_page("petitions/privacy.html", language, "/privacy", context)


def verify(request: HttpRequest, language: str) -> HttpResponse:
    """What the public log of each petition shows, and how to check it."""
    _site_language(language)
    published = snapshot.current().published()
    entries = [_entry(shown, language) | {"log": logged(shown)} for shown in published]
    return _house_page("petitions/verify.html", language, "/verify", {"petitions": entries})


def door_page(request: HttpRequest, language: str, petition_id: str, page: str) -> HttpResponse:
    """A page that the front door keeps ready, and fills itself, escaped (front/pages.py).

    Its gaps: ⟦token⟧, and what was typed or ticked: ⟦name⟧, ⟦place⟧, ⟦comment⟧, ⟦display⟧, ⟦updates⟧, ⟦newsletter⟧.
    What stands from ⟦?place⟧ to ⟦/place⟧ is left out where the place is empty; so for each of them.

    `petition_id` is "-" where the page belongs to no petition. Guarded petitions are not named.
    """
    shown = snapshot.current().by_id(int(petition_id)) if petition_id.isdecimal() else None
    if page not in DOOR_PAGES or (petition_id != "-" and shown is None):
        raise Http404
    context: dict[str, object] = {"guarded": shown is not None and shown.profile.guarded, "shown": shown}
    if shown and not shown.profile.guarded and language in shown.definition.languages:
        context |= _petition_context(shown, language)
    context["languages"] = ()
    return html.page(f"prepared/{page}.html", context, language=language)


def security_txt(request: HttpRequest) -> HttpResponse:
    """RFC 9116, for people who found a hole."""
    contact = settings.SECURITY_CONTACT or f"mailto:{parseaddr(settings.MAIL_FROM)[1]}"
    expires = (datetime.now(UTC) + timedelta(days=180)).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = (
        f"Contact: {contact}",
        f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
        f"Preferred-Languages: {', '.join(settings.SITE_LANGUAGES)}",
        f"Canonical: {settings.BASE_URL}/.well-known/security.txt",
    )
    return _plain("\n".join(lines) + "\n")


def robots_txt(request: HttpRequest) -> HttpResponse:
    """Everything public may be indexed; links that are somebody's own may not even be fetched."""
    paths = ("confirm", "signature", "newsletter/confirm", "newsletter/unsubscribe")
    return _plain("User-agent: *\n" + "".join(f"Disallow: /*/{path}/\n" for path in paths))


def favicon(request: HttpRequest) -> HttpResponse:
    """The mark, for the browser's tab."""
    response = HttpResponse(html.FAVICON, content_type="image/svg+xml")
    response["Cache-Control"] = html.LASTING
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 404. It knows no language but that of the path."""
    return _error_page(request, "not-found", 404)


def error(request: HttpRequest) -> HttpResponse:
    """Django's 500."""
    return _error_page(request, "error", 500)


def _error_page(request: HttpRequest, page: str, status: int) -> HttpResponse:
    first = request.path.split("/")[1]
    language = first if first in settings.SITE_LANGUAGES else "en"
    return html.page(f"prepared/{page}.html", {}, language=language, status=status, cache=html.PRIVATE)


def _published(language: str, slug: str) -> PetitionSnapshot:
    shown = snapshot.current().by_slug(slug)
    if shown is None or shown.state == "draft" or language not in shown.definition.languages:
        raise Http404
    return shown


def _site_language(language: str) -> None:
    if language not in settings.SITE_LANGUAGES:
        raise Http404


def _house_page(template: str, language: str, path: str, context: Mapping[str, object]) -> HttpResponse:
    languages = _languages(settings.SITE_LANGUAGES, path)
    return html.page(template, {**context, "languages": languages}, language=language)


def _petition_context(shown: PetitionSnapshot, language: str) -> dict[str, object]:
    definition = shown.definition
    text = definition.texts[language]
    url = f"{settings.BASE_URL}/{language}/{definition.slug}"
    return {
        "shown": shown,
        "definition": definition,
        "text": text,
        "counts": shown.counts,
        "gathering": shown.gathering,
        "countries": [(country_name(code, language), n) for code, n in shown.counts.countries],
        "organiser": definition.organiser[language],
        "recipients": [recipient.name[language] for recipient in definition.recipients],
        "guarded": definition.profile == "guarded",
        "languages": _languages(definition.languages, f"/{definition.slug}"),
        "url": url,
        "share": html.share_links(text.title, url),
        "og_locale": _og_locale(language),
        "og_alternates": [_og_locale(other) for other in definition.languages if other != language],
    }


def _form_context(shown: PetitionSnapshot, language: str, form: Mistakes | None) -> dict[str, object]:
    context: dict[str, object] = {
        "open": shown.takes_signatures(datetime.now(UTC).date()),
        "version": shown.version,
        "consent": shown.consent[language],
        "all_countries": countries(language),
        "updates_sentence": sentence("updates", language, shown.definition.organiser[language]),
        "newsletter_sentence": sentence("newsletter", language, shown.definition.organiser[language]),
        "warn_in_full": language in WARNED,
        "onion": settings.ONION,
    }
    if form is None:
        return context
    errors = _sentences(form, language)
    return context | {
        "form": form,
        "errors": errors,
        "values": form.values,
        "wrong": {error["field"]: error["sentence"] for error in reversed(errors)},
        "ask_once": form.suggestion or form.values.get("email_checked"),
    }


def _sentences(form: Mistakes, language: str) -> list[dict[str, str]]:
    """What is wrong, field by field; an address that looks mistyped gets a question in place of its error."""
    with translation.override(language):
        sentences = [{"field": error.field, "sentence": gettext(error.message)} for error in form.errors]
        if form.suggestion:
            question = gettext(
                "Does your address end in %(domain)s? If so, correct it. If it is right as it is, press Sign again."
            )
            for sentence in sentences:
                if sentence["field"] == "email":
                    sentence["sentence"] = question % {"domain": form.suggestion}
    return sentences


def _entry(shown: PetitionSnapshot, language: str) -> dict[str, object]:
    definition = shown.definition
    spoken = language if language in definition.languages else definition.authoritative
    text: Text = definition.texts[spoken]
    return {
        "shown": shown,
        "definition": definition,
        "language": spoken,
        "text": text,
        "organiser": definition.organiser[spoken],
        "counts": shown.counts,
        "gathering": shown.gathering,
    }


def _languages(codes: tuple[str, ...], path: str) -> list[dict[str, str]]:
    return [{"code": code, "name": _own_name(code), "path": f"/{code}{path}"} for code in codes]


def _own_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_local"])
    except KeyError:
        return code


def _og_locale(language: str) -> str:
    return OG_LOCALES.get(language, language.split("-")[0])


def _plain(text: str) -> HttpResponse:
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = html.PUBLIC
    return response
