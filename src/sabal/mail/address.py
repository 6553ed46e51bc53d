"""Mail addresses: two spellings of one mailbox brought into one form. Mail goes to the address as it was typed."""

import unicodedata

import idna

GOOGLE = {"gmail.com", "googlemail.com"}


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
