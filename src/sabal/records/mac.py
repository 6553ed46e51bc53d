"""HMAC-SHA-256 (RFC 2104) for short keys and messages.

A signature needs ten of them. The standard library's takes 4.8 µs each, most of it spent in looking the algorithm up;
the definition, written out over `hashlib`, takes 1.4. A test holds the two together.
"""

from hashlib import sha256

_BLOCK = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes. `key` has at most 64 bytes; raises ValueError for a longer one."""
    if len(key) > _BLOCK:
        raise ValueError("a key of more than 64 bytes")
    block = key.ljust(_BLOCK, b"\0")
    return sha256(block.translate(_OUTER) + sha256(block.translate(_INNER) + message).digest()).digest()
