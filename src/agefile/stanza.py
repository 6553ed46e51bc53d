"""A recipient stanza, and the functions that its kinds share. age spec, "Recipient stanza"."""

import binascii
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agefile.errors import AgeError

SHA256 = hashes.SHA256()
WRAPPED_BYTES = 32
"""The length of a file key with its tag. Refuse other lengths before decrypting, to prevent partitioning oracles."""

_COLUMNS = 64
_NONCE = bytes(12)  # a wrap key is used once, so the format fixes its nonce


class Stanza(NamedTuple):
    """One line of arguments and a body. The first argument is the kind."""

    arguments: tuple[bytes, ...]
    body: bytes

    def encode(self) -> bytes:
        """Return the lines of the stanza. The last line is always short, and may be empty."""
        text = to_base64(self.body)
        lines = [text[at : at + _COLUMNS] for at in range(0, len(text) + 1, _COLUMNS)]
        return b"-> %b\n%b\n" % (b" ".join(self.arguments), b"\n".join(lines))


def derive(key: bytes, salt: bytes, info: bytes) -> bytes:
    """Return 32 bytes of HKDF-SHA-256. age spec, "Conventions used in this document"."""
    return HKDF(SHA256, 32, salt, info).derive(key)


def wrap(file_key: bytes, wrap_key: bytes) -> bytes:
    """Return the encrypted file key, 32 bytes. Use `wrap_key` for nothing else."""
    return ChaCha20Poly1305(wrap_key).encrypt(_NONCE, file_key, None)


def unwrap(body: bytes, wrap_key: bytes) -> bytes | None:
    """Return the file key, or None if `wrap_key` is wrong."""
    try:
        return ChaCha20Poly1305(wrap_key).decrypt(_NONCE, body, None)
    except InvalidTag:
        return None


def to_base64(data: bytes) -> bytes:
    """Return standard base64 without padding."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=")


def from_base64(text: bytes) -> bytes:
    """Return the bytes of canonical base64 without padding. Raises AgeError (`damaged`) for anything else."""
    try:
        data = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        data = b""
    # Encode again and compare: this finds padding, foreign characters and stray bits.
    if to_base64(data) != text:
        raise AgeError("This file's first lines hold base64 that no age program writes.", "damaged")
    return data


def argument(stanza: Stanza, size: int, *, count: int = 2) -> bytes:
    """Return the second argument as `size` bytes. The stanza must have `count` arguments and a wrapped file key.

    Raises AgeError (`damaged`) for any other shape, as the spec requires for each native kind.
    """
    if len(stanza.arguments) == count and len(stanza.body) == WRAPPED_BYTES:
        data = from_base64(stanza.arguments[1])
        if len(data) == size:
            return data
    raise AgeError("This file's first lines hold a key stanza of a wrong shape.", "damaged")
