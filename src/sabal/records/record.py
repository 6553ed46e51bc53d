"""The record of a signature: its fields, the salted digests, the commitment C, and the JSON that is sealed.

docs/log-format.md describes the bytes. `fields` always has the keys of RECORD_FIELDS, with values as text.
"""

import hashlib
import json
from collections.abc import Mapping

from sabal.records.mac import hmac_sha256

# The fields that a signature commits to, in this order (docs/log-format.md).
RECORD_FIELDS = ("name", "email", "place", "comment", "consent", "day")
RECORD_BYTES = 1024
W_BYTES = 32
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def seed(token: bytes, w: bytes) -> bytes:
    """Return HMAC(t, "petition/1 seed") XOR w. Without w, a token cannot be linked to its commitment."""
    mac = hmac_sha256(token, b"petition/1 seed")
    return (int.from_bytes(mac) ^ int.from_bytes(w)).to_bytes(W_BYTES)


def salt(seed: bytes, field: str) -> bytes:
    """Return the 16-byte salt of one field."""
    return hmac_sha256(seed, b"salt/" + field.encode())[:16]


def digest(salt: bytes, value: str) -> bytes:
    """Return d_f = SHA-256(02 ‖ salt ‖ value in UTF-8). The value must be in NFC."""
    return hashlib.sha256(b"\x02" + salt + value.encode()).digest()


def commitment(manifest_hash: bytes, seed: bytes, fields: Mapping[str, str]) -> bytes:
    """Return C, the 32 bytes of a signature that the public log contains."""
    digests = b"".join(digest(salt(seed, name), fields[name]) for name in RECORD_FIELDS)
    return hashlib.sha256(b"petition/1 commit\n" + manifest_hash + digests).digest()


def sealed_json(
    manifest_hash: bytes, seed: bytes, fields: Mapping[str, str], language: str, risk: Mapping[str, object]
) -> bytes:
    """Return the JSON to seal to the organiser, padded with spaces to a multiple of 1,024 bytes."""
    document = {
        "v": 1,
        "manifest": manifest_hash.hex(),
        "fields": {name: fields[name] for name in RECORD_FIELDS},
        "lang": language,
        "seed": seed.hex(),
        "risk": dict(risk),
    }
    text = _as_json(document).encode()
    return text.ljust(-(-len(text) // RECORD_BYTES) * RECORD_BYTES)
