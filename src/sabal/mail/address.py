"""Email addresses: each is parsed once, into one value."""

import re
from dataclasses import dataclass, field

import idna
from email_validator import validate_email

from sabal import typed
from sabal.mail.providers import provider_of

# Domains that ignore dots and `+…` in the local part. They do not come from the list of providers, because a new domain
# would change the keyed hashes of addresses that are stored already.
GOOGLE = {"gmail.com", "googlemail.com"}
MAX_BYTES = 254
_PLAIN = re.compile(
    r"(?!\.)[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]{1,64}(?<!\.)@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    re.ASCII | re.I,
)


class TooLong(ValueError):
    """More bytes than an email address may have (RFC 5321, section 4.5.3.1.3)."""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """One email address. Email is sent to `typed`; the other forms are for comparing and counting addresses.

    `typed` is the address as it was typed, made plain (`typed.compact`). `local` is its local part in lower case.
    `domain` is its domain in lower case and ASCII (IDNA), without a final dot.
    """

    typed: str = field(repr=False)
    local: str = field(repr=False)
    domain: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "EmailAddress":
        """Parse an address as a person typed it. Raises ValueError if no email could be sent to it, TooLong among them.

        The syntax is that of RFC 5321 and 6531, without quotes, in at most 254 bytes.
        """
        if len(text) > typed.PARTS * MAX_BYTES:
            raise TooLong
        text = typed.compact(text)
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise TooLong
        if not typed.is_showable(text) or "=?" in text:  # in a header, it begins an encoded word (RFC 2047)
            raise ValueError("not an email address")
        # Most addresses match _PLAIN, which takes a tenth of the library's time.
        if not _PLAIN.fullmatch(text) or ".." in text:
            validate_email(text, check_deliverability=False, allow_smtputf8=True, strict=True)
        return cls._split(text)

    @classmethod
    def stored(cls, text: str) -> "EmailAddress":
        """Split a stored address, which was parsed before.

        Its syntax is not checked again. Raises ValueError if the local part or the domain is missing.
        """
        return cls._split(typed.compact(text))

    @classmethod
    def _split(cls, text: str) -> "EmailAddress":
        local, _, domain = text.rpartition("@")
        if not (local and domain):
            raise ValueError("not an email address")
        domain = domain.lower().rstrip(".")
        if not domain.isascii():
            domain = idna.encode(domain, uts46=True).decode("ascii")
        return cls(text, typed.nfc(local.lower()), domain)

    @property
    def normalised(self) -> str:
        """Return the form that is the same for all spellings of one address.

        Dots and `+…` are dropped from the local part for Google's two domains only.
        """
        if self.domain in GOOGLE:
            return f"{self._bare_local}@gmail.com"
        return f"{self.local}@{self.domain}"

    @property
    def mailbox(self) -> str:
        """Return a coarser form, for limits on emails: dots and `+…` are dropped for every domain."""
        return f"{self._bare_local}@{self.domain}"

    @property
    def provider(self) -> str:
        """Return the large provider that runs the domain: a key of PROVIDERS, or "other"."""
        return provider_of(self.domain)

    @property
    def wire(self) -> str:
        """Return the address as it is sent to a mail server. Raises ValueError for characters that no address has.

        If the local part is ASCII, the domain is ASCII too (IDNA 2008). Otherwise the address is as typed, which needs
        SMTPUTF8 (RFC 6531).
        """
        if any(character.isspace() or not character.isprintable() for character in self.typed):
            raise ValueError("not an email address")
        if self.typed.isascii() or self.is_international:
            return self.typed
        return f"{self.typed.rpartition('@')[0]}@{self.domain}"

    @property
    def is_international(self) -> bool:
        """Return whether emails to it need SMTPUTF8 (RFC 6531): what is before the @ is not ASCII."""
        return not self.local.isascii()

    @property
    def _bare_local(self) -> str:
        return self.local.split("+", 1)[0].replace(".", "")
