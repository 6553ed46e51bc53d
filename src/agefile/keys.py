"""Keys as people handle them: text in, text out."""

from typing import TypeAlias

from agefile import bech32, hybrid, x25519
from agefile.errors import AgeError
from agefile.hybrid import HybridIdentity, HybridRecipient
from agefile.x25519 import X25519Identity, X25519Recipient

Recipient: TypeAlias = HybridRecipient | X25519Recipient
Identity: TypeAlias = HybridIdentity | X25519Identity


def generate(post_quantum: bool = True) -> Identity:
    """A new key pair; `.recipient` is its public half, `str()` gives the text of either."""
    return HybridIdentity.generate() if post_quantum else X25519Identity.generate()


def parse_recipient(text: str) -> Recipient:
    """A public key from its text, `age1pq1…` or `age1…`, in one case throughout; blanks around it do no harm.

    Raises AgeError, and quotes nothing of what it was given: a secret key may have been pasted by mistake.
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
    """A secret key from its text, `AGE-SECRET-KEY-PQ-1…` or `AGE-SECRET-KEY-1…`, in one case throughout.

    Raises AgeError, and quotes nothing of what it was given.
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
    """The secret keys of an identity file, one a line; blank lines and lines that start with # are skipped.

    Raises AgeError with the number of a line that is no key, when the file holds none, and when it is an age
    file itself: that one is to be opened first (`is_passphrase_file`, `decrypt_passphrase`).
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
