"""X25519 keys, `age1…` and `AGE-SECRET-KEY-1…`. age spec, "The X25519 recipient type"."""

import os
from dataclasses import dataclass, field
from typing import ClassVar, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from agefile import bech32
from agefile.errors import AgeError
from agefile.stanza import Stanza, argument, derive, to_base64, unwrap, wrap

KIND = b"X25519"
RECIPIENT_PREFIX = "age"
IDENTITY_PREFIX = "AGE-SECRET-KEY-"

_INFO = b"age-encryption.org/v1/X25519"


@dataclass(frozen=True, slots=True, repr=False)
class X25519Recipient:
    """The public key. Files can be encrypted to it. Its `str` is the `age1…` text."""

    post_quantum: ClassVar[bool] = False
    public: bytes
    _key: X25519PublicKey = field(compare=False)

    @classmethod
    def from_bytes(cls, public: bytes) -> Self:
        """Make a key from 32 bytes. Raises AgeError if no shared secret can be made with them."""
        if len(public) != 32:
            raise AgeError("This recipient is not 32 bytes long, as an X25519 key is.")
        recipient = cls(public, X25519PublicKey.from_public_bytes(public))
        try:
            recipient.wrap(bytes(16))
        except ValueError:
            # Points of low order give a shared secret that everyone knows.
            raise AgeError("This recipient is not a usable X25519 key.") from None
        return recipient

    def wrap(self, file_key: bytes) -> Stanza:
        """Encrypt a file key of 16 bytes to this recipient, with an ephemeral secret for this stanza only."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        wrap_key = derive(ephemeral.exchange(self._key), share + self.public, _INFO)
        return Stanza((KIND, to_base64(share)), wrap(file_key, wrap_key))

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self.public)

    def __repr__(self) -> str:
        return f"X25519Recipient({self})"


@dataclass(frozen=True, slots=True, repr=False)
class X25519Identity:
    """The secret key of `recipient`. Its `str` is the secret; its `repr` is not."""

    secret: bytes
    recipient: X25519Recipient
    _key: X25519PrivateKey = field(compare=False)

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Make a key from 32 bytes. Raises AgeError for another length."""
        if len(secret) != 32:
            raise AgeError("This secret key is not 32 bytes long, as an X25519 key is.")
        key = X25519PrivateKey.from_private_bytes(secret)
        return cls(secret, X25519Recipient.from_bytes(key.public_key().public_bytes_raw()), key)

    @classmethod
    def generate(cls) -> Self:
        """Return a new key from the system's random numbers."""
        return cls.from_bytes(os.urandom(32))

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key, or None if the stanza is of another kind or key. Raises AgeError if it is malformed."""
        if stanza.arguments[0] != KIND:
            return None
        share = argument(stanza, 32)
        try:
            shared = self._key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise AgeError("This file's first lines hold a forged X25519 share.", "damaged") from None
        return unwrap(stanza.body, derive(shared, share + self.recipient.public, _INFO))

    def __str__(self) -> str:
        return bech32.encode(IDENTITY_PREFIX, self.secret)

    def __repr__(self) -> str:
        return f"X25519Identity(for {self.recipient})"
