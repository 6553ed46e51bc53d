"""SABAL_SECURITY_CONTACT: where people report security problems (RFC 9116)."""

from urllib.parse import urlsplit

from sabal.configuration.errors import SettingError
from sabal.configuration.hosts import ascii_netloc
from sabal.configuration.sender import parse_sender

_HINT = "Write it like mailto:security@example.org or https://example.org/security"


def parse_contact(text: str) -> str:
    """Return a mailto: or https: address in ASCII. Raises SettingError."""
    try:
        if text.startswith("mailto:"):
            return "mailto:" + parse_sender(text.removeprefix("mailto:")).address
        parts = urlsplit(text)
        if parts.scheme == "https" and text.isprintable() and " " not in text and "@" not in parts.netloc:
            netloc = ascii_netloc(parts.netloc)
            return parts._replace(netloc=netloc).geturl()
    except (ValueError, SettingError):
        pass
    raise SettingError("SABAL_SECURITY_CONTACT is no mailto: or https: address.", _HINT)
