"""The links that a petition may have, and the shape of an email address."""

import re
from urllib.parse import urlsplit

_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")  # [words](target), as people write it
_EMAIL_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[^\s@<>()\[\],;:\"\\]+\.[^\s@<>()\[\],;:\"\\]+")


def is_email_address(value: str) -> bool:
    """Return whether `value` has the shape of one email address (no look-up, no display name)."""
    return len(value) <= 254 and _EMAIL_ADDRESS.fullmatch(value) is not None


def is_allowed_link(target: str) -> bool:
    """Return whether a link may lead to `target`: https with a host and no user name, or mailto with one address."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname) and "@" not in parts.netloc
    return parts.scheme == "mailto" and is_email_address(parts.path)


def refused_link(text: str) -> str:
    """Return the first target of a Markdown link in `text` that would stay words; empty if there is none."""
    return next((target for target in _LINK.findall(text) if not is_allowed_link(target)), "")
