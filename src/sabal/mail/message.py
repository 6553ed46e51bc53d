"""An email as it is sent: its headers and its two parts (RFC 5322, RFC 2045, RFC 2046).

They are written here and not with the standard library, whose headers lose spaces, and which takes most of the time of
an email.
"""

import base64
import hashlib
import quopri
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.headerregistry import AddressHeader
from email.utils import format_datetime
from typing import cast

from sabal.configuration.sender import Sender
from sabal.mail.content import Content
from sabal.mail.headers import NO_ADDRESS, CannotCompose, mailbox, unstructured

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9.-]+", re.ASCII
)
# Lines that need no encoding (RFC 2045, section 2.7).
_SEVEN_BIT = re.compile(r"(?:[\t -~]{0,998}\n)*", re.ASCII)
# One for all emails of a process, so that nobody who writes a title can predict it.
_BOUNDARY = f"={secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True)
class Message:
    """An email that can be sent: the address of its sender, its Message-ID, and its bytes, with CRLF.

    It is ASCII, unless the address of its reader is not. `bounces_to` is the address for reports that it could not be
    delivered; empty if no server should send any.
    """

    sender: str
    id: str
    content: bytes = field(repr=False)
    bounces_to: str = field(default="", repr=False)


def compose(
    content: Content,
    *,
    sender: Sender,
    to: str,
    message_id: str,
    now: float,
    language: str,
    more: Mapping[str, str] | None = None,
) -> Message:
    """Return the email. `language` is that of the words; `now` is Unix time (seconds); `more` are headers in ASCII.

    `to` is `EmailAddress.wire`. Raises ValueError for an address that would be another or several in a header, and for
    a header of more than one line.
    """
    require_one_address(to)
    headers = (
        mailbox("From", sender.name, sender.address),
        f"To: {to}",
        unstructured("Subject", content.subject),
        f"Date: {format_datetime(datetime.fromtimestamp(now, UTC))}",
        f"Message-ID: <{message_id}>",
        "Auto-Submitted: auto-generated",  # RFC 3834
        *(f"{name}: {value}" for name, value in (more or {}).items()),
        f"Content-Language: {language}",  # RFC 3282: of the words, whatever they quote
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"',
    )
    parts = (
        text_part("plain", content.as_text(), language),
        text_part("html", content.as_html(language), language),
    )
    body = "".join(f"--{_BOUNDARY}\r\n{part}\r\n" for part in parts)
    whole = "\r\n".join(headers) + f"\r\n\r\n{body}--{_BOUNDARY}--\r\n"
    return Message(sender.address, message_id, whole.encode())


def make_message_id(email_id: int, domain: str) -> str:
    """Make a Message-ID from the email's random id, so that an email sent twice has one Message-ID.

    It is hashed, so that a mailbox does not contain the key of a row.
    """
    hashed = hashlib.sha256(b"message-id/1" + email_id.to_bytes(9, "big", signed=True)).hexdigest()[:32]
    return f"{hashed}@{domain}"


def require_one_address(to: str) -> None:
    """Raise CannotCompose for an address that would be another or several in a header."""
    if _ADDRESS.fullmatch(to):
        return
    # Other addresses are rare, and the library knows the grammar.
    header = cast(AddressHeader, policy.SMTP.header_factory("To", to))
    if to.splitlines() != [to] or [address.addr_spec for address in header.addresses] != [to]:
        raise CannotCompose(NO_ADDRESS, "not an email address: in a header it would be another, or several")


def text_part(subtype: str, text: str, language: str) -> str:
    """Return a text part in 7-bit characters, with its headers.

    Quoted-printable keeps mostly Latin text legible. Korean or Chinese are shorter in base64.
    """
    if _SEVEN_BIT.fullmatch(text):
        encoding, lines = "7bit", text
    else:
        raw = text.replace("\n", "\r\n").encode()
        encoding, lines = "base64", base64.encodebytes(raw).decode("ascii")  # of CRLF (RFC 2045, section 6.8)
        quoted = quopri.encodestring(text.encode()).decode("ascii")
        if len(quoted) <= len(lines):
            encoding, lines = "quoted-printable", quoted
    payload = lines.replace("\n", "\r\n")
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n"
        f"Content-Language: {language}\r\n\r\n"
        f"{payload}"
    )
