"""Small files that every site has."""

from datetime import UTC, datetime, timedelta

from sabal import settings
from sabal.http import LASTING, PUBLIC, Refused, Response, file
from sabal.pages.html import FAVICON
from sabal.source import ARCHIVE, archive, source_url

TEXT = "text/plain; charset=utf-8"


def robots_txt() -> Response:
    """Return the rules for crawlers. Personal links may not be fetched. All public pages may be indexed."""
    paths = ("confirm", "signature", "newsletter/confirm", "newsletter/unsubscribe", "newsletter/news")
    lines = ["User-agent: *", *(f"Disallow: /*/{path}/" for path in paths)]
    return file(("\n".join(lines) + "\n").encode(), TEXT, PUBLIC)


def security_txt() -> Response:
    """Return where to report security problems (RFC 9116)."""
    contact = settings.SECURITY_CONTACT or f"mailto:{settings.MAIL_FROM.address}"
    expires = (datetime.now(UTC) + timedelta(days=180)).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = (
        f"Contact: {contact}",
        f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
        f"Preferred-Languages: {', '.join(settings.SITE_LANGUAGES)}",
        f"Canonical: {settings.BASE_URL}/.well-known/security.txt",
    )
    return file(("\n".join(lines) + "\n").encode(), TEXT, PUBLIC)


def source() -> Response:
    """Return the source of this server as an archive, unless it can be had at another address."""
    if source_url() != ARCHIVE:
        raise Refused(404, "not-found")
    return file(archive(), "application/gzip", "public, max-age=3600")


def favicon() -> Response:
    """Return the icon of the browser's tab."""
    return file(FAVICON, "image/svg+xml", LASTING)
