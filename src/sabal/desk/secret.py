"""The desk's own secret: it signs sessions and encrypts the secrets of authenticator apps. It opens no signature.

It is a file beside the server key, which the desk never reads.
"""

import contextlib
import secrets

from sabal import private, settings
from sabal.refusal import Refusal

FILE = "desk.key"
LENGTH = 64  # hexadecimal digits


def make() -> None:
    """Make the file if it is missing, readable by its owner alone."""
    with contextlib.suppress(FileExistsError):
        private.create(settings.DATA / FILE, [secrets.token_hex(32).encode() + b"\n"])


def refuse_without() -> None:
    """Raise Refusal if the file is missing or cannot be read. With another secret in its place nobody could sign in."""
    try:
        whole = len((settings.DATA / FILE).read_text(encoding="ascii").strip()) == LENGTH
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(
            f"{settings.DATA / FILE} cannot be read ({type(error).__name__}). Start the server once."
        ) from None
    if not whole:
        raise Refusal(f"{settings.DATA / FILE} is damaged. Put it back, or delete it and start the server.")


def secret() -> str:
    """Return the secret; a random one if there is no file yet, as in a command before the first start."""
    with contextlib.suppress(OSError):
        text = (settings.DATA / FILE).read_text(encoding="ascii").strip()
        if len(text) == LENGTH:
            return text
    return secrets.token_hex(32)
