"""Emails as bytes."""

from email import policy
from email.message import EmailMessage


def as_bytes(message: EmailMessage, to: str) -> bytes:
    """Return the email as it is sent, with CRLF. It is ASCII, unless the address `to` is not."""
    return message.as_bytes(policy=policy.SMTP if to.isascii() else policy.SMTPUTF8)
