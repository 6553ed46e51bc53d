"""Ed25519 keys of a petition's log and of its promises: seeds wrapped by the house, public halves as vkeys."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sabal.database import Database
from sabal.keys.house import House

_ED25519 = b"\x01"


def log_key_name(petition_id: int) -> str:
    """The row that holds the seed of a petition's log key."""
    return f"log/{petition_id}"


def promise_key_name(petition_id: int) -> str:
    """The row that holds the seed of a petition's promise key."""
    return f"promise/{petition_id}"


def make_vkey(database: Database, house: House, key_name: str, note_name: str) -> str:
    """Draw the key of that row if there is none yet, and give its verifier key under `note_name`."""
    seed = house.make(database, key_name)
    return vkey(note_name, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def vkey(name: str, public_key: bytes) -> str:
    """`name+hex8(key id)+base64(type ‖ key)` (C2SP signed-note, Ed25519)."""
    key_id = hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(_ED25519 + public_key).decode()}"
