"""A plain letter as lines, and the marks that people put before the items of a list."""

import re
import unicodedata
from dataclasses import dataclass

# Lines of these characters alone are layout; a single one of them may be a bullet.
_LAYOUT = re.compile(r"[-–—_=*•·.~#|+\s]+")
_LONE_BULLET = re.compile(r"[-–—*•·+]")
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
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
# Ordinals belong to the sentence, so they stay in the text; they only say that an item begins.
_ORDINALS = (
    re.compile(r"(?i)(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)(?:ly)?[,:]\s"),
    re.compile(r"(첫째|둘째|셋째|넷째|다섯째|여섯째|일곱째|여덟째|아홉째|열째)\s*[,:.，]"),
    re.compile(r"第([一二三四五六七八九十])[，,：:、]"),
)
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv")


@dataclass(frozen=True)
class Line:
    """A line with something on it: where it stands, how far it is set in, whether it follows a blank one."""

    number: int
    indent: int
    text: str
    after_blank: bool


@dataclass(frozen=True)
class Mark:
    """What begins an item: its kind ("number.", "bullet -"), the places it may have in its row (1 for "a)";
    "i)" may be the first or the ninth) and the text after it."""

    kind: str
    places: tuple[tuple[str, int], ...]
    text: str


def lines_of(letter: str) -> tuple[list[Line], list[int]]:
    """The lines that are neither blank nor mere layout, and the numbers of those with unseen characters."""
    lines: list[Line] = []
    cleaned: list[int] = []
    blank = False
    source = _LINE_ENDS.sub("\n", letter.removeprefix("\ufeff"))
    for number, raw in enumerate(source.split("\n"), 1):
        seen = _UNSEEN.sub("", raw)
        if seen != raw:
            cleaned.append(number)
        text = " ".join(unicodedata.normalize("NFC", seen).split())
        if not text or (_LAYOUT.fullmatch(text) and not _LONE_BULLET.fullmatch(text)):
            blank = True
            continue
        expanded = seen.expandtabs(4)
        lines.append(Line(number, len(expanded) - len(expanded.lstrip()), text, blank))
        blank = False
    return lines, cleaned


def mark_of(text: str) -> Mark | None:
    """The mark at the beginning of `text`, or None where it begins with a word."""
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
    """How many columns `text` takes, Chinese and Korean characters counted as two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _ordinals() -> list[tuple[str, re.Pattern[str]]]:
    return [(f"ordinal {n}", pattern) for n, pattern in enumerate(_ORDINALS)]


def _numbered(text: str) -> Mark | None:
    places: list[tuple[str, int]] = []
    rest = ""
    for kind, pattern in _NUMBERED:
        if match := pattern.match(text):
            place = _place(kind, match[1])
            if place:
                places.append((f"{kind} {'upper' if match[1].isupper() else 'lower'}", place))
                rest = text[match.end() :].lstrip()
    return Mark(places[0][0], tuple(places), rest) if places else None


def _place(kind: str, label: str) -> int:
    """The place of `label` in its row, from 1; 0 where it has none."""
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
