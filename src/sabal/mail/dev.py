"""Development only: pages with the outgoing emails, so that their links can be used without a mail server."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import escape
from django.utils.safestring import mark_safe

from sabal import html, settings
from sabal.mail.folder import list_emails


def letters(request: HttpRequest) -> HttpResponse:
    """Answer /dev/mail/ with the newest emails of the folder transport."""
    _require_development()
    emails = list_emails(settings.DATA / "mail")
    return html.page("sabal/dev_letters.html", {"letters": emails}, language="en", cache=html.PRIVATE)


def letter(request: HttpRequest, name: str) -> HttpResponse:
    """Answer /dev/mail/{name} with one email and its links."""
    _require_development()
    stored = list_emails(settings.DATA / "mail", limit=1_000)
    email = next((one for one in stored if one.name == name), None)
    if email is None:
        raise Http404
    # Blank lines are removed from a page's source, which would damage the checkpoint.
    parts = [
        mark_safe(escape(part).replace("\n", "&#10;"))  # noqa: S308 - escaped on this line
        for part in re.split(r"(https?://\S+)", email.text)
    ]
    return html.page(
        "sabal/dev_letter.html", {"letter": email, "parts": parts}, language="en", cache=html.PRIVATE
    )


def _require_development() -> None:
    if not settings.DEV:
        raise Http404
