"""Keys for signing notes and cosigning checkpoints. c2sp.org/signed-note "Signatures", c2sp.org/tlog-cosignature."""

import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tlog.errors import Malformed, TlogError
from tlog.wire import MAX_SIZE, from_base64, to_base64

SEED_BYTES = PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
TIME = struct.Struct(">Q")

_LONGEST = 4096  # characters of a vkey; the base64 part of ours has 44, that of an ML-DSA-44 key 1,752
_KINDS = {
    0x01: "Ed25519, which signs notes",
    0x02: "ECDSA",
    0x04: "Ed25519, which cosigns",
    0x05: "RFC 6962",
    0x06: "ML-DSA-44, which cosigns",
}
"""What is assigned in c2sp.org/signed-note "Signature types". Only `Kind` can be used here."""


class Kind(IntEnum):
    """The type of a signature. c2sp.org/signed-note "Signature types"."""

    NOTE = 0x01
    """Ed25519 over the text of a note."""
    COSIGNATURE = 0x04
    """Ed25519 over a checkpoint and a time."""


@dataclass(frozen=True)
class Verifier:
    """A public key and its name. `str()` gives its vkey. c2sp.org/signed-note "Verifier keys"."""

    name: str
    kind: Kind
    public: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise TlogError("A key's name is not empty, and holds no spaces, no + and no control characters.")
        if len(self.public) != PUBLIC_BYTES:
            raise TlogError(f"An Ed25519 public key has {PUBLIC_BYTES} bytes, not {len(self.public)}.")

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Parse a vkey. Raises Malformed, also for unknown kinds of keys.

        The base64 part may contain a +, so only the first two + are separators. c2sp.org/signed-note "Verifier keys".
        """
        name, _, rest = vkey[:_LONGEST].partition("+")
        key_id, _, key = rest.partition("+")
        if len(vkey) > _LONGEST or not is_name(name) or not (key_id + key).isascii():
            raise Malformed("This is not a verifier key. It should read name+key id+base64.")
        data = from_base64(key.encode())
        if not data or hashlib.sha256(b"%b\n%b" % (name.encode(), data)).digest()[:4].hex() != key_id:
            raise Malformed(f"The key of {name} does not fit its key id. A character was changed.")
        if data[0] not in (Kind.NOTE, Kind.COSIGNATURE):
            raise Malformed(
                f"The key of {name} is of kind 0x{data[0]:02x} ({_KINDS.get(data[0], 'unknown here')}). Only Ed25519,"
                " 0x01 and 0x04, can be used."
            )
        if len(data) != 1 + PUBLIC_BYTES:
            raise Malformed(
                f"The key of {name} has {len(data) - 1:,} bytes, where Ed25519 has {PUBLIC_BYTES}."
            )
        return cls(name, Kind(data[0]), data[1:])

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.kind]) + self.public).decode()}"

    @cached_property
    def key_id(self) -> bytes:
        """Return four bytes that tell keys of one name apart. They prove nothing. c2sp.org/signed-note "Signatures"."""
        return hashlib.sha256(b"%b\n%c%b" % (self.name.encode(), self.kind, self.public)).digest()[:4]

    @cached_property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.public)

    def verifies(self, text: bytes, signature: bytes) -> bool:
        """Return whether `signature`, without the key id, is this key's signature of `text`. RFC 8032 §5.1.7.

        c2sp.org/signed-note "Ed25519 signatures", c2sp.org/tlog-cosignature "Ed25519 signed message".
        """
        if self.kind == Kind.COSIGNATURE:
            if len(signature) != TIME.size + SIGNATURE_BYTES or cosigned_at(signature) > MAX_SIZE:
                return False
            text, signature = cosigned_message(text, cosigned_at(signature)), signature[TIME.size :]
        try:
            self._key.verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Signer:
    """A key that signs notes (kind 0x01). Signing one text again gives the same signature, even after a crash."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = _private(seed)
        self.verifier = Verifier(name, Kind.NOTE, self._key.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Return the Ed25519 signature of a note's text, 64 bytes. c2sp.org/signed-note "Ed25519 signatures"."""
        return self._key.sign(text)


class Cosigner:
    """A witness's key (kind 0x04). Sign only checkpoints that were found consistent."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = _private(seed)
        self.verifier = Verifier(name, Kind.COSIGNATURE, self._key.public_key().public_bytes_raw())

    def sign(self, text: bytes, time: int) -> bytes:
        """Return a cosignature of 72 bytes: the time, and Ed25519 over the time and a checkpoint's text.

        `time` is Unix time (seconds), above 0.
        c2sp.org/tlog-cosignature "Format", c2sp.org/tlog-witness "add-checkpoint".
        """
        if not 0 < time <= MAX_SIZE:
            raise TlogError("A cosignature needs its time: Unix time (seconds), above 0.")
        return TIME.pack(time) + self._key.sign(cosigned_message(text, time))


def cosigned_message(text: bytes, time: int) -> bytes:
    """Return the message that an Ed25519 cosignature signs. c2sp.org/tlog-cosignature "Ed25519 signed message"."""
    return b"cosignature/v1\ntime %d\n%b" % (time, text)


def cosigned_at(signature: bytes) -> int:
    """Return the time of a cosignature, Unix time (seconds), without verifying it.

    Raises Malformed if the signature is too short. c2sp.org/tlog-cosignature "Format".
    """
    if len(signature) < TIME.size:
        raise Malformed("This is not a cosignature: it is too short to hold a time.")
    return int(TIME.unpack_from(signature)[0])


def is_name(name: str) -> bool:
    """Return whether `name` can be a key's name. Lone surrogates are not UTF-8. c2sp.org/signed-note "Format"."""
    return bool(name) and not any(
        c.isspace() or c < " " or c == "+" or "\ud800" <= c <= "\udfff" for c in name
    )


def _private(seed: bytes) -> Ed25519PrivateKey:
    if len(seed) != SEED_BYTES:
        raise TlogError(f"A seed has {SEED_BYTES} bytes, not {len(seed)}.")
    return Ed25519PrivateKey.from_private_bytes(seed)
