"""Development only: outgoing mail as pages, so that a letter can be followed without a mail server."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import escape
from django.utils.safestring import mark_safe

from sabal import settings
from sabal.mail.folder import list_emails
from sabal.pages import html


def letters(request: HttpRequest) -> HttpResponse:
    """/dev/mail/: the newest letters of the folder transport."""
    _refuse_in_earnest()
    found = list_emails(settings.DATA / "mail")
    return html.page("sabal/dev_letters.html", {"letters": found}, language="en", cache=html.PRIVATE)


def letter(request: HttpRequest, name: str) -> HttpResponse:
    """/dev/mail/{name}: one letter, its links clickable."""
    _refuse_in_earnest()
    found = next((one for one in list_emails(settings.DATA / "mail", limit=1_000) if one.name == name), None)
    if found is None:
        raise Http404
    # A blank line in a page's source is taken out on its way, and a checkpoint would then be damaged.
    parts = [
        mark_safe(escape(part).replace("\n", "&#10;"))  # noqa: S308 - escaped just now
        for part in re.split(r"(https?://\S+)", found.text)
    ]
    return html.page(
        "sabal/dev_letter.html", {"letter": found, "parts": parts}, language="en", cache=html.PRIVATE
    )


def _refuse_in_earnest() -> None:
    if not settings.DEV:
        raise Http404
