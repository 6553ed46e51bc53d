"""SABAL_MAIL_URL: how emails are sent."""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sabal.configuration.errors import SettingError
from sabal.configuration.hosts import LOOPBACK, ascii_host

_NAME = "SABAL_MAIL_URL"
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
_EXAMPLE = "Write it like smtp://user:password@host:587?tls=starttls"
_ENCODE = f"Percent-encode any of / ? # @ : % in user or password. {_EXAMPLE}"


@dataclass(frozen=True)
class MailUrl:
    """SABAL_MAIL_URL, parsed. `scheme` is "folder" or "smtp"; `tls` is "starttls", "implicit" or "none"."""

    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "none"


def parse_mail_url(url: str) -> MailUrl:
    """Parse `folder:` or `smtp://[user:password@]host[:port][?tls=starttls|implicit|none]`. Raises SettingError.

    TLS is used unless `tls` is none. User and password are percent-encoded UTF-8. An international host becomes ASCII.
    """
    if url == "folder:":
        return MailUrl("folder")
    parts, port, options = _split(url)
    tls = options.pop("tls", "implicit" if port == _PORTS["implicit"] else "starttls")
    if options:
        raise SettingError(f"{_NAME} has an unknown option. The only option is tls.", _ENCODE)
    if tls not in _PORTS:
        raise SettingError(f"{_NAME}: tls must be starttls, implicit or none.", _EXAMPLE)
    user, password = decoded(_NAME, parts.username or ""), decoded(_NAME, parts.password or "")
    if bool(user) != bool(password):
        raise SettingError(
            f"{_NAME} has a user without a password or a password without a user.", "Give both or neither."
        )
    try:
        host = ascii_host(parts.hostname or "")
    except ValueError:
        raise SettingError(f"{_NAME} names no host that can exist.", _ENCODE) from None
    if user and tls == "none" and host not in LOOPBACK:
        raise SettingError(
            f"{_NAME} would send the password in clear text.", "Use tls=starttls or tls=implicit."
        )
    return MailUrl("smtp", host, port or _PORTS[tls], user, password, tls)


def decoded(name: str, text: str) -> str:
    """Return the percent-decoded user or password of a URL. Raises SettingError for a % that encodes nothing."""
    try:
        if re.search(r"%(?![0-9A-Fa-f]{2})", text):
            raise ValueError
        return unquote(text, errors="strict")
    except ValueError:
        raise SettingError(
            f"{name} has a % in user or password that encodes no character of UTF-8.",
            "Write a % itself as %25.",
        ) from None


def _split(url: str) -> tuple[SplitResult, int | None, dict[str, str]]:
    """Return the URL's parts, port and options. Raises SettingError if its form is wrong."""
    if not url:
        raise SettingError(f"{_NAME} is empty.", _EXAMPLE)
    try:
        if re.search(r"[\s\x00-\x1f\x7f]", url):
            raise ValueError  # urlsplit would drop some of these
        parts = urlsplit(url)
        port, options = parts.port, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise SettingError(
            f"{_NAME} cannot be read (is the port a number, and the query tls=…?).", _ENCODE
        ) from None
    if parts.scheme == "folder":
        raise SettingError(
            f"{_NAME} names a folder.", "Write just folder: (emails go to mail/ in the data folder)."
        )
    if parts.scheme != "smtp":
        raise SettingError(f"{_NAME} must begin with smtp:// (or be folder: in development).", _EXAMPLE)
    if not parts.hostname or parts.path.strip("/") or parts.fragment or port == 0:
        raise SettingError(f"{_NAME} must name a host, with nothing after it but ?tls=….", _ENCODE)
    return parts, port, options
