"""Post-quantum keys, `age1pq1…` and `AGE-SECRET-KEY-PQ-1…`: ML-KEM-768 combined with X25519 (X-Wing).

An attacker must break both algorithms. age spec, "The MLKEM768-X25519 … recipient type"; RFC 9180; draft-ietf-hpke-pq.
"""

import hashlib
import os
from dataclasses import dataclass, field
from typing import ClassVar, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from agefile import bech32
from agefile.errors import AgeError
from agefile.stanza import Stanza, argument, to_base64

KIND = b"mlkem768x25519"
RECIPIENT_PREFIX = "age1pq"
IDENTITY_PREFIX = "AGE-SECRET-KEY-PQ-"
PUBLIC_BYTES = 1216

_INFO = b"age-encryption.org/mlkem768x25519"
_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_ENC = KEM.MLKEM768_X25519.enc_length()
_MLKEM_PUBLIC = 1184
_MLKEM_SEED = 64
_X25519_SHARE = 32


@dataclass(frozen=True, slots=True, repr=False)
class HybridRecipient:
    """The public key. Files can be encrypted to it. Its `str` has 1,959 characters."""

    post_quantum: ClassVar[bool] = True
    public: bytes
    _key: MLKEM768X25519PublicKey = field(compare=False)

    @classmethod
    def from_bytes(cls, public: bytes) -> Self:
        """Make a key from 1,216 bytes: the ML-KEM key, then the X25519 key. Raises AgeError if the key is unusable."""
        if len(public) != PUBLIC_BYTES:
            raise AgeError(f"This recipient is not {PUBLIC_BYTES:,} bytes long, as a post-quantum key is.")
        try:
            key = MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
                X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
            )
            # Find an unusable key here, not at the first file.
            _HPKE.encrypt(bytes(16), key, _INFO)
        except ValueError:
            raise AgeError("This recipient is not a usable post-quantum key.") from None
        return cls(public, key)

    def wrap(self, file_key: bytes) -> Stanza:
        """Encrypt a file key of 16 bytes to this recipient (RFC 9180 §6.1, SealBase with empty aad)."""
        sealed = _HPKE.encrypt(file_key, self._key, _INFO)
        return Stanza((KIND, to_base64(sealed[:_ENC])), sealed[_ENC:])

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self.public)

    def __repr__(self) -> str:
        return f"HybridRecipient({_short(self)})"


@dataclass(frozen=True, slots=True, repr=False)
class HybridIdentity:
    """The secret key of `recipient`. Its `str` is the secret; its `repr` is not."""

    secret: bytes
    recipient: HybridRecipient
    _key: MLKEM768X25519PrivateKey = field(compare=False)

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Make a key from 32 bytes, which SHAKE256 expands to both seeds. Raises AgeError for another length."""
        if len(secret) != 32:
            raise AgeError("This secret key is not 32 bytes long, as a post-quantum key is.")
        seeds = hashlib.shake_256(secret).digest(_MLKEM_SEED + 32)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(seeds[:_MLKEM_SEED])
        x25519 = X25519PrivateKey.from_private_bytes(seeds[_MLKEM_SEED:])
        public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        return cls(secret, HybridRecipient.from_bytes(public), MLKEM768X25519PrivateKey(mlkem, x25519))

    @classmethod
    def generate(cls) -> Self:
        """Return a new key from the system's random numbers."""
        return cls.from_bytes(os.urandom(32))

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key, or None if the stanza is of another kind or key. Raises AgeError if it is malformed."""
        if stanza.arguments[0] != KIND:
            return None
        enc = argument(stanza, _ENC)
        try:
            return _HPKE.decrypt(enc + stanza.body, self._key, _INFO)
        except InvalidTag:
            # HPKE reports a forged share in the same way as another key. Its X25519 part tells them apart.
            if _is_low_order(enc[-_X25519_SHARE:]):
                raise AgeError("This file's first lines hold a forged X25519 share.", "damaged") from None
            return None

    def __str__(self) -> str:
        return bech32.encode(IDENTITY_PREFIX, self.secret)

    def __repr__(self) -> str:
        return f"HybridIdentity(for {_short(self.recipient)})"


def _is_low_order(share: bytes) -> bool:
    """Return whether an X25519 share gives a secret that everyone knows: all zeros. RFC 7748 §6.1."""
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        return True
    return False


def _short(recipient: HybridRecipient) -> str:
    text = str(recipient)
    return f"{text[:15]}…{text[-6:]}"
