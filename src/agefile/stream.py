"""The payload: authenticated chunks of 64 KiB, of which the last is marked. age spec, "Payload"."""

import io
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from agefile.errors import AgeError
from agefile.stanza import derive

CHUNK = 64 * 1024
TAG = 16
SALT = 16  # bytes of the nonce before the chunks; it is the salt of their key


def seal(plaintext: bytes, file_key: bytes, salt: bytes) -> bytes:
    """Return the payload: the nonce, then the chunks. Only an empty plaintext has an empty chunk.

    `salt` are 16 random bytes, drawn for this file.
    """
    cipher = _cipher(file_key, salt)
    view = memoryview(plaintext)
    last = max(0, (len(view) - 1) // CHUNK)
    sealed = [
        cipher.encrypt(_nonce(index, index == last), view[index * CHUNK : (index + 1) * CHUNK], None)
        for index in range(last + 1)
    ]
    return b"".join([salt, *sealed])


def open(payload: memoryview, file_key: bytes) -> bytes:
    """Return the whole plaintext. Raises AgeError (`damaged`) if any part is damaged."""
    return b"".join(pieces(io.BytesIO(payload), file_key))


def pieces(file: BinaryIO, file_key: bytes) -> Iterator[bytes]:
    """Yield the plaintext in pieces of 64 KiB, each verified. Raises AgeError (`damaged`) at the first damaged one.

    A file that was cut short is noticed only at its end.
    """
    salt, chunk, index = file.read(SALT), file.read(CHUNK + TAG), 0
    if len(salt) < SALT:
        raise _damaged()
    cipher = _cipher(file_key, salt)
    while True:
        following = file.read(CHUNK + TAG)
        # A chunk shorter than a tag is impossible. An empty last chunk after others is forbidden.
        if len(chunk) < TAG or (len(chunk) == TAG and index > 0):
            raise _damaged()
        try:
            piece = cipher.decrypt(_nonce(index, not following), chunk, None)
        except InvalidTag:
            raise _damaged() from None
        yield piece
        if not following:
            return
        chunk, index = following, index + 1


def _cipher(file_key: bytes, salt: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(derive(file_key, salt, b"payload"))


def _nonce(index: int, last: bool) -> bytes:
    """Return the number of the chunk in 11 bytes, then 1 for the last chunk and 0 for the others."""
    return (index << 8 | last).to_bytes(12)


def _damaged() -> AgeError:
    return AgeError("This file's content was changed or cut short after it was written.", "damaged")
