"""The two spellings that every format here shares: canonical base64 (RFC 4648 §4) and plain decimals."""

import binascii
import re

from tlog.errors import Malformed

HASH_BYTES = 32
MAX_SIZE = 2**63 - 1
"""The largest tree, time or index; Go's and everybody's int64."""

_DECIMAL = re.compile(rb"0|[1-9][0-9]{0,18}")


def to_base64(data: bytes) -> bytes:
    """Standard base64 with padding, in one line."""
    return binascii.b2a_base64(data, newline=False)


def from_base64(text: bytes) -> bytes:
    """The bytes of canonical base64; raises Malformed on any other spelling of them."""
    try:
        data = binascii.a2b_base64(text)
    except binascii.Error:
        data = b""
    # Writing it again and comparing refuses strange characters, wrong padding and stray bits in one go.
    if to_base64(data) != text:
        raise Malformed("Here stands base64 that is damaged, or spelled in a way that no log writes.")
    return data


def to_hash(text: bytes) -> bytes:
    """A SHA-256 hash from its base64 line; raises Malformed."""
    data = from_base64(text)
    if len(data) != HASH_BYTES:
        raise Malformed(f"A hash has {HASH_BYTES} bytes, not {len(data)}.")
    return data


def to_number(text: bytes) -> int:
    """An ASCII decimal without sign or leading zeros, 0 to 2⁶³−1; raises Malformed."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise Malformed("A number here is written in plain digits, without leading zeros, and is below 2⁶³.")
    return int(text)
