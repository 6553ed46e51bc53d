"""Split a plain letter into lines, and recognise the marks before the items of a list."""

import re
import unicodedata
from dataclasses import dataclass

from sabal import typed

# A line of only these characters is layout, but a single character may be a bullet.
_LAYOUT = re.compile(r"[-–—_=*•·.~#|+\s]+")
_LONE_BULLET = re.compile(r"[-–—*•·+]")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")

_BULLET = re.compile(r"([-–—*•·+‣◦▪▫■□●○◆◇▶➤※])(?:\s+|$)")
_HANGUL = "가나다라마바사아자차카타파하"
_HAN = "一二三四五六七八九十"
_CIRCLED = (("①", 20), ("⑴", 20), ("⒜", 26), ("ⓐ", 26), ("㈎", 14), ("㉮", 14), ("㈠", 10), ("㊀", 10))
_WIDE_START = r"(?=\s|$|[\u1100-\uffdc])"
_NUMBERED = (
    ("number.", re.compile(rf"(\d{{1,3}})[.．](?!\d){_WIDE_START}")),
    ("number、", re.compile(r"(\d{1,3})、")),
    ("number)", re.compile(rf"(\d{{1,3}})[)）]{_WIDE_START}")),
    ("(number)", re.compile(r"[(（](\d{1,3})[)）]")),
    ("letter", re.compile(r"([A-Za-z])\.(?=\s|$)")),
    ("letter)", re.compile(r"([A-Za-z])[)）](?=\s|$)")),
    ("(letter)", re.compile(r"[(（]([A-Za-z])[)）]")),
    ("roman.", re.compile(r"([IVXivx]{1,5})\.(?=\s|$)")),
    ("roman)", re.compile(r"([IVXivx]{1,5})\)(?=\s|$)")),
    ("(roman)", re.compile(r"[(（]([IVXivx]{1,5})[)）]")),
    ("hangul.", re.compile(rf"([{_HANGUL}])\.{_WIDE_START}")),
    ("hangul)", re.compile(rf"([{_HANGUL}])\){_WIDE_START}")),
    ("(hangul)", re.compile(rf"[(（]([{_HANGUL}])[)）]")),
    ("han、", re.compile(rf"([{_HAN}]{{1,3}})[、．]")),
    ("(han)", re.compile(rf"[(（]([{_HAN}]{{1,3}})[)）]")),
)
_OUTLINE = re.compile(rf"(\d{{1,2}}(?:\.\d{{1,2}}){{1,4}})[.)]?{_WIDE_START}")
# Ordinals are part of the sentence, so they stay in the text. They only show that an item begins.
_ORDINALS = (
    re.compile(r"(?i)(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)(?:ly)?[,:]\s"),
    re.compile(r"(첫째|둘째|셋째|넷째|다섯째|여섯째|일곱째|여덟째|아홉째|열째)\s*[,:.，]"),
    re.compile(r"第([一二三四五六七八九十])[，,：:、]"),
)
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv")


@dataclass(frozen=True)
class Line:
    """A line that is not blank: its number, its indent, its text and whether a blank line precedes it."""

    number: int
    indent: int
    text: str
    after_blank: bool


@dataclass(frozen=True)
class Mark:
    """The mark at the beginning of an item.

    `kind` is "bullet", "number. lower" and so on. `readings` are the possible kinds, each with the position in its
    sequence: "a)" is 1, "i)" may be the first or the ninth. `text` is the text after the mark.
    """

    kind: str
    readings: tuple[tuple[str, int], ...]
    text: str


def lines_of(letter: str) -> tuple[list[Line], list[int]]:
    """Return the lines that are not blank or layout, and the numbers of lines that had invisible characters."""
    lines: list[Line] = []
    cleaned: list[int] = []
    blank = False
    source = _LINE_ENDS.sub("\n", letter.removeprefix("\ufeff"))
    for number, raw in enumerate(source.split("\n"), 1):
        visible = _INVISIBLE.sub("", raw)
        if visible != raw:
            cleaned.append(number)
        text = " ".join(typed.nfc(visible).split())
        if not text or (_LAYOUT.fullmatch(text) and not _LONE_BULLET.fullmatch(text)):
            blank = True
            continue
        expanded = visible.expandtabs(4)
        lines.append(Line(number, len(expanded) - len(expanded.lstrip()), text, blank))
        blank = False
    return lines, cleaned


def mark_of(text: str) -> Mark | None:
    """Return the mark at the beginning of `text`, or None if it begins with a word."""
    if match := _BULLET.match(text):
        return Mark("bullet", ((f"bullet {match[1]}", 0),), text[match.end() :])
    if match := _OUTLINE.match(text):
        kind = f"outline {match[1].count('.')}"
        return Mark(kind, ((kind, 0),), text[match.end() :].lstrip())
    for first, count in _CIRCLED:
        if 0 <= ord(text[0]) - ord(first) < count:
            kind = f"circled {first}"
            return Mark(kind, ((kind, ord(text[0]) - ord(first) + 1),), text[1:].lstrip(" .、"))
    for kind, pattern in _ordinals():
        if match := pattern.match(text):
            return Mark(kind, ((kind, 0),), text)
    return _numbered(text)


def width(text: str) -> int:
    """Return the number of columns of `text`. Chinese and Korean characters count as two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _ordinals() -> list[tuple[str, re.Pattern[str]]]:
    return [(f"ordinal {n}", pattern) for n, pattern in enumerate(_ORDINALS)]


def _numbered(text: str) -> Mark | None:
    readings: list[tuple[str, int]] = []
    rest = ""
    for kind, pattern in _NUMBERED:
        if match := pattern.match(text):
            position = _position(kind, match[1])
            if position:
                readings.append((f"{kind} {'upper' if match[1].isupper() else 'lower'}", position))
                rest = text[match.end() :].lstrip()
    return Mark(readings[0][0], tuple(readings), rest) if readings else None


def _position(kind: str, label: str) -> int:
    """Return the position of `label` in its sequence, from 1, or 0 if it has none."""
    if "number" in kind:
        return int(label)
    if "roman" in kind:
        return _ROMAN.index(label.lower()) + 1 if label.lower() in _ROMAN else 0
    if "letter" in kind:
        return ord(label.lower()) - ord("a") + 1
    if "hangul" in kind:
        return _HANGUL.index(label) + 1
    tens, _, ones = label.rpartition("十")
    if "十" not in label:
        return _HAN.index(label) + 1 if len(label) == 1 else 0
    return (_HAN.find(tens) + 1 or 1) * 10 + (_HAN.find(ones) + 1 if ones else 0)
