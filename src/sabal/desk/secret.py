"""The desk's own secret: it signs sessions and encrypts the secrets of authenticator apps. It opens no signature.

It is a file beside the server key, which the desk never reads.
"""

import contextlib
import secrets

from sabal import private, settings

FILE = "desk.key"


def make() -> None:
    """Make the file if it is missing, readable by its owner alone."""
    with contextlib.suppress(FileExistsError):
        private.create(settings.DATA / FILE, [secrets.token_hex(32).encode() + b"\n"])


def secret() -> str:
    """Return the secret; a random one if there is no file yet, as in a command before the first start."""
    with contextlib.suppress(OSError):
        text = (settings.DATA / FILE).read_text(encoding="ascii").strip()
        if len(text) == 64:
            return text
    return secrets.token_hex(32)
