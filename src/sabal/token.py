"""The token t, which is only in the emailed link. The database has its hash."""

import base64
import hashlib
import os
import re
from collections.abc import Callable

TOKEN_BYTES = 16
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_FORM = re.compile(r"[a-z2-7]{25}[aeimquy4]", re.ASCII)  # 26 characters hold two bits more than 16 bytes


def new(urandom: Callable[[int], bytes] = os.urandom) -> bytes:
    """Return 16 random bytes."""
    return urandom(TOKEN_BYTES)


def encode(token: bytes) -> str:
    """Return the token as 26 lower-case base32 characters (RFC 4648 §6, no padding), for links."""
    # 128 bits and two zero bits are 13 times 10 bits. 10 bits are two characters.
    number = int.from_bytes(token) << 2
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


def decode(text: str) -> bytes | None:
    """Return the token in a link. Ignore case; return None for any other text that `encode` would not write."""
    folded = text.lower()
    if not _FORM.fullmatch(folded):
        return None
    return base64.b32decode(folded.upper() + "======")


def digest(token: bytes) -> bytes:
    """Return H(t), the only trace of a token that is stored (docs/log-format.md: SHA-256 of "petition/1 token" ‖ t)."""
    return hashlib.sha256(b"petition/1 token" + token).digest()


def late(token_hash: bytes) -> bytes:
    """Return what is stored instead of H(t) once a link of a guarded petition is late: SHA-256 of "late" ‖ H(t).

    Only withdrawing looks it up. To all else a late link is an invented one.
    """
    return hashlib.sha256(b"late" + token_hash).digest()
