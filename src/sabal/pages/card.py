"""The picture of a shared link: 1200 × 630 pixels with the petition's title, made by typst.

The text is passed to typst as JSON data, so that a title is never read as markup.
"""

import json
from functools import lru_cache

import typst

# Without one of these fonts, CJK text would be empty boxes, so it is left out.
_FAMILIES = {
    "ko": ("Noto Serif CJK KR", "Noto Serif KR", "Nanum Myeongjo", "Noto Sans CJK KR", "Noto Sans KR"),
    "zh-hans": ("Noto Serif CJK SC", "Noto Serif SC", "Noto Sans CJK SC", "Noto Sans SC"),
    "": ("Libertinus Serif",),
}

WIDEST_WORD = 24  # half of a line at the largest size: a longer word may be broken

_SOURCE = """
#let card = json(bytes(sys.inputs.card))
#set page(width: 1200pt, height: 630pt, margin: (x: 84pt, top: 84pt, bottom: 66pt), fill: rgb("#f6f2ea"),
  background: place(top, {
    rect(width: 100%, height: 18pt, fill: rgb("#86291f"))
    v(0pt, weak: true)
    place(top, dy: 18pt, rect(width: 100%, height: 7pt, fill: rgb("#0e4a48")))
  }))
#set text(font: card.fonts, lang: card.lang, fill: rgb("#211d18"), size: 30pt)
#set par(leading: 0.5em)
#let bowl = box(width: 104pt, height: 104pt, {
  for i in range(22) { place(center + horizon, rotate(i * 360deg / 22, box(height: 104pt, align(top, line(
    angle: 90deg, length: 15pt, stroke: 4pt + rgb("#86291f"))))))}
  place(center + horizon, circle(radius: 30pt, stroke: 4.4pt + rgb("#86291f")))
  place(center + horizon, circle(radius: 13pt, stroke: 3pt + rgb("#86291f")))
})
#text(fill: rgb("#544c42"), card.organiser)
#v(1fr)
#text(size: card.size * 1pt, weight: 600, card.words.map(word => box(word)).join(" "))
#v(2fr)
#grid(columns: (1fr, auto), align: horizon, text(fill: rgb("#544c42"), card.host), bowl)
"""


@lru_cache(maxsize=64)
def card_png(version: str, language: str, title: str, organiser: str, host: str) -> bytes:
    """Return the PNG bytes for one version of a petition in one language. The result is cached by its arguments.

    On a machine without fonts for the language's script the picture has only the host and the emblem.
    """
    installed = _installed_fonts()
    wanted = [family for family in _FAMILIES.get(language, ()) if family in installed]
    if language in _FAMILIES and not wanted:
        title = organiser = ""
    data = {
        "words": _words(title, language),
        "organiser": organiser,
        "host": host,
        "fonts": [*_FAMILIES[""], *wanted],
        "lang": language.split("-")[0],
        "size": _size(title),
    }
    png = typst.compile(_SOURCE.encode(), format="png", ppi=72.0, sys_inputs={"card": json.dumps(data)})
    if not isinstance(png, bytes):
        raise TypeError("typst made more than one page of a card")
    return png


def _words(title: str, language: str) -> list[str]:
    """Return the parts of a title between which a line may break. Typst would also break Korean inside words."""
    words = title.split() if language == "ko" else [title]
    return words if max(map(_width, words), default=0) <= WIDEST_WORD else [title]


def _size(title: str) -> int:
    """Return the font size in points, smaller for longer titles. A CJK character is as wide as two Latin ones."""
    width = _width(title)
    return 84 if width <= 44 else 68 if width <= 80 else 54 if width <= 130 else 40


def _width(text: str) -> int:
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


@lru_cache(maxsize=1)
def _installed_fonts() -> frozenset[str]:
    return frozenset(typst.Fonts().families())
