"""Dedupe tags: keyed hashes that find two signatures from one email address without storing the address."""

from sabal.mail.address import EmailAddress
from sabal.records.mac import hmac_sha256

TAG_BYTES = 16


def dedupe_tag(pepper: bytes, address: EmailAddress) -> bytes:
    """Return an address's tag in one petition and epoch.

    It is HMAC-SHA-256(pepper, "dedupe/1\\0" ‖ normalised address)[:16].
    """
    message = b"dedupe/1\0" + address.normalised.encode()
    return hmac_sha256(pepper, message)[:TAG_BYTES]


def suppression(key: bytes, petition_id: int, address: EmailAddress) -> bytes:
    """Return the keyed hash that stores a "not me" answer.

    It has its own key, because it outlives the epochs of the pepper.
    """
    message = b"not-me/1\0" + petition_id.to_bytes(8, "big") + address.normalised.encode()
    return hmac_sha256(key, message)[:TAG_BYTES]
