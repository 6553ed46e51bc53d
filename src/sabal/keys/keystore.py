"""The key store: the server key and the keys that it wraps.

The server key is a file of 32 bytes. It wraps every other key that the server needs (peppers, log and promise keys, the
bucket keys of countries and languages, the day's mail key, the subscribers' key). The wrapped keys are AEAD rows in the
database. A stolen database alone reveals none of them, and deleting a row destroys its key.
"""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sabal import private, settings
from sabal.database import Database
from sabal.refusal import Refusal

KEY_BYTES = 32
NONCE_BYTES = 12


class KeyMissing(Refusal):
    """A key is missing, or the server key does not open it. The message names the key, never its value."""


def seal(key: bytes, plaintext: bytes, aad: bytes, urandom: Callable[[int], bytes] = os.urandom) -> bytes:
    """Encrypt with ChaCha20-Poly1305 (RFC 8439).

    Return nonce (12 random bytes) ‖ ciphertext ‖ tag (16 bytes).
    """
    nonce = urandom(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, plaintext, aad)


def unseal(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Decrypt what `seal` returned. Raises KeyMissing if the key, the bytes or `aad` differ."""
    try:
        return ChaCha20Poly1305(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError):
        raise KeyMissing(f"this key does not open the sealed {aad.decode('ascii', 'replace')}") from None


class KeyStore:
    """The server key. It opens the wrapped keys in the database."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise KeyMissing(f"the server key must be {KEY_BYTES} bytes ({2 * KEY_BYTES} hexadecimal digits)")
        self._key = key

    def __repr__(self) -> str:
        return "KeyStore(…)"

    @property
    def key(self) -> bytes:
        """Return the server key (32 bytes), for `keys server --to`, which encrypts it for safe keeping."""
        return self._key

    def find(self, database: Database, name: str) -> bytes:
        """Return the key of that name. Raises KeyMissing."""
        rows = database.query("SELECT wrapped FROM keys_key WHERE name = ?", (name,))
        if not rows:
            raise KeyMissing(f"the key {name} is not in the database")
        return unseal(self._key, bytes(rows[0][0]), name.encode())

    def find_or_none(self, database: Database, name: str) -> bytes | None:
        """Return the key of that name; None if it is missing or the server key does not open it."""
        try:
            return self.find(database, name)
        except KeyMissing:
            return None

    def opens(self, name: str, wrapped: bytes) -> bool:
        """Return whether the server key opens `wrapped`, the database row of that name."""
        try:
            unseal(self._key, wrapped, name.encode())
        except KeyMissing:
            return False
        return True

    def make(self, database: Database, name: str) -> bytes:
        """Return the key of that name, and make it if it is missing. Two processes at once get the same key."""
        wrapped = seal(self._key, secrets.token_bytes(KEY_BYTES), name.encode())
        database.insert("keys_key", ("name", "wrapped"), [(name, wrapped)], ignore=True)
        return self.find(database, name)

    def destroy(self, database: Database, name: str) -> bool:
        """Delete the key of that name. Data that was sealed with it cannot be opened again."""
        return database.execute("DELETE FROM keys_key WHERE name = ?", (name,)) == 1

    def mail_key(self, database: Database, day: int) -> bytes:
        """Return the key that seals the emails written on `day` (days since 1970). Raises KeyMissing."""
        return self.find(database, mail_key_name(day))


class NoKeys(KeyStore):
    """The key store of a process that has no server key, such as the desk: it finds no key."""

    def __init__(self) -> None:
        super().__init__(bytes(KEY_BYTES))

    def find(self, database: Database, name: str) -> bytes:
        """Raise KeyMissing."""
        raise KeyMissing(f"this process has no server key, so it cannot open the key {name}")


def mail_key_name(day: int) -> str:
    """Return the name of the row with the mail key of `day`."""
    return f"mail/{day}"


def pepper_name(petition_id: int, epoch: int) -> str:
    """Return the name of the row with the pepper of a petition's epoch."""
    return f"pepper/{petition_id}/{epoch}"


def bucket_key_name(petition_id: int) -> str:
    """Return the name of the row with the key that seals a petition's countries and languages (signing/buckets.py)."""
    return f"bucket/{petition_id}"


def open_keystore(file: Path | None = None, *, create: bool = False) -> KeyStore:
    """Return the key store from SABAL_SERVER_KEY or from the key file (both 64 hexadecimal digits).

    If `create` is set, make a missing file, readable only by its owner. Raises KeyMissing with the next step.
    """
    file = file or settings.SERVER_KEY_FILE
    if settings.SERVER_KEY:
        return KeyStore(_from_hex(settings.SERVER_KEY, "SABAL_SERVER_KEY"))
    if create and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):  # another process made the file first
            private.create(file, [secrets.token_hex(KEY_BYTES).encode() + b"\n"])
    try:
        return KeyStore(_from_hex(file.read_text(encoding="ascii").strip(), str(file)))
    except FileNotFoundError:
        raise KeyMissing(
            f"the server key is not at {file}; put it back from safe keeping, or name its place in"
            " SABAL_SERVER_KEY_FILE"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeyMissing(f"the server key at {file} cannot be read ({type(error).__name__})") from None


def _from_hex(text: str, source: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyMissing(f"{source} does not hold a server key: 64 hexadecimal digits are expected")
    return key
