"""Where a link in a petition may lead, and what has the shape of a mail address."""

import re
from urllib.parse import urlsplit

_MAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[^\s@<>()\[\],;:\"\\]+\.[^\s@<>()\[\],;:\"\\]+")


def is_mail(value: str) -> bool:
    """Whether `value` has the shape of one mail address (no look-up, no display name)."""
    return len(value) <= 254 and _MAIL.fullmatch(value) is not None


def is_allowed_link(target: str) -> bool:
    """Whether a link may lead to `target`: https with a host and no user name, or mailto one address."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname) and "@" not in parts.netloc
    return parts.scheme == "mailto" and is_mail(parts.path)
