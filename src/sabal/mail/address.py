"""Email addresses: each is parsed once, into one value."""

import re
from dataclasses import dataclass, field

import idna
import regex

from sabal import typed
from sabal.mail.providers import provider_of

# Domains that ignore dots and `+…` in the local part. They do not come from the list of providers, because a new domain
# would change the keyed hashes of addresses that are stored already.
GOOGLE = {"gmail.com", "googlemail.com"}
MAX_BYTES = 254
# The part before the @ is atoms with dots between them, of ASCII (RFC 5321) or of what is beyond it (RFC 6531).
_LOCAL = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\U0010ffff-]{1,64}(?<!\.)", re.DOTALL)
_DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{0,58}[a-z0-9])", re.ASCII | re.I
)
# Spaces, and what nobody can see, but the joiners, which Persian and Indian scripts and emoji need, and variants of a
# character. RFC 6531 would allow them. Python's own tables are older than some letters, so they are not asked.
_UNSEEN = regex.compile(
    r"(?V1)[[\p{Z}\p{C}\p{DI}]--[\p{Cn}\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]]|^\p{M}"
)


class TooLong(ValueError):
    """More bytes than an email address may have (RFC 5321, section 4.5.3.1.3)."""


class UnknownDomain(ValueError):
    """The domain has a character that no domain may have, or one that is newer than the tables of `idna`."""


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
        """Parse an address as a person typed it. Raises ValueError if no email could be sent to it.

        TooLong and UnknownDomain are such errors. The syntax is that of RFC 5321 and 6531, without quotes, in at most
        254 bytes.
        """
        if len(text) > typed.PARTS * MAX_BYTES:
            raise TooLong
        text = typed.compact(text)
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise TooLong
        if not typed.is_showable(text) or "=?" in text:  # in a header, it begins an encoded word (RFC 2047)
            raise ValueError("not an email address")
        address = cls._split(text)
        local, _, domain = text.rpartition("@")
        if not _LOCAL.fullmatch(local) or (not local.isascii() and _UNSEEN.search(local)):
            raise ValueError("not an email address")
        if not _DOMAIN.fullmatch(address.domain) or domain.endswith(".") or len(address.domain) > 253:
            raise ValueError("not an email address")
        return address

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
            try:
                domain = idna.encode(domain, uts46=True).decode("ascii")
            except idna.IDNAError as error:
                raise UnknownDomain from error
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
        if _UNSEEN.search(self.typed):
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
