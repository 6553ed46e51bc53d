"""Whole age files: written and opened in memory."""

import os
from collections.abc import Sequence

from agefile import header, passphrase, stream
from agefile.armor import dearmor, is_armored
from agefile.errors import AgeError
from agefile.keys import Identity, Recipient

FILE_KEY_BYTES = 16


def encrypt(plaintext: bytes, recipients: Sequence[Recipient]) -> bytes:
    """Seal `plaintext` so that each one of `recipients` can open it alone; binary, not armored.

    Up to 64 KiB the result is 1,659 bytes longer for one post-quantum recipient, 200 for an X25519 one. The
    interpreter's lock is held nearly throughout, so more threads do not seal more. Raises AgeError without
    recipients, and when both kinds are mixed. age spec, "Encrypted file format".
    """
    if not recipients:
        raise AgeError("Nobody could open this file. Name at least one recipient.")
    if len({recipient.post_quantum for recipient in recipients}) > 1:
        raise AgeError(
            "Post-quantum (age1pq1…) and X25519 (age1…) recipients cannot share a file, because it would then be"
            " as weak as the weaker key. Use recipients of one kind."
        )
    file_key = os.urandom(FILE_KEY_BYTES)
    stanzas = [recipient.wrap(file_key) for recipient in recipients]
    return header.write(stanzas, file_key) + stream.seal(plaintext, file_key)


def decrypt(data: bytes, identities: Sequence[Identity]) -> bytes:
    """Open an age file, binary or armored, with whichever of `identities` fits.

    Raises AgeError: `wrong-key` when none fits, `damaged` when the file was changed or cut short, `refused`
    for a file of another version, a file locked with a passphrase, and without identities.
    """
    if not identities:
        raise AgeError("No key was given to open this file.")
    data = _binary(data)
    head = header.parse(data)
    if passphrase.locks(head.stanzas):
        raise AgeError("This file is locked with a passphrase, not with a key.")
    file_key = next((key for identity in identities if (key := _unwrap(head, identity)) is not None), None)
    if file_key is None:
        raise AgeError("None of the given keys opens this file. It was encrypted to other keys.", "wrong-key")
    return _open(data, head, file_key)


def encrypt_passphrase(plaintext: bytes, secret: str, *, work_factor: int = 18) -> bytes:
    """Lock `plaintext` with a passphrase; binary, not armored.

    `work_factor` is the base-two logarithm of scrypt's cost, 1 to 22: 18 takes about a second and 256 MiB,
    each step doubles both. The passphrase is taken as it is, without normalisation. Raises AgeError on an
    empty passphrase and on a work factor out of range. age spec, "The scrypt recipient type".
    """
    file_key = os.urandom(FILE_KEY_BYTES)
    stanza = passphrase.wrap(file_key, secret, work_factor)
    return header.write([stanza], file_key) + stream.seal(plaintext, file_key)


def decrypt_passphrase(data: bytes, secret: str, *, max_work_factor: int = 22) -> bytes:
    """Open an age file, binary or armored, that is locked with a passphrase.

    Raises AgeError: `wrong-key` for another passphrase, `damaged` when the file was changed or cut short,
    `refused` for a file sealed to keys and for a work factor above `max_work_factor` (22 takes 4 GiB).
    """
    data = _binary(data)
    head = header.parse(data)
    if not passphrase.locks(head.stanzas):
        raise AgeError("This file is encrypted to keys, not locked with a passphrase.")
    file_key = passphrase.unwrap(head.stanzas[0], secret, max_work_factor)
    if file_key is None:
        raise AgeError("This passphrase is not the one that the file was locked with.", "wrong-key")
    return _open(data, head, file_key)


def is_passphrase_file(data: bytes) -> bool:
    """Whether `data` is an age file, binary or armored, that asks for a passphrase. Never raises."""
    try:
        return passphrase.locks(header.parse(_binary(data)).stanzas)
    except AgeError:
        return False


def _binary(data: bytes) -> bytes:
    return dearmor(data) if is_armored(data) else data


def _unwrap(head: header.Header, identity: Identity) -> bytes | None:
    return next((key for stanza in head.stanzas if (key := identity.unwrap(stanza)) is not None), None)


def _open(data: bytes, head: header.Header, file_key: bytes) -> bytes:
    header.check(head, file_key)
    return stream.open(memoryview(data)[head.size :], file_key)
