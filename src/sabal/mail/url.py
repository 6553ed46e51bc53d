"""SABAL_MAIL_URL: how emails are sent."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sabal.refusal import Refusal


class MailUrlError(Refusal):
    """SABAL_MAIL_URL cannot be used. The message never contains the password."""


@dataclass(frozen=True)
class MailUrl:
    """SABAL_MAIL_URL, parsed. `scheme` is "folder" or "smtp"; `tls` is "starttls", "implicit" or "none"."""

    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "none"


_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
_EXAMPLE = "write it like smtp://user:password@host:587?tls=starttls"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def parse_mail_url(url: str) -> MailUrl:
    """Parse `folder:` or `smtp://[user:password@]host[:port][?tls=starttls|implicit|none]`. Raises MailUrlError.

    TLS is used unless `tls` is none. User and password are percent-encoded.
    """
    if url == "folder:":
        return MailUrl("folder")
    parts, port, options = _split(url)
    tls = options.pop("tls", "implicit" if port == _PORTS["implicit"] else "starttls")
    if options:
        raise MailUrlError(f"SABAL_MAIL_URL has the unknown option {min(options)}. The only option is tls.")
    if tls not in _PORTS:
        raise MailUrlError(f"SABAL_MAIL_URL says tls={tls}. It must be starttls, implicit or none.")
    host, user, password = parts.hostname or "", unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise MailUrlError(
            "SABAL_MAIL_URL has a user without a password or a password without a user. Give both or neither."
        )
    if user and tls == "none" and host not in _LOOPBACK:
        raise MailUrlError(
            "SABAL_MAIL_URL would send the password in clear text. Use tls=starttls or tls=implicit."
        )
    return MailUrl("smtp", host, port or _PORTS[tls], user, password, tls)


def _split(url: str) -> tuple[SplitResult, int | None, dict[str, str]]:
    """Return the URL's parts, port and options. Raises MailUrlError if its form is wrong."""
    if not url:
        raise MailUrlError(f"SABAL_MAIL_URL is empty; {_EXAMPLE}.")
    try:
        parts = urlsplit(url)
        port, options = parts.port, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise MailUrlError(
            f"SABAL_MAIL_URL cannot be read (is the port a number, and the query tls=…?); {_EXAMPLE}."
        ) from None
    if parts.scheme == "folder":
        raise MailUrlError(
            "SABAL_MAIL_URL names a folder. Write just folder: (emails go to mail/ in the data folder)."
        )
    if parts.scheme != "smtp":
        raise MailUrlError(
            f"SABAL_MAIL_URL must begin with smtp:// (or be folder: in development); {_EXAMPLE}."
        )
    if not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise MailUrlError(
            "SABAL_MAIL_URL must name a host, with nothing after it but ?tls=…; percent-encode any of / ? # @ :"
            f" in user or password. {_EXAMPLE[0].upper()}{_EXAMPLE[1:]}."
        )
    return parts, port, options
