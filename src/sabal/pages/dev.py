"""Show the outgoing emails, in development only, so that their links can be used without a mail server."""

import re
from dataclasses import replace

from django.utils.html import escape
from django.utils.safestring import mark_safe

from sabal import settings
from sabal.http import PRIVATE, Refused, Response
from sabal.mail.folder import StoredEmail, list_emails
from sabal.pages import html


def emails() -> Response:
    """Return the newest emails of the folder transport."""
    _require_development()
    found = list_emails(settings.DATA / "mail")
    return html.page("sabal/dev_emails.html", {"emails": found}, language="en", cache=PRIVATE)


def email(name: str) -> Response:
    """Return one email: its text with clickable links, and its HTML in a frame."""
    found = _found(name)
    # `html.page` removes blank lines, which would damage a checkpoint.
    parts = [
        mark_safe(escape(part).replace("\n", "&#10;"))  # noqa: S308 - escaped just now
        for part in re.split(r"(https?://\S+)", found.text)
    ]
    context = {"email": found, "parts": parts}
    page = html.page("sabal/dev_email.html", context, language="en", cache=PRIVATE)
    return _with_policy(page, f"{html.POLICY}; frame-src 'self'")


def email_html(name: str) -> Response:
    """Return the HTML part of one email. Its links open outside of the frame, and no script runs."""
    shown = _found(name).html.replace("<head>", '<head><base target="_top">', 1)
    return _with_policy(Response(200, [(b"cache-control", PRIVATE.encode("ascii"))], shown.encode()), _PART)


_PART = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self';"
    " sandbox allow-top-navigation-by-user-activation"
)


def _with_policy(page: Response, policy: str) -> Response:
    headers = [pair for pair in page.headers if pair[0] not in (b"content-security-policy", b"content-type")]
    headers += [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode("ascii")),
    ]
    return replace(page, headers=headers)


def _found(name: str) -> StoredEmail:
    _require_development()
    found = next((one for one in list_emails(settings.DATA / "mail", limit=1_000) if one.name == name), None)
    if found is None:
        raise Refused(404, "not-found")
    return found


def _require_development() -> None:
    if not settings.DEV:
        raise Refused(404, "not-found")
