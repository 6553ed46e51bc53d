"""Emails as they travel."""

from email import policy
from email.message import EmailMessage


def as_bytes(message: EmailMessage, to: str) -> bytes:
    """The email as it travels, CRLF and all; in seven bits but for an address that needs more."""
    return message.as_bytes(policy=policy.SMTP if to.isascii() else policy.SMTPUTF8)
