"""SABAL_BOUNCES: where the worker finds the messages that came to the bounce address."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sabal.configuration.errors import SettingError
from sabal.configuration.hosts import LOOPBACK, ascii_host
from sabal.configuration.mail_url import decoded

_NAME = "SABAL_BOUNCES"
_HINT = "Write it like maildir:/var/mail/bounces or imaps://user:password@host/INBOX, or leave it empty"
_PORTS = {"imaps": 993, "imap": 143}


@dataclass(frozen=True, slots=True)
class BouncesUrl:
    """SABAL_BOUNCES, parsed. `scheme` is "maildir" (with `path`), "imaps", "imap", or "" for `sabal bounces`."""

    scheme: str = ""
    path: Path = Path()
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    mailbox: str = "INBOX"


def parse_bounces_url(text: str) -> BouncesUrl:
    """Parse `maildir:/path` or `imaps://user:password@host[:port][/mailbox]`. Raises SettingError.

    `imap://`, without TLS, is for this computer only.
    """
    if text.startswith("maildir:"):
        path = Path(text.removeprefix("maildir:"))
        if not path.is_absolute():
            raise SettingError(f"{_NAME} names no absolute path.", f"{_HINT}.")
        return BouncesUrl("maildir", path)
    try:
        parts = urlsplit(text)
        scheme, port, host = parts.scheme, parts.port, ascii_host(parts.hostname or "")
        if scheme not in _PORTS or port == 0 or parts.query or parts.fragment:
            raise ValueError
    except ValueError:
        raise SettingError(f"{_NAME} cannot be read.", f"{_HINT}.") from None
    user, password = decoded(_NAME, parts.username or ""), decoded(_NAME, parts.password or "")
    if not (user and password):
        raise SettingError(f"{_NAME} has no user and password.", f"{_HINT}.")
    if scheme == "imap" and host not in LOOPBACK:
        raise SettingError(f"{_NAME} would send the password in clear text.", "Use imaps://.")
    mailbox = decoded(_NAME, parts.path.strip("/")) or "INBOX"
    if not mailbox.isascii() or not mailbox.isprintable() or '"' in mailbox or "\\" in mailbox:
        raise SettingError(f"{_NAME} has a mailbox whose name is not plain ASCII.", f"{_HINT}.")
    return BouncesUrl(scheme, Path(), host, port or _PORTS[scheme], user, password, mailbox)
