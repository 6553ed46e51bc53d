"""Addresses between the desk and the worker: sealed by the desk, which cannot open them again.

The desk has no server key. It encrypts to a public key, whose private half is wrapped by the server key.
No Django here: the worker's mail thread uses it.
"""

import json
from collections.abc import Sequence

import agefile
from agefile.hybrid import HybridIdentity
from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.refusal import Refusal

KEY = "elsewhere"
Person = tuple[str, str]  # address, language


def publish_recipient(database: Database, keystore: KeyStore) -> None:
    """Let the desk know the public half of the key, which is made at first use."""
    recipient = str(_identity(database, keystore).recipient)
    if database.query("SELECT recipient FROM elsewhere_sealingkey") != [(recipient,)]:
        with database.transaction():
            database.execute("DELETE FROM elsewhere_sealingkey")
            database.insert("elsewhere_sealingkey", ("id", "recipient"), [(1, recipient)])


def seal(recipient: str, people: Sequence[Person]) -> bytes:
    """Return some addresses with their languages, encrypted."""
    document = json.dumps(people, ensure_ascii=False).encode()
    return agefile.encrypt(document, [agefile.parse_recipient(recipient)])


def unseal(database: Database, keystore: KeyStore, sealed: bytes) -> list[Person]:
    """Return what was sealed. Raises Refusal if the key is another one now."""
    try:
        opened = agefile.decrypt(sealed, [_identity(database, keystore)])
    except agefile.AgeError as error:
        raise Refusal("Addresses to invite cannot be opened: the key is another one.") from error
    return [(address, language) for address, language in json.loads(opened)]


def _identity(database: Database, keystore: KeyStore) -> HybridIdentity:
    return HybridIdentity.from_bytes(keystore.make(database, KEY))
