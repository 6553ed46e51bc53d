"""The house key and what it wraps.

One file of 32 bytes wraps every other key that the server needs (peppers, log and promise keys, the day's mail key,
the subscribers' key) as AEAD rows in the database: a thief of the database alone can use none of them, and a key is
destroyed by deleting its row.
"""

import contextlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sabal import private, settings
from sabal.database import Database
from sabal.refusal import Refusal

KEY_BYTES = 32
NONCE_BYTES = 12


class KeyMissing(Refusal):
    """A key is not there, or the house key does not open it. The sentence names the key, never its value."""


def seal(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """ChaCha20-Poly1305 (RFC 8439): 12 random bytes of nonce ‖ ciphertext ‖ 16 bytes of tag."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, plaintext, aad)


def unseal(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """The reverse of `seal`; raises KeyMissing where key, bytes or aad are not the ones of sealing."""
    try:
        return ChaCha20Poly1305(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError):
        raise KeyMissing(f"this key does not open the sealed {aad.decode('ascii', 'replace')}") from None


class KeyStore:
    """The house key, and by it the keys in the database."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise KeyMissing(f"the server key must be {KEY_BYTES} bytes ({2 * KEY_BYTES} hexadecimal digits)")
        self._key = key

    def __repr__(self) -> str:
        return "KeyStore(…)"

    @property
    def key(self) -> bytes:
        """The 32 bytes themselves, for `keys server --to`, which seals them for safe keeping."""
        return self._key

    def find(self, database: Database, name: str) -> bytes:
        """The key of that name; raises KeyMissing."""
        rows = database.query("SELECT wrapped FROM keys_key WHERE name = ?", (name,))
        if not rows:
            raise KeyMissing(f"the key {name} is not in the database")
        return unseal(self._key, bytes(rows[0][0]), name.encode())

    def opens(self, name: str, wrapped: bytes) -> bool:
        """Whether this house key opens the row of that name, as it stands in the database."""
        try:
            unseal(self._key, wrapped, name.encode())
        except KeyMissing:
            return False
        return True

    def make(self, database: Database, name: str) -> bytes:
        """The key of that name, drawn now where there is none yet. Two processes that make it get the same one."""
        wrapped = seal(self._key, secrets.token_bytes(KEY_BYTES), name.encode())
        database.insert("keys_key", ("name", "wrapped"), [(name, wrapped)], ignore=True)
        return self.find(database, name)

    def destroy(self, database: Database, name: str) -> bool:
        """Delete the key of that name: what was sealed under it can be opened by nobody from then on."""
        return database.execute("DELETE FROM keys_key WHERE name = ?", (name,)) == 1

    def mail_key(self, database: Database, day: int) -> bytes:
        """The key that seals the letters written on that day (days since 1970); raises KeyMissing."""
        return self.find(database, mail_key_name(day))


def mail_key_name(day: int) -> str:
    """The row that holds a day's mail key."""
    return f"mail/{day}"


def pepper_name(petition_id: int, epoch: int) -> str:
    """The row that holds the pepper of a petition's epoch."""
    return f"pepper/{petition_id}/{epoch}"


def open_keystore(file: Path | None = None, *, create: bool = False) -> KeyStore:
    """The house by its key file (64 hexadecimal digits) or by SABAL_SERVER_KEY; raises KeyMissing with the next step.

    With `create` a missing file is made, readable by its owner alone.
    """
    file = file or settings.SERVER_KEY_FILE
    if settings.SERVER_KEY:
        return KeyStore(_from_hex(settings.SERVER_KEY, "SABAL_SERVER_KEY"))
    if create and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):  # of two processes that start together one wins
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


def _from_hex(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyMissing(f"{where} does not hold a server key: 64 hexadecimal digits are expected")
    return key
