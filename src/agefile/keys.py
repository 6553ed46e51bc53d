"""Generate keys, and parse them from text."""

from typing import TypeAlias

from agefile import bech32, hybrid, x25519
from agefile.errors import AgeError
from agefile.hybrid import HybridIdentity, HybridRecipient
from agefile.x25519 import X25519Identity, X25519Recipient

Recipient: TypeAlias = HybridRecipient | X25519Recipient
Identity: TypeAlias = HybridIdentity | X25519Identity


def generate(post_quantum: bool = True) -> Identity:
    """Return a new key pair. `.recipient` is its public key. `str()` gives the text of either key."""
    return HybridIdentity.generate() if post_quantum else X25519Identity.generate()


def parse_recipient(text: str) -> Recipient:
    """Parse a public key, `age1pq1…` or `age1…`, in lower or upper case. Blanks around it are ignored.

    Raises AgeError. Its message does not quote the text, because it may be a secret key pasted by mistake.
    """
    text = text.strip()
    if text.upper().startswith("AGE-SECRET-KEY-"):
        raise AgeError(
            "This is a secret key. Keep it to yourself and give the public key, which starts with age1."
        )
    prefix, data = bech32.decode(text)
    match prefix:
        case hybrid.RECIPIENT_PREFIX:
            return HybridRecipient.from_bytes(data)
        case x25519.RECIPIENT_PREFIX:
            return X25519Recipient.from_bytes(data)
    raise AgeError("This is not a public key of a supported kind. Those start with age1pq1 or age1.")


def parse_identity(text: str) -> Identity:
    """Parse a secret key, `AGE-SECRET-KEY-PQ-1…` or `AGE-SECRET-KEY-1…`, in lower or upper case.

    Raises AgeError. Its message does not quote the text.
    """
    prefix, data = bech32.decode(text.strip())
    match prefix.upper():
        case hybrid.IDENTITY_PREFIX:
            return HybridIdentity.from_bytes(data)
        case x25519.IDENTITY_PREFIX:
            return X25519Identity.from_bytes(data)
    raise AgeError(
        "This is not a secret key of a supported kind. Those start with AGE-SECRET-KEY-. (A key that starts with"
        " age1 is the public half.)"
    )


def parse_identity_file(text: str) -> list[Identity]:
    """Return the secret keys of an identity file, one a line. Blank lines and lines that start with # are skipped.

    Raises AgeError if a line is no key (with its number), if there is no key, and if the file is itself an age file.
    Decrypt such a file first (`is_passphrase_file`, `decrypt_passphrase`).
    """
    if text.lstrip().startswith(("age-encryption.org/", "-----BEGIN AGE ")):
        raise AgeError("This key file is itself locked. Open it with its passphrase first.")
    identities = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            identities.append(parse_identity(line))
        except AgeError as error:
            raise AgeError(f"Line {number} of the key file: {error}") from None
    if not identities:
        raise AgeError("This key file holds no secret key.")
    return identities
