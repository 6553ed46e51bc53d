"""Show the outgoing emails, in development only, so that their links can be used without a mail server."""

import re

from django.utils.html import escape
from django.utils.safestring import mark_safe

from sabal import settings
from sabal.http import PRIVATE, Refused, Response
from sabal.mail.folder import list_emails
from sabal.pages import html


def emails() -> Response:
    """Return the newest emails of the folder transport."""
    _require_development()
    found = list_emails(settings.DATA / "mail")
    return html.page("sabal/dev_emails.html", {"emails": found}, language="en", cache=PRIVATE)


def email(name: str) -> Response:
    """Return one email with clickable links."""
    _require_development()
    found = next((one for one in list_emails(settings.DATA / "mail", limit=1_000) if one.name == name), None)
    if found is None:
        raise Refused(404, "not-found")
    # `html.page` removes blank lines, which would damage a checkpoint.
    parts = [
        mark_safe(escape(part).replace("\n", "&#10;"))  # noqa: S308 - escaped just now
        for part in re.split(r"(https?://\S+)", found.text)
    ]
    context = {"email": found, "parts": parts}
    return html.page("sabal/dev_email.html", context, language="en", cache=PRIVATE)


def _require_development() -> None:
    if not settings.DEV:
        raise Refused(404, "not-found")
