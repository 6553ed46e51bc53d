"""Files locked with a passphrase. age spec, "The scrypt recipient type"."""

import os
import re
from collections.abc import Sequence

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from agefile.errors import AgeError
from agefile.stanza import Stanza, argument, to_base64
from agefile.stanza import unwrap as unwrap_file_key
from agefile.stanza import wrap as wrap_file_key

KIND = b"scrypt"
MAX_WORK_FACTOR = 22

_LABEL = b"age-encryption.org/v1/scrypt"
_SALT = 16


def wrap(file_key: bytes, passphrase: str, work_factor: int) -> Stanza:
    """Encrypt a file key of 16 bytes at a cost of 2^work_factor. Raises AgeError if an argument is not valid."""
    if not passphrase:
        raise AgeError("A passphrase cannot be empty.")
    if not 1 <= work_factor <= MAX_WORK_FACTOR:
        raise AgeError(f"The work factor must be between 1 and {MAX_WORK_FACTOR}, and {work_factor} is not.")
    salt = os.urandom(_SALT)
    wrap_key = _stretch(passphrase, salt, work_factor)
    return Stanza((KIND, to_base64(salt), b"%d" % work_factor), wrap_file_key(file_key, wrap_key))


def unwrap(stanza: Stanza, passphrase: str, max_work_factor: int) -> bytes | None:
    """Return the file key, or None if the passphrase is wrong. Raises AgeError if the stanza is not accepted."""
    salt = argument(stanza, _SALT, count=3)
    digits = stanza.arguments[2]
    if not re.fullmatch(rb"[1-9][0-9]*", digits):
        raise AgeError("This file's first lines hold a work factor that is not a plain number.", "damaged")
    # Refuse three digits without parsing them, because a very long number is slow to parse.
    if len(digits) > 2 or int(digits) > max_work_factor:
        raise AgeError(
            f"Opening this file would take more work than the limit allows (2^{max_work_factor}). It may have been"
            " made to stall the reader."
        )
    return unwrap_file_key(stanza.body, _stretch(passphrase, salt, int(digits)))


def locks(stanzas: Sequence[Stanza]) -> bool:
    """Return whether a header needs a passphrase. Raises AgeError (`damaged`) if there are other stanzas too.

    Only a person with the passphrase can have written such a file. With a second recipient, that would not be certain.
    """
    if not any(stanza.arguments[0] == KIND for stanza in stanzas):
        return False
    if len(stanzas) > 1:
        raise AgeError("This file's first lines hold a passphrase beside other keys.", "damaged")
    return True


def _stretch(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    try:
        secret = passphrase.encode()
    except UnicodeEncodeError:
        raise AgeError("This passphrase holds characters that are not valid text.") from None
    try:
        return Scrypt(salt=_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1).derive(secret)
    except MemoryError:
        mib = 1 << max(0, work_factor - 10)
        raise AgeError(
            f"Opening or locking this takes {mib:,} MiB of memory, which is more than there is."
        ) from None
