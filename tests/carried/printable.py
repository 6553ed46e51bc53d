"""Which characters of a file no checker shows: one table for `sabal verify`, `verify.py` and `check.html`."""

REPLACED = [
    ("controls", 0x00, 0x1F), ("controls", 0x7F, 0x9F), ("Arabic letter mark", 0x61C, 0x61C),
    ("zero-width space", 0x200B, 0x200B), ("direction marks", 0x200E, 0x200F),
    ("separators, embeddings, overrides", 0x2028, 0x202E), ("joiners, isolates, deprecated formats", 0x2060, 0x206F),
    ("half pairs", 0xD800, 0xDFFF), ("private use", 0xE000, 0xF8FF), ("noncharacters", 0xFDD0, 0xFDEF),
    ("byte order mark", 0xFEFF, 0xFEFF), ("unassigned, annotations", 0xFFF0, 0xFFFB),
    *(("noncharacters", plane << 16 | 0xFFFE, plane << 16 | 0xFFFF) for plane in range(4)),
    ("formats of music", 0x1D173, 0x1D17A), ("unassigned planes", 0x40000, 0xDFFFF),
    ("language tag, unassigned", 0xE0000, 0xE001F), ("unassigned", 0xE0080, 0xE00FF),
    ("unassigned", 0xE01F0, 0xEFFFF), ("private use", 0xF0000, 0x10FFFF),
]  # fmt: skip
"""Name, first and last code point. Every other one is shown."""
CODES = {code for _, first, last in REPLACED for code in range(first, last + 1)}
EVERY = range(0x110000)
SHOWN = [
    "נילי",
    "می\u200cخواهیم",
    "👩\u200d🌾",
    "🏴\U000e0067\U000e0062\U000e007f",
    "葛\U000e0100",
    "\u00ad",
    "\U0001faff",
]
"""Text that is written so, or is too new for the tables of many computers."""


def expected(text: str) -> str:
    return "".join("\ufffd" if ord(letter) in CODES else letter for letter in text)


BYTES = {
    b"no-utf8-\xff\xfe": "no-utf8-\ufffd\ufffd", b"cut-\xe2\x82": "cut-\ufffd", b"cut-\xf0\x9f\x98.": "cut-\ufffd.",
    b"half-\xed\xa0\x80": "half-\ufffd\ufffd\ufffd", b"long-\xc0\xaf": "long-\ufffd\ufffd", "수지".encode(): "수지",
}  # fmt: skip
"""Names of a policy, which may be any bytes, and how they are shown."""
