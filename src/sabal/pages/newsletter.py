"""The newsletter of the house: asked for on a page, confirmed by a button behind a mailed link, ended by another.

Every answer to asking is the same, whether the mailbox is new, in the list, or wants no letters. GET changes nothing.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext, override
from django.views.decorators.http import require_POST

from sabal import database as raw
from sabal import posted, settings
from sabal import token as tokens
from sabal.keys import keyring
from sabal.keys.keystore import KeyMissing
from sabal.mail.address import EmailAddress
from sabal.newsletter import consent
from sabal.newsletter import subscription as rows
from sabal.newsletter.ask import ask
from sabal.pages import html
from sabal.petitions import snapshot
from sabal.petitions.definition import Definition

View = Callable[..., HttpResponse]

logger = logging.getLogger(__name__)


def busy_without_keys(view: View) -> View:
    """A key or the database is not at hand: an honest 503, nothing kept, nothing said of the reason but in the log."""

    @wraps(view)
    def answered(request: HttpRequest, language: str, **rest: str) -> HttpResponse:
        try:
            return view(request, language, **rest)
        except (*raw.OperationalError, KeyMissing, OSError) as error:
            logger.error("the newsletter cannot be served: %s", type(error).__name__)
            response = html.page("prepared/busy.html", {}, language=language, status=503, cache=html.PRIVATE)
            response["Retry-After"] = str(5 + secrets.randbelow(26))
            return response

    return answered


@busy_without_keys
def subscribe(request: HttpRequest, language: str) -> HttpResponse:
    """GET shows the form, POST asks: a letter goes out where one may, and the answer does not say whether."""
    organiser = _organiser(_offering_or_not_found(language), language)
    sentence = consent.sentence("newsletter", language, organiser)
    if request.method != "POST":
        return _form(language, sentence)
    fields = posted.fields(request.body, ("email", "consent"))
    typed = fields or {}
    address = _parsed(typed.get("email", ""))
    # What the box says is what is agreed to: that of an older page, with another sentence, has to be ticked anew.
    agreed = typed.get("consent") == consent.version(sentence)
    with override(language):
        wrong = _problems(fields, address, agreed)
    if wrong or address is None:
        return _form(language, sentence, wrong, typed.get("email", "").strip(), agreed)
    if not typed.get(posted.HONEYPOT):
        with _database() as database:
            ask(database, keyring.current(), address, language, organiser, int(time.time()))
    response = HttpResponseRedirect(f"/{language}/newsletter/asked")
    response.status_code = 303
    return response


def asked(request: HttpRequest, language: str) -> HttpResponse:
    """What everyone sees after asking."""
    _offering_or_not_found(language)
    context = {"languages": _languages("/newsletter/asked")}
    return html.page("newsletter/asked.html", context, language=language)


def confirm_page(request: HttpRequest, language: str) -> HttpResponse:
    """The button behind every mailed link to confirm, for the door to keep: it posts to the link's own address."""
    return _page("confirm", language, cache=html.PUBLIC)


@require_POST
@busy_without_keys
def confirm(request: HttpRequest, language: str, token: str) -> HttpResponse:
    """Confirms what the mailed link stands for; pressing twice is harmless."""
    t = tokens.decode(token)
    if t is None:
        return _page("gone", language, 404)
    link = rows.confirm_hash(t)
    with _database() as database:
        # Anybody can invent links: they are looked for, and wait for no writer nor make one wait.
        if not rows.is_link(database, link):
            return _page("gone", language, 404)
        with database.transaction():
            done = rows.confirm(database, link)
    return _page("confirmed", language) if done else _page("gone", language, 404)


def unsubscribe_page(request: HttpRequest, language: str) -> HttpResponse:
    """The button behind every link to unsubscribe, for the door to keep."""
    return _page("unsubscribe", language, cache=html.PUBLIC)


@require_POST
@busy_without_keys
def unsubscribe(request: HttpRequest, language: str, token: str) -> HttpResponse:
    """Ends a subscription. Mail programs post here by themselves (RFC 8058): no redirect follows.

    Twice is harmless, and both times the answer is 200: a mail program tries again what it believes to have failed.
    """
    t = tokens.decode(token)
    row_id = rows.row_of(keyring.current().need_subscribers(), t) if t else None
    if row_id is None:
        return _page("unknown", language, 404)
    with _database() as database:
        if rows.is_row(database, row_id):
            with database.transaction():
                rows.unsubscribe(database, row_id)
    return _page("unsubscribed", language)


def _form(
    language: str,
    sentence: str,
    wrong: Mapping[str, str] | None = None,
    address: str = "",
    agreed: bool = False,
) -> HttpResponse:
    """The page with the form; after a refused one with what was typed, what was ticked, and why."""
    context = {
        "sentence": sentence,
        "version": consent.version(sentence),
        "wrong": wrong,
        "address": address,
        "agreed": agreed,
        "languages": _languages("/newsletter"),
    }
    status, cache = (422, html.PRIVATE) if wrong else (200, html.PUBLIC)
    return html.page("newsletter/subscribe.html", context, language=language, status=status, cache=cache)


def _problems(fields: Mapping[str, str] | None, address: EmailAddress | None, agreed: bool) -> dict[str, str]:
    """What is wrong, by field (`form`: with the whole), as sentences in the active language."""
    if fields is None:
        return {"form": gettext("The form arrived damaged. Please fill it in again.")}
    wrong = {}
    if not fields.get("email", "").strip():
        wrong["email"] = gettext("Enter your email address.")
    elif address is None:
        wrong["email"] = gettext("Enter an email address like name@example.org.")
    if not agreed:
        wrong["consent"] = gettext("Tick the box to agree. Otherwise we cannot email you.")
    return wrong


def _parsed(typed: str) -> EmailAddress | None:
    try:
        return EmailAddress.parse(typed)
    except ValueError:
        return None


@contextmanager
def _database() -> Iterator[raw.Database]:
    database = raw.connect()
    try:
        yield database
    finally:
        database.close()


def _offering_or_not_found(language: str) -> Definition:
    """The petition whose organiser writes the newsletter. Raises Http404 where none offers it in this house's words."""
    definition = _offering()
    if language not in settings.SITE_LANGUAGES or definition is None:
        raise Http404
    return definition


def _organiser(definition: Definition, language: str) -> str:
    return definition.organiser.get(language) or definition.organiser[definition.authoritative]


def _offering() -> Definition | None:
    """The newest petition that offers the newsletter."""
    definitions = (shown.definition for shown in snapshot.current().published())
    return next((definition for definition in definitions if definition.newsletter), None)


def _page(name: str, language: str, status: int = 200, cache: str = html.PRIVATE) -> HttpResponse:
    # In any language that a letter was written in: a way out must not end at a language that the house does not speak.
    context = {"languages": (), "offered": _offering() is not None}
    response = html.page(f"newsletter/{name}.html", context, language=language, status=status, cache=cache)
    response["X-Robots-Tag"] = "noindex"
    return response


def _languages(path: str) -> list[dict[str, str]]:
    return [{"code": code, "name": name, "path": f"/{code}{path}"} for code, name in settings.LANGUAGES]
