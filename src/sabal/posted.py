"""Read the fields of a posted form, in the same way for all forms of the site."""

from collections.abc import Container
from urllib.parse import parse_qsl

HONEYPOT = "website"  # a field that people do not see and bots fill in
MOST_FIELDS = 40


def fields(body: bytes, names: Container[str]) -> dict[str, str] | None:
    """Return the fields of these names, and the honeypot, from a urlencoded body.

    Return None if it is damaged: not UTF-8, a field twice, or far too many fields.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except (ValueError, UnicodeDecodeError):
        return None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            return None
        if name in names or name == HONEYPOT:
            found[name] = value
    return found
