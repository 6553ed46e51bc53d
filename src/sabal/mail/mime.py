"""Emails as MIME (RFC 2045, RFC 5322): headers that are made once, parts in 7-bit characters, and the bytes to send."""

import base64
import hashlib
import quopri
import secrets
from email import policy
from email.headerregistry import BaseHeader
from email.message import EmailMessage
from functools import lru_cache
from typing import cast

_POLICY = policy.SMTP
# One for all emails of a process. The library would draw it from a generator whose output is predictable.
BOUNDARY = f"={secrets.token_hex(16)}"


def as_bytes(message: EmailMessage, to: str) -> bytes:
    """Return the email as it is sent, with CRLF. It is ASCII, unless the address `to` is not."""
    return message.as_bytes(policy=policy.SMTP if to.isascii() else policy.SMTPUTF8)


def new_message() -> EmailMessage:
    """Return an email without headers and content, for the functions of this module."""
    return EmailMessage(policy=_POLICY)


def part(subtype: str, text: str) -> EmailMessage:
    """Return a text part in 7-bit characters.

    Quoted-printable keeps mostly Latin text legible. It would triple the size of Korean or Chinese, which get base64.
    """
    message, raw = new_message(), text.encode()
    if text.isascii():
        encoding, payload = "7bit", raw
    elif len(raw) < 1.3 * len(text):
        encoding, payload = "quoted-printable", quopri.encodestring(raw)
    else:
        encoding, payload = "base64", base64.encodebytes(raw.replace(b"\n", b"\r\n"))  # RFC 2045 §6.8
    put(message, "Content-Type", f'text/{subtype}; charset="utf-8"')
    put(message, "Content-Transfer-Encoding", encoding)
    message.set_payload(payload.decode("ascii"))
    return message


def put(message: EmailMessage, name: str, value: str) -> None:
    """Set a header, encoded and folded if it needs that. Raises ValueError for more than one line."""
    message.set_raw(name, _cached_header(name, value))


def put_plain(message: EmailMessage, name: str, value: str) -> None:
    """Set a header that differs in every email and is our own plain ASCII, so that it needs no folding."""
    header = _Header(value)
    header.name, header.folded = name, f"{name}: {value}{_POLICY.linesep}"
    message.set_raw(name, header)


@lru_cache(maxsize=4)
def sender(address: str) -> BaseHeader:
    """Return the parsed sender. The transport takes the bare address from it."""
    return _parsed("From", address)


def message_id(email_id: int) -> str:
    """Make a Message-ID from the email's random id, so that an email sent twice has one Message-ID.

    It is hashed, so that a mailbox does not contain the key of a row.
    """
    return hashlib.sha256(b"message-id/1" + email_id.to_bytes(9, "big", signed=True)).hexdigest()[:32]


class _Header(str):
    """A header's value with its finished text, so that the library does not parse and fold it again.

    For the headers that are the same in every email, that would take half of the time of an email.
    """

    name: str
    folded: str

    def fold(self, *, policy: object) -> str:
        """Return the whole header. The library's generator calls this."""
        return self.folded


@lru_cache(maxsize=256)
def _cached_header(name: str, value: str) -> _Header:
    header = _Header(value)
    header.name, header.folded = name, _parsed(name, value).fold(policy=_POLICY)
    return header


def _parsed(name: str, value: str) -> BaseHeader:
    """Parse a header. Raises ValueError for more than one line, because a second line would be another header."""
    if len(value.splitlines()) != 1:
        raise ValueError("a header is one line")
    return cast(BaseHeader, _POLICY.header_factory(name, value))
