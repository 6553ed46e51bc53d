"""Mail addresses: two spellings of one mailbox brought into one form. Mail goes to the address as it was typed."""

import re
import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email

GOOGLE = {"gmail.com", "googlemail.com"}
MOST_BYTES = 254
_PLAIN = re.compile(
    r"(?!\.)[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]{1,64}(?<!\.)@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    re.ASCII | re.I,
)


def is_address(text: str) -> bool:
    """Whether a letter could go there: the syntax of RFC 5321 and 6531, without quotes, in 254 bytes at the most."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES or "=?" in text:
        return False  # "=?" begins an encoded word (RFC 2047): in a header it would be another address
    if _PLAIN.fullmatch(text) and ".." not in text:
        return True  # most addresses, at a tenth of the library's time
    try:
        validate_email(text, check_deliverability=False, allow_smtputf8=True, strict=True)
    except (EmailNotValidError, UnicodeError):
        return False
    return True


def normalise(address: str) -> str:
    """The form in which two spellings of one mailbox are the same: trimmed, NFC, lower case, IDNA domain.

    For Google's two domains alone, dots and `+…` are dropped from the local part: there it is known that they do not
    matter. Raises ValueError for what has no local part or no domain.
    """
    local, domain = _split(address)
    if domain in GOOGLE:
        local, domain = local.split("+", 1)[0].replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def mailbox(address: str) -> str:
    """A coarser form for limits on letters: dots and `+…` cut for every domain."""
    local, domain = _split(address)
    return f"{local.split('+', 1)[0].replace('.', '')}@{domain}"


def domain(address: str) -> str:
    """The domain of an address, normalised."""
    return _split(address)[1]


def _split(address: str) -> tuple[str, str]:
    local, at, domain = unicodedata.normalize("NFC", address.strip()).rpartition("@")
    if not (local and at and domain):
        raise ValueError("not an address")
    domain = domain.lower().rstrip(".")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return unicodedata.normalize("NFC", local.lower()), domain
