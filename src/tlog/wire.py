"""The encodings that all formats here share: canonical base64 (RFC 4648 §4) and plain decimals."""

import binascii
import re

from tlog.errors import Malformed

HASH_BYTES = 32
MAX_SIZE = 2**63 - 1
"""The largest tree, time or index: the largest int64."""

_DECIMAL = re.compile(rb"0|[1-9][0-9]{0,18}")


def to_base64(data: bytes) -> bytes:
    """Return standard base64 with padding, in one line. RFC 4648 §4."""
    return binascii.b2a_base64(data, newline=False)


def from_base64(text: bytes) -> bytes:
    """Return the bytes of canonical base64. Raises Malformed for any other spelling. RFC 4648 §3.5, §4."""
    try:
        data = binascii.a2b_base64(text)
    except binascii.Error:
        data = b""
    # Encode again and compare: this finds foreign characters, wrong padding and stray bits.
    if to_base64(data) != text:
        raise Malformed("This base64 is damaged, or written in a way that no log uses.")
    return data


def to_hash(text: bytes) -> bytes:
    """Return a SHA-256 hash from its base64 line. Raises Malformed. RFC 6962 §2.1, RFC 4648 §4."""
    data = from_base64(text)
    if len(data) != HASH_BYTES:
        raise Malformed(f"A hash has {HASH_BYTES} bytes, not {len(data)}.")
    return data


def to_number(text: bytes) -> int:
    """Parse a decimal from 0 to 2⁶³−1, without sign or leading zeros. Raises Malformed. c2sp.org/tlog-checkpoint."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise Malformed("A number here is written in plain digits, without leading zeros, and is below 2⁶³.")
    return int(text)
