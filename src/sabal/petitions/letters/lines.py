"""Split a letter into lines without invisible characters, and tell which lines only arrange others."""

import re
import unicodedata
from dataclasses import dataclass

from sabal import typed

# A line of only these characters is layout, but a single one may be a bullet.
_RULE = re.compile(r"[-–—_=*•·.~#|+─━═☆★◇◆○●▪■□\s]+")
_LONE_BULLET = re.compile(r"[-–—*•·+○●▪■□◆◇★☆]")
SENTENCES = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Decoration of headings and labels: ## at the start, a sign such as ■, and pairs around the whole line.
_HASHES = re.compile(r"^(?:#{1,6}|[*=~+-]{2,})\s+|\s+(?:#{1,6}|[*=~+-]{2,})$")
_SIGN = re.compile(r"^[■□◆◇●○▶▷◎❖★☆※]\s*(?=\S)")
_PAIRS = (
    ("**", "**"),
    ("__", "__"),
    ("*", "*"),
    ("[", "]"),
    ("【", "】"),
    ("〔", "〕"),
    ("《", "》"),
    ("〈", "〉"),
    ("<", ">"),
    ("［", "］"),
)
_SENTENCE_END = re.compile(r"[.!?;。！？；…؟۔।][\"'”’」』）)»*_]*$")


@dataclass(frozen=True)
class Line:
    """A line. `gap` means that a blank line or a rule precedes it; `text` is empty for those."""

    number: int
    text: str
    indent: int = 0
    gap: bool = False


def lines_of(letter: str) -> tuple[list[Line], list[int]]:
    """Return all lines of a letter, and the numbers of those that had invisible characters."""
    lines: list[Line] = []
    cleaned: list[int] = []
    gap = False
    for number, raw in enumerate(_LINE_ENDS.sub("\n", letter.removeprefix("\ufeff")).split("\n"), 1):
        visible = _INVISIBLE.sub("", raw)
        if visible != raw:
            cleaned.append(number)
        text = " ".join(typed.nfc(visible).split()).strip("\u200b ")
        expanded = visible.expandtabs(4)
        lines.append(Line(number, text, len(expanded) - len(expanded.lstrip()), gap))
        gap = is_rule(text)
    return lines, cleaned


def is_rule(text: str) -> bool:
    """Return whether a line is blank or only a rule, such as "---". A single bullet is none."""
    return not text or (_RULE.fullmatch(text) is not None and not _LONE_BULLET.fullmatch(text))


def bare(text: str) -> str:
    """Return `text` without the decoration of headings. A bracket that closes before the end is none."""
    plain = _SIGN.sub("", _HASHES.sub("", text))
    for start, end in _PAIRS:
        inner = plain[len(start) : -len(end)]
        if plain.startswith(start) and plain.endswith(end) and inner and not set(start + end) & set(inner):
            plain = inner.strip()
    return plain.strip() or text


def width(text: str) -> int:
    """Return the number of columns of `text`. Chinese, Japanese and Korean characters count as two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def ends_sentence(text: str) -> bool:
    """Return whether `text` ends with the end of a sentence."""
    return _SENTENCE_END.search(text) is not None


def ends_with_colon(text: str) -> bool:
    """Return whether `text` announces what follows it."""
    return text.rstrip("*_ ").endswith((":", "：", "︰"))


def is_prose(text: str) -> bool:
    """Return whether `text` is a sentence rather than a name or a heading."""
    return width(text) > 100 or (width(text) > 40 and (ends_sentence(text) or len(SENTENCES.split(text)) > 1))
