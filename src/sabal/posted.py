"""What a browser posts: the fields of a form, read once for all forms of the house."""

from collections.abc import Container
from urllib.parse import parse_qsl

HONEYPOT = "website"  # a field that people do not see and robots fill in
MOST_FIELDS = 40


def fields(body: bytes, names: Container[str]) -> dict[str, str] | None:
    """The fields of these names, and the honeypot, in a urlencoded body.

    None where it is damaged (not UTF-8, a field twice, far too many).
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
