"""HMAC-SHA-256 (RFC 2104) for short keys and messages.

Each signature needs ten HMACs. One of the standard library takes 4.8 µs, mostly to look up the algorithm. The
definition written out with `hashlib` takes 1.4 µs. A test compares the two.
"""

from hashlib import sha256

_BLOCK = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA-256, 32 bytes. Raises ValueError if `key` has more than 64 bytes."""
    if len(key) > _BLOCK:
        raise ValueError("a key of more than 64 bytes")
    block = key.ljust(_BLOCK, b"\0")
    return sha256(block.translate(_OUTER) + sha256(block.translate(_INNER) + message).digest()).digest()
