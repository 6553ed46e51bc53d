"""The newsletter of the house: asked for on a page, confirmed by a button behind a mailed link, ended by another.

Every answer to asking is the same, whether the mailbox is new, in the list, or has had its letters. GET changes
nothing.
"""

import json
import secrets
from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext, override

from sabal import database as raw
from sabal import html, settings
from sabal.keys import ring
from sabal.keys.house import seal
from sabal.mail.ids import letter_id
from sabal.mail.letters import CONFIRM_NEWSLETTER
from sabal.newsletter import consent
from sabal.newsletter import subscription as rows
from sabal.petitions import snapshot
from sabal.signing import form
from sabal.signing import token as tokens

KEEP_DAYS = 7


def subscribe(request: HttpRequest, language: str) -> HttpResponse:
    """GET shows the form, POST asks: a letter goes out where one may, and the answer does not say whether."""
    organiser = _organiser(language)
    wrong, typed = "", ""
    if request.method == "POST":
        typed = request.POST.get("email", "").strip()
        problem = form.address_problem(typed)
        if problem is None:
            if not request.POST.get(form.HONEYPOT):
                _ask(typed, language, organiser)
            response = HttpResponseRedirect(f"/{language}/newsletter/asked")
            response.status_code = 303
            return response
        with override(language):
            wrong = gettext(problem)
    context = {
        "sentence": consent.sentence("newsletter", language, organiser),
        "wrong": wrong,
        "values": {"email": typed},
        "languages": _languages("/newsletter"),
    }
    status = 422 if wrong else 200
    return html.page(
        "newsletter/subscribe.html", context, language=language, status=status, cache=html.PRIVATE
    )


def asked(request: HttpRequest, language: str) -> HttpResponse:
    """What everyone sees after asking."""
    _organiser(language)
    context = {"languages": _languages("/newsletter/asked")}
    return html.page("newsletter/asked.html", context, language=language, cache=html.PRIVATE)


def confirm(request: HttpRequest, language: str, token: str) -> HttpResponse:
    """GET shows a button, POST confirms; pressing twice is harmless."""
    t = tokens.decode(token)
    done = False
    if t is not None and request.method == "POST":
        database = raw.connect()
        try:
            with database.transaction():
                done = rows.confirm(database, rows.confirm_hash(t))
        finally:
            database.close()
    if t is None or (request.method == "POST" and not done):
        return _page("gone", language, 404)
    return _page("confirmed" if done else "confirm", language)


def unsubscribe(request: HttpRequest, language: str, token: str) -> HttpResponse:
    """GET shows a button, POST unsubscribes; mail programs post here by themselves (RFC 8058): no redirect follows."""
    key, t = ring.current().subscribers, tokens.decode(token)
    row_id = rows.row_of(key, t) if key and t else None
    if row_id is None:
        return _page("gone", language, 404)
    if request.method != "POST":
        return _page("unsubscribe", language)
    database = raw.connect()
    try:
        with database.transaction():
            rows.unsubscribe(database, row_id)
    finally:
        database.close()
    return _page("unsubscribed", language)


def _ask(address: str, language: str, organiser: str) -> None:
    keys = ring.current()
    if keys.subscribers is None or keys.mail is None:
        raise LookupError("a key that the newsletter needs is missing")
    mail_day, mail_key = keys.mail
    t = secrets.token_bytes(tokens.TOKEN_BYTES)
    row = rows.subscription(keys.subscribers, rows.HOUSE, address, language, organiser)
    today = (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    database = raw.connect()
    try:
        with database.transaction():
            if rows.ask(database, row, rows.confirm_hash(t), today + KEEP_DAYS + 1):
                letter = json.dumps(
                    {"to": address, "lang": language, "token": tokens.encode(t)}, ensure_ascii=False
                )
                sealed = seal(mail_key, letter.encode(), b"letter")
                database.insert(
                    "mail_letter",
                    ("id", "petition_id", "kind", "mail_key", "sealed"),
                    [(letter_id(0, mail_day), None, CONFIRM_NEWSLETTER, mail_day, sealed)],
                )
    finally:
        database.close()


def _organiser(language: str) -> str:
    """Who writes the newsletter: the organiser of the newest petition that offers it."""
    if language not in settings.HOUSE_LANGUAGES:
        raise Http404
    for shown in snapshot.current().published():
        definition = shown.definition
        if definition.newsletter:
            return definition.organiser.get(language) or definition.organiser[definition.authoritative]
    raise Http404


def _page(name: str, language: str, status: int = 200) -> HttpResponse:
    if language not in settings.HOUSE_LANGUAGES:
        raise Http404
    response = html.page(
        f"newsletter/{name}.html", {"languages": ()}, language=language, status=status, cache=html.PRIVATE
    )
    response["X-Robots-Tag"] = "noindex"
    return response


def _languages(path: str) -> list[dict[str, str]]:
    return [{"code": code, "name": name, "path": f"/{code}{path}"} for code, name in settings.LANGUAGES]
