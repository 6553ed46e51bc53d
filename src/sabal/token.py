"""The token t: what the mailed link holds and nothing else does."""

import base64
import hashlib
import re
import secrets

TOKEN_BYTES = 16
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_FORM = re.compile(r"[a-z2-7]{25}[aeimquy4]", re.ASCII)  # 26 characters hold two bits more than 16 bytes


def new() -> bytes:
    """16 random bytes."""
    return secrets.token_bytes(TOKEN_BYTES)


def encode(token: bytes) -> str:
    """The token as 26 lower-case base32 characters (RFC 4648 §6, no padding), for links."""
    number = (
        int.from_bytes(token) << 2
    )  # 128 bits and two zeros: 13 times 10 bits, which are two characters each
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


def decode(text: str) -> bytes | None:
    """The token in a link: case is folded, anything else that `encode` would not write is None."""
    folded = text.lower()
    if not _FORM.fullmatch(folded):
        return None
    return base64.b32decode(folded.upper() + "======")


def digest(token: bytes) -> bytes:
    """H(t), all that is kept of a signature's token (docs/log-format.md: SHA-256 of "petition/1 token" ‖ t)."""
    return hashlib.sha256(b"petition/1 token" + token).digest()
