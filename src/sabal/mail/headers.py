"""Headers of emails: any text as ASCII lines (RFC 2047, RFC 5322).

The standard library loses spaces between encoded words and breaks words that are long. So these two forms, unstructured
text and the name before an address, are written here.
"""

import base64
import re
from collections.abc import Callable
from functools import lru_cache

NO_ADDRESS, NOT_ONE_LINE, NO_FILE = "no-address", "not-one-line", "no-file"
LINE = 76  # characters of a line that contains an encoded word (RFC 2047, section 2)
_WORD = 75  # characters of an encoded word
_BEGIN_Q, _BEGIN_B, _END = "=?utf-8?q?", "=?utf-8?b?", "?="
# Plain words with single spaces between them, none of which could be read as an encoded word.
_PLAIN = re.compile(r"(?!.*=\?)[!-~]+(?: [!-~]+)*", re.ASCII)
_ATOMS = re.compile(
    r"(?!.*=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII
)
# The characters that need no encoding within the name before an address (RFC 2047, section 5, rule 3).
_LITERAL = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


class CannotCompose(ValueError):
    """What somebody wrote makes no email. `code` is NO_ADDRESS, NOT_ONE_LINE or NO_FILE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@lru_cache(maxsize=256)
def unstructured(name: str, value: str) -> str:
    """Return a header such as Subject: its name and `value`, folded, without the last line end.

    Raises CannotCompose for more than one line, because a second line would be another header. Raises ValueError for
    text that is not Unicode.
    """
    _require_one_line(value)
    if _PLAIN.fullmatch(value) and (lines := _folded(name, value)):
        return lines
    return "\r\n ".join(encoded_words(value, LINE - len(f"{name}: "))).join((f"{name}: ", ""))


@lru_cache(maxsize=16)
def mailbox(name: str, display_name: str, address: str) -> str:
    """Return a header such as From, with the name that is shown before the address, or with the address alone."""
    _require_one_line(display_name + address)
    if not display_name:
        return f"{name}: {address}"
    end = f" <{address}>"
    quoted = display_name
    if not _ATOMS.fullmatch(display_name):
        quoted = '"' + re.sub(r'(["\\])', r"\\\1", display_name) + '"'
    if _PLAIN.fullmatch(display_name) and len(line := f"{name}: {quoted}{end}") <= LINE:
        return line
    words = encoded_words(display_name, LINE - len(f"{name}: "))
    return f"{name}: " + "\r\n ".join(words) + f"\r\n{end}"


def encoded_words(text: str, first: int = _WORD) -> list[str]:
    """Return the text as encoded words, of which the first has at most `first` characters.

    Readers drop the space between two encoded words (section 6.2), so every space of the text is inside one. A
    character is never divided (section 5).
    """
    raw = text.encode()
    literal = sum(byte in _LITERAL or byte == 0x20 for byte in raw)
    as_q = literal + 3 * (len(raw) - literal) <= len(raw) * 4 // 3
    begin, length = (_BEGIN_Q, _q_length) if as_q else (_BEGIN_B, _b_length)
    chunks, room = [""], min(first, _WORD)
    for character in text:
        if chunks[-1] and len(begin) + length(chunks[-1] + character) + len(_END) > room:
            chunks.append("")
            room = _WORD
        chunks[-1] += character
    encode: Callable[[str], str] = _q if as_q else _b
    return [begin + encode(chunk) + _END for chunk in chunks]


def _folded(name: str, value: str) -> str:
    """Return a plain header in lines of at most 76 characters; empty if one of its words is too long for a line."""
    lines = [f"{name}:"]
    for word in value.split(" "):
        if len(lines[-1]) + 1 + len(word) > LINE:
            lines.append("")
        lines[-1] += " " + word
    # A name alone in the first line would be a header without a value for some readers.
    return "" if any(len(line) > LINE for line in lines) or lines[0] == f"{name}:" else "\r\n".join(lines)


def _q(text: str) -> str:
    return "".join(
        chr(byte) if byte in _LITERAL else "_" if byte == 0x20 else f"={byte:02X}" for byte in text.encode()
    )


def _q_length(text: str) -> int:
    return len(_q(text))


def _b(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _b_length(text: str) -> int:
    return -(-len(text.encode()) // 3) * 4


def _require_one_line(value: str) -> None:
    if value.splitlines() not in ([], [value]):
        raise CannotCompose(NOT_ONE_LINE, "a header is one line")
