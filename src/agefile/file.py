"""Encrypt and decrypt age files."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from agefile import header, passphrase, stream
from agefile.armor import dearmor, is_armored
from agefile.errors import AgeError
from agefile.keys import Identity, Recipient

FILE_KEY_BYTES = 16


def encrypt(
    plaintext: bytes, recipients: Sequence[Recipient], *, urandom: Callable[[int], bytes] = os.urandom
) -> bytes:
    """Encrypt `plaintext` so that each of `recipients` alone can open it. The result is binary, not armored.

    For a plaintext of up to 64 KiB and one recipient, the result is 1,659 bytes longer (post-quantum) or 200 bytes
    longer (X25519). The interpreter's lock is held almost all the time, so more threads do not encrypt faster. Raises
    AgeError if there is no recipient, or if both kinds are mixed. `urandom` gives the random bytes, 32 of them in one
    call; what the recipients need besides, they draw themselves. age spec, "Encrypted file format".
    """
    if not recipients:
        raise AgeError("Nobody could open this file. Name at least one recipient.")
    if len({recipient.post_quantum for recipient in recipients}) > 1:
        raise AgeError(
            "Post-quantum (age1pq1…) and X25519 (age1…) recipients cannot share a file, because it would then be"
            " as weak as the weaker key. Use recipients of one kind."
        )
    drawn = urandom(FILE_KEY_BYTES + stream.SALT)
    file_key, salt = drawn[:FILE_KEY_BYTES], drawn[FILE_KEY_BYTES:]
    stanzas = [recipient.wrap(file_key) for recipient in recipients]
    return header.write(stanzas, file_key) + stream.seal(plaintext, file_key, salt)


def decrypt(data: bytes, identities: Sequence[Identity]) -> bytes:
    """Decrypt an age file, binary or armored, with the first of `identities` that opens it.

    Raises AgeError: `wrong-key` if none opens it, `damaged` if the file was changed or cut short, `refused` if the
    file is of another version or locked with a passphrase, or if there are no identities.
    """
    _require(identities)
    data = _binary(data)
    parsed = header.parse(data)
    return _open(data, parsed, _file_key(parsed, identities))


def decrypt_stream(file: BinaryIO, identities: Sequence[Identity]) -> Iterator[bytes]:
    """Decrypt an age file piece by piece, without keeping it in memory. Raises AgeError as `decrypt` does.

    Each piece is verified, but a file that was changed or cut short further on is noticed only there. So use nothing of
    it before the end. An armored file is kept in memory.
    """
    _require(identities)
    beginning = header.read(file)
    if is_armored(beginning):
        yield decrypt(beginning + file.read(), identities)
        return
    parsed = header.parse(beginning)
    file_key = _file_key(parsed, identities)
    header.check(parsed, file_key)
    yield from stream.pieces(file, file_key)


def encrypt_passphrase(plaintext: bytes, secret: str, *, work_factor: int = 18) -> bytes:
    """Encrypt `plaintext` with a passphrase. The result is binary, not armored.

    `work_factor` is the base-two logarithm of scrypt's cost, 1 to 22. 18 takes about a second and 256 MiB; each step
    doubles both. The passphrase is not normalised. Raises AgeError if the passphrase is empty or the work factor is out
    of range. age spec, "The scrypt recipient type".
    """
    file_key = os.urandom(FILE_KEY_BYTES)
    stanza = passphrase.wrap(file_key, secret, work_factor)
    return header.write([stanza], file_key) + stream.seal(plaintext, file_key, os.urandom(stream.SALT))


def decrypt_passphrase(data: bytes, secret: str, *, max_work_factor: int = 22) -> bytes:
    """Decrypt an age file, binary or armored, that is locked with a passphrase.

    Raises AgeError: `wrong-key` if the passphrase is wrong, `damaged` if the file was changed or cut short, `refused`
    if the file is encrypted to keys or its work factor is above `max_work_factor` (22 takes 4 GiB).
    """
    data = _binary(data)
    parsed = header.parse(data)
    if not passphrase.locks(parsed.stanzas):
        raise AgeError("This file is encrypted to keys, not locked with a passphrase.")
    file_key = passphrase.unwrap(parsed.stanzas[0], secret, max_work_factor)
    if file_key is None:
        raise AgeError("This passphrase is not the one that the file was locked with.", "wrong-key")
    return _open(data, parsed, file_key)


def is_passphrase_file(data: bytes) -> bool:
    """Return whether `data` is an age file, binary or armored, that needs a passphrase. Never raises."""
    try:
        return passphrase.locks(header.parse(_binary(data)).stanzas)
    except AgeError:
        return False


def _binary(data: bytes) -> bytes:
    return dearmor(data) if is_armored(data) else data


def _require(identities: Sequence[Identity]) -> None:
    if not identities:
        raise AgeError("No key was given to open this file.")


def _file_key(parsed: header.ParsedHeader, identities: Sequence[Identity]) -> bytes:
    if passphrase.locks(parsed.stanzas):
        raise AgeError("This file is locked with a passphrase, not with a key.")
    for identity in identities:
        if (key := _unwrap(parsed, identity)) is not None:
            return key
    raise AgeError("None of the given keys opens this file. It was encrypted to other keys.", "wrong-key")


def _unwrap(parsed: header.ParsedHeader, identity: Identity) -> bytes | None:
    return next((key for stanza in parsed.stanzas if (key := identity.unwrap(stanza)) is not None), None)


def _open(data: bytes, parsed: header.ParsedHeader, file_key: bytes) -> bytes:
    header.check(parsed, file_key)
    return stream.open(memoryview(data)[parsed.size :], file_key)
