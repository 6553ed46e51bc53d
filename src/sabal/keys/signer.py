"""Ed25519 keys for a petition's log and its promises. The key store wraps the seeds; the public halves are vkeys."""

from sabal.database import Database
from sabal.keys.keystore import KeyStore
from tlog import Signer


def log_key_name(petition_id: int) -> str:
    """Return the name of the row with the seed of a petition's log key."""
    return f"log/{petition_id}"


def promise_key_name(petition_id: int) -> str:
    """Return the name of the row with the seed of a petition's promise key."""
    return f"promise/{petition_id}"


def make_vkey(database: Database, keystore: KeyStore, key_name: str, note_name: str) -> str:
    """Make the key `key_name` if it is missing. Return its verifier key under the name `note_name`."""
    return str(Signer(note_name, keystore.make(database, key_name)).verifier)
