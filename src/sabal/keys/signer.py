"""Ed25519 keys of a petition's log and of its promises: seeds wrapped by the house, public halves as vkeys."""

from sabal.database import Database
from sabal.keys.keystore import KeyStore
from tlog import Signer


def log_key_name(petition_id: int) -> str:
    """The row that holds the seed of a petition's log key."""
    return f"log/{petition_id}"


def promise_key_name(petition_id: int) -> str:
    """The row that holds the seed of a petition's promise key."""
    return f"promise/{petition_id}"


def make_vkey(database: Database, keystore: KeyStore, key_name: str, note_name: str) -> str:
    """Draw the key of that row if there is none yet, and give its verifier key under `note_name`."""
    return str(Signer(note_name, keystore.make(database, key_name)).verifier)
