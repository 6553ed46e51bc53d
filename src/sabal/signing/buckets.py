"""The bucket of a signature: the country and the language under which it is counted.

It is kept, encrypted, until the petition is finalised, so that it can leave the sums together with the signature. The
key is the petition's own; a stolen database has it only wrapped (keys/keystore.py).
"""

import logging
import os
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sabal.database import Database
from sabal.keys.keystore import KeyMissing, KeyStore, bucket_key_name

BUCKET_BYTES = 32  # for every signature, so that the length tells nothing
_COUNTRY, _LANGUAGE = 2, 30  # bytes of each; the longest language code of a petition has 30
_NONCE_BYTES = 12
logger = logging.getLogger(__name__)


def bucket_of(country: str, language: str) -> bytes:
    """Return a bucket: the country (ISO 3166-1 alpha-2) and the language, each padded with spaces, 32 bytes."""
    return country.encode().ljust(_COUNTRY) + language.encode().ljust(_LANGUAGE)


def items_of(bucket: bytes) -> tuple[str, str]:
    """Return the country and the language of a bucket. The reverse of `bucket_of`."""
    return bucket[:_COUNTRY].decode().rstrip(), bucket[_COUNTRY:].decode().rstrip()


NOT_KNOWN = bucket_of("", "")  # not given, or lost with a database
GONE = "-"  # as an item, with a negative sum: signatures that left after their buckets were destroyed
NO_LONGER_KNOWN = bucket_of(GONE, GONE)


class Buckets:
    """Seals and opens the buckets of one petition, with ChaCha20-Poly1305 (RFC 8439).

    Without the petition's key nothing is sealed (None) and nothing opens.
    """

    def __init__(self, key: bytes | None) -> None:
        self._cipher = ChaCha20Poly1305(key) if key else None

    @classmethod
    def of(cls, database: Database, keystore: KeyStore, petition_id: int) -> "Buckets":
        """Return those of a petition, by its key in the database. There is none after it was finalised."""
        try:
            return cls(keystore.find(database, bucket_key_name(petition_id)))
        except KeyMissing:
            return cls(None)

    def seal_waiting(self, commitment: bytes, bucket: bytes) -> bytes | None:
        """Seal the bucket of a signature that waits for the log, bound to its commitment; 48 bytes.

        The nonce is the beginning of the commitment. A commitment is a hash under a random secret, and belongs to one
        signature, so no nonce is used for two texts.
        """
        if self._cipher is None:
            return None
        return self._cipher.encrypt(commitment[:_NONCE_BYTES], bucket, commitment)

    def open_waiting(self, sealed: Mapping[bytes, bytes | None]) -> dict[bytes, bytes]:
        """Open what `seal_waiting` sealed, by commitment.

        One that is missing, was changed or is of another commitment becomes NOT_KNOWN.
        """
        opened = dict.fromkeys(sealed, NOT_KNOWN)
        for commitment, one in sealed.items():
            bucket = self._open(commitment[:_NONCE_BYTES], one, commitment)
            if bucket is not None:
                opened[commitment] = bucket
        return opened

    def seal_counted(self, first: int, buckets: Iterable[bytes]) -> bytes | None:
        """Seal the buckets of consecutive entries of the log from index `first` on, bound to that index."""
        if self._cipher is None:
            return None
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, b"".join(buckets), _index(first))

    def open_counted(self, first: int, sealed: bytes | None) -> list[bytes] | None:
        """Open what `seal_counted` sealed. Return None also if it was changed, or is of other entries."""
        nonce, rest = (sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]) if sealed else (b"", None)
        text = self._open(nonce, rest, _index(first))
        if text is None:
            return None
        return [text[at : at + BUCKET_BYTES] for at in range(0, len(text), BUCKET_BYTES)]

    def _open(self, nonce: bytes, sealed: bytes | None, bound_to: bytes) -> bytes | None:
        if self._cipher is None or sealed is None:
            return None
        try:
            return self._cipher.decrypt(nonce, sealed, bound_to)
        except (InvalidTag, ValueError):
            logger.error("stored countries and languages were changed: they do not open")
            return None


def _index(first: int) -> bytes:
    return b"counted/1" + first.to_bytes(8, "big")
