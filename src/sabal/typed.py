"""Text as people type and paste it: made plain, bounded and judged in the same way for every field of the site.

`line`, `paragraphs` and `compact` return what was meant, in NFC. Their time is linear in the length of any text. What
they return, they return again unchanged.

No rule refuses characters that this Python does not know: phones have new characters before servers have their tables.
"""

import re
import unicodedata

import regex

# Marks and invisible characters in a row. The longest stack in Tibetan has 8; the flag of Scotland has 6 tags. Sorting
# the marks of a longer row (NFC) takes quadratic time.
MARKS = 10
# No character has more than 4 parts (Unicode, NFD). A longer text is longer than the limit in NFC too.
PARTS = 4

# Full-width and small forms of ASCII, which keyboards for Chinese, Japanese and Korean write, and the wide space.
_WIDE = {
    code: plain
    for code in (*range(0xFE50, 0xFE70), *range(0xFF01, 0xFF5F), 0x3000)
    if (plain := unicodedata.normalize("NFKC", chr(code))).isascii()
}

# Directional embeddings and isolates that phones put around a name or a number, byte order marks, and the mark for an
# attached object, which dictation writes. A right-to-left override (U+202E) is not among them: the text without it
# would differ from the text that its writer saw.
_DROPPED = dict.fromkeys([*range(0x202A, 0x202E), *range(0x2066, 0x206A), 0xFEFF, 0xFFFC])
_WIDE_OR_DROPPED = {**_WIDE, **_DROPPED}
_SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
# Nothing is lost without these at the beginning or the end. A zero-width joiner can end a word (Malayalam, Sinhala).
AROUND = _SPACES + "\u00ad\u061c\u180e\u200b\u200e\u200f\u202e\u2060\u2800\u3164\uffa0"
# In an address, ideographic full stops are dots (UTS #46), and nothing invisible has a meaning.
WITHIN_ADDRESS = {
    **_WIDE_OR_DROPPED,
    **dict.fromkeys(map(ord, "。｡"), "."),
    **dict.fromkeys(map(ord, "\u00ad\u061c\u180e\u200b\u200e\u200f\u2060")),
}
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")

_FORBIDDEN = re.compile(  # controls, the override, surrogates, private use, noncharacters
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010ffff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0xF0000, 0x10000))
    + "]"
)
_BLANKS = r"\u2800\U00016fe4\U0001d159"  # blank, although they are symbols or marks
_GLYPH = regex.compile(rf"[^\s\p{{Cc}}\p{{Cf}}\p{{Cs}}\p{{Co}}\p{{DI}}\p{{Nchar}}{_BLANKS}]")
_LETTER = regex.compile(r"(?V1)[[\p{L}\p{Nl}\p{Cn}]--[\p{DI}\p{Nchar}]]")
_HOLDS_ON = r"[\p{M}\p{Cf}\p{DI}]"
_ROW = regex.compile(f"{_HOLDS_ON}{{{MARKS + 1}}}")
_LONG_ROW = regex.compile(f"({_HOLDS_ON}{{{MARKS + PARTS}}}){_HOLDS_ON}+")
# Flags are two letters each. `\X` alone looks back over a whole row of them, for each.
_GRAPHEME = regex.compile(r"\p{RI}{2}[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]*|\X")


def line(text: str) -> str:
    """Return a text of one line: ASCII in its usual width, single spaces, nothing invisible around it."""
    if text.isascii():
        return " ".join(text.split())
    return nfc(" ".join(text.translate(_WIDE_OR_DROPPED).split())).strip(AROUND)


def paragraphs(text: str) -> str:
    """Return a text of several lines: line ends as "\\n", nothing invisible around it, empty if nothing can be seen."""
    text = _LINE_ENDS.sub("\n", text)
    if text.isascii():
        return text.strip()
    text = nfc(text.translate(_DROPPED)).strip(AROUND)
    return text if shows(text) or not is_showable(text) else ""


def compact(text: str) -> str:
    """Return a text that has no room for spaces, as an email address: ASCII in its usual width, nothing invisible."""
    if text.isascii():
        return text.strip()
    return nfc(text.translate(WITHIN_ADDRESS)).strip(AROUND)


def code(text: str) -> str:
    """Return a code that was typed or pasted as it was made: in lower case, without blanks and hyphens."""
    return re.sub(r"[\s\-]+", "", text).lower()


def nfc(text: str) -> str:
    """Return the text in NFC, in linear time: rows of marks are cut, but stay longer than `is_showable` accepts."""
    if text.isascii():
        return text
    # Cut twice, because some marks are two in NFC.
    cut: str = _LONG_ROW.sub(r"\1", unicodedata.normalize("NFC", _LONG_ROW.sub(r"\1", text)))
    return cut


def is_showable(text: str) -> bool:
    """Return whether the text has no control, half of a surrogate pair, private or never assigned character.

    Tab and "\\n" are allowed, and characters without a shape, which some scripts and emoji need. Not allowed are more
    than MARKS of these, or of marks, in a row.
    """
    return _FORBIDDEN.search(text) is None and not is_stacked(text)


def is_showable_line(text: str) -> bool:
    """Return whether the text is one line that can be shown: without tabs, line ends and paragraph ends."""
    return is_showable(text) and not {"\t", "\n", "\u2028", "\u2029"} & set(text)


def is_stacked(text: str) -> bool:
    """Return whether more than MARKS marks or invisible characters are in a row."""
    return not text.isascii() and _finds(_ROW, text)


def shows(text: str) -> bool:
    """Return whether at least one character can be seen."""
    return _finds(_GLYPH, text)


def has_letter(text: str) -> bool:
    """Return whether a character is a letter that can be seen, or one that is too new to be known."""
    return _finds(_LETTER, text)


def graphemes(text: str) -> list[str]:
    """Return the characters as people count them (UAX #29)."""
    return list(text) if text.isascii() else _GRAPHEME.findall(text)


def _finds(pattern: "regex.Pattern[str]", text: str) -> bool:
    """Return whether the pattern is found. The interpreter's lock is kept: another thread would take it for longer."""
    return pattern.search(text, concurrent=False) is not None
