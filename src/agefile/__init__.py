"""Encrypt and decrypt age v1 files (c2sp.org/age). The only dependency is `cryptography`.

Recipients are post-quantum hybrid keys (`age1pq1…`), X25519 keys (`age1…`) or a passphrase. The files are compatible
with every other age implementation that supports the recipient type.
"""

from agefile.armor import armor, dearmor
from agefile.errors import AgeError
from agefile.file import (
    decrypt,
    decrypt_passphrase,
    decrypt_stream,
    encrypt,
    encrypt_passphrase,
    is_passphrase_file,
)
from agefile.keys import Identity, Recipient, generate, parse_identity, parse_identity_file, parse_recipient

__all__ = [
    "AgeError",
    "Identity",
    "Recipient",
    "armor",
    "dearmor",
    "decrypt",
    "decrypt_passphrase",
    "decrypt_stream",
    "encrypt",
    "encrypt_passphrase",
    "generate",
    "is_passphrase_file",
    "parse_identity",
    "parse_identity_file",
    "parse_recipient",
]
