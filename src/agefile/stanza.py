"""A recipient stanza, and what its kinds have in common. age spec, "Recipient stanza"."""

import binascii
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agefile.errors import AgeError

SHA256 = hashes.SHA256()
WRAPPED_BYTES = 32
"""A file key with its tag. Other lengths are refused before decrypting, against partitioning oracles."""

_COLUMNS = 64
_NONCE = bytes(12)  # a wrap key is used once, so the format fixes its nonce


class Stanza(NamedTuple):
    """One line of arguments, the first of which names the kind, and a body."""

    arguments: tuple[bytes, ...]
    body: bytes

    def encode(self) -> bytes:
        """The stanza's lines. The last one is always short, and empty if need be."""
        text = to_base64(self.body)
        lines = [text[at : at + _COLUMNS] for at in range(0, len(text) + 1, _COLUMNS)]
        return b"-> %b\n%b\n" % (b" ".join(self.arguments), b"\n".join(lines))


def derive(key: bytes, salt: bytes, info: bytes) -> bytes:
    """32 bytes of HKDF-SHA-256. age spec, "Conventions used in this document"."""
    return HKDF(SHA256, 32, salt, info).derive(key)


def wrap(file_key: bytes, wrap_key: bytes) -> bytes:
    """The file key under a key that is used for nothing else: 32 bytes."""
    return ChaCha20Poly1305(wrap_key).encrypt(_NONCE, file_key, None)


def unwrap(body: bytes, wrap_key: bytes) -> bytes | None:
    """The file key, or None where `wrap_key` is not the right one."""
    try:
        return ChaCha20Poly1305(wrap_key).decrypt(_NONCE, body, None)
    except InvalidTag:
        return None


def to_base64(data: bytes) -> bytes:
    """Standard base64 without padding."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=")


def from_base64(text: bytes) -> bytes:
    """The bytes of canonical base64 without padding; raises AgeError (`damaged`) on anything else."""
    try:
        data = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        data = b""
    # Writing it again and comparing refuses padding, strange characters and stray bits in one go.
    if to_base64(data) != text:
        raise AgeError("This file's first lines hold base64 that no age program writes.", "damaged")
    return data


def argument(stanza: Stanza, size: int, *, count: int = 2) -> bytes:
    """The second argument as `size` bytes, of a stanza with `count` arguments and a wrapped file key as body.

    Raises AgeError (`damaged`) on any other shape, as the spec demands of each native kind.
    """
    if len(stanza.arguments) == count and len(stanza.body) == WRAPPED_BYTES:
        data = from_base64(stanza.arguments[1])
        if len(data) == size:
            return data
    raise AgeError("This file's first lines hold a key stanza of a wrong shape.", "damaged")
