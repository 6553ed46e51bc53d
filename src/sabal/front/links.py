"""Links as people paste them: with signs after them, or without their last letters."""

import re
from urllib.parse import unquote_to_bytes

from sabal import token
from sabal.http import Refused, Request

_WHOLE = re.compile(rb"(?:/[A-Za-z0-9._~-]+)*")
# Signs and spaces; or a space, a bracket, a quote or a letter outside ASCII (a particle that is written against the
# link, a full-width stop) and then anything.
_PASTED = re.compile(r"(?:[^\w\\]|_)+|(?:[\s<>()\[\]{}\"'`*,|&=%]|[^\x00-\x7f]).*", re.DOTALL)
_SPACES = re.compile(rb"%(?:20|0[9AD]|C2%A[0D]|E2%80%8[BEF]|E2%81%A0|EF%BB%BF)", re.IGNORECASE)
_NEVER_PASTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\\]|/\.")


def without_spaces(raw_path: bytes) -> bytes | None:
    """Return the path without the spaces and invisible characters that programs put into it; None if it has none."""
    joined, spaces = _SPACES.subn(b"", raw_path)
    return joined if spaces else None


def without_pasted(raw_path: bytes) -> bytes | None:
    """Return the path without what was pasted after it, which no path of the site has; None if nothing was.

    Every path ends in a letter or digit, except "/".
    """
    whole = _WHOLE.match(raw_path)
    if whole is None or raw_path[:1] != b"/":
        return None
    path = whole[0].rstrip(b"/._~-")
    try:
        after = unquote_to_bytes(raw_path[len(path) :]).decode()
    except UnicodeDecodeError:
        return None
    if after == "/" * (not path) or not _PASTED.fullmatch(after) or _NEVER_PASTED.search(after):
        return None
    return path or b"/"


def token_of(request: Request) -> bytes:
    """Return the token in the path. Raises Refused (404, "incomplete") if letters of it are missing or changed.

    The form of a token is public, so this tells nothing about signatures.
    """
    t = token.decode(request.token)
    if t is None:
        raise Refused(404, "incomplete")
    return t
