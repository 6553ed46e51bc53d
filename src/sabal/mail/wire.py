"""Addresses and letters as they travel."""

from email import policy
from email.message import EmailMessage

import idna


def wire_address(address: str) -> str:
    """The address as it travels: its domain in ASCII (IDNA 2008) where the local part is ASCII, else as
    typed, which then needs SMTPUTF8 (RFC 6531). Raises ValueError on what is no address."""
    local, at, domain = address.strip().rpartition("@")
    if not (local and at and domain) or any(
        character.isspace() or not character.isprintable() for character in address
    ):
        raise ValueError("not an email address")
    if local.isascii() and not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}@{domain}"


def as_bytes(message: EmailMessage, to: str) -> bytes:
    """The letter as it travels, CRLF and all; in seven bits but for an address that needs more."""
    return message.as_bytes(policy=policy.SMTP if to.isascii() else policy.SMTPUTF8)
