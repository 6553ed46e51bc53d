"""The picture of a shared link: 1200 × 630 pixels with the petition's title and its own picture, made by typst.

The text and the bytes of the picture are passed to typst as JSON data, so that a title is never read as markup.
"""

import json
from functools import lru_cache

import typst
from babel import Locale

from sabal.petitions.locales import direction, script_of

# The families in which a script looks as its readers expect, the best first. For other scripts Noto's are tried. Typst
# takes any other font that has the characters if none of these is there.
_FAMILIES = {
    "Kore": ("Noto Serif CJK KR", "Noto Serif KR", "Nanum Myeongjo", "Noto Sans CJK KR", "Noto Sans KR"),
    "Hans": ("Noto Serif CJK SC", "Noto Serif SC", "Noto Sans CJK SC", "Noto Sans SC"),
    "Hant": ("Noto Serif CJK TC", "Noto Serif TC", "Noto Sans CJK TC", "Noto Sans TC"),
    "Jpan": ("Noto Serif CJK JP", "Noto Serif JP", "Noto Sans CJK JP", "Noto Sans JP"),
    "Beng": ("Noto Serif Bengali", "Noto Sans Bengali"),
    "Orya": ("Noto Serif Oriya", "Noto Sans Oriya"),
}
_LATIN = "Libertinus Serif"  # typst has it built in

WIDEST_WORD = 24  # half of a line at the largest size: a longer word may be broken

_SOURCE = b"""
#let card = json(bytes(sys.inputs.card))
#let wide = if card.picture.len() > 0 { 470pt } else { 0pt }
#let beside = if wide > 0pt { wide + 56pt } else { 84pt }
#set page(width: 1200pt, height: 630pt, fill: rgb("#f6f2ea"),
  margin: (top: 84pt, bottom: 66pt, left: if card.rtl { beside } else { 84pt },
    right: if card.rtl { 84pt } else { beside }),
  background: {
    if wide > 0pt {
      place(if card.rtl { top + left } else { top + right },
        image(bytes(card.picture), format: "webp", width: wide, height: 630pt, fit: "cover"))
    }
    place(top, rect(width: 100%, height: 18pt, fill: rgb("#86291f")))
    place(top, dy: 18pt, rect(width: 100%, height: 7pt, fill: rgb("#0e4a48")))
  })
#set text(font: card.fonts, lang: card.lang, dir: if card.rtl { rtl } else { ltr }, fill: rgb("#211d18"), size: 30pt)
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
def card_png(
    version: str, language: str, title: str, organiser: str, host: str, picture: bytes = b""
) -> bytes:
    """Return the PNG bytes for one version of a petition in one language. The result is cached by its arguments.

    `picture` is a WebP. It fills one side of the card.

    A title or a name for which this machine has no font is left out: it would be a row of boxes.
    """
    card = _card(language, title, organiser, host)
    if not _can_draw(card):
        title, organiser = (
            words if _can_draw(_card(language, words, "", host)) else "" for words in (title, organiser)
        )
    card = _card(language, title, organiser, host, picture)
    png = typst.compile(_SOURCE, format="png", ppi=72.0, sys_inputs={"card": card})
    if not isinstance(png, bytes):
        raise TypeError("typst made more than one page of a card")
    return png


def _card(language: str, title: str, organiser: str, host: str, picture: bytes = b"") -> str:
    """Return the data of a card as JSON."""
    return json.dumps(
        {
            "words": _words(title, language),
            "organiser": organiser,
            "host": host,
            "fonts": [_LATIN, *_families(script_of(language))],
            "lang": language.split("-")[0],
            "rtl": direction(language) == "rtl",
            "size": _size(title, narrow=bool(picture)),
            "picture": list(picture),
        }
    )


def _can_draw(card: str) -> bool:
    """Return whether the fonts of this machine have every character: PDF/A forbids the box for one that is missing."""
    try:
        typst.compile(_SOURCE, format="pdf", pdf_standards="a-2b", sys_inputs={"card": card})
    except typst.TypstError:
        return False
    return True


def _families(script: str) -> list[str]:
    """Return the installed families for a script, the best first."""
    name = Locale("en").scripts.get(script, "")
    wanted = _FAMILIES.get(script, (f"Noto Serif {name}", f"Noto Naskh {name}", f"Noto Sans {name}"))
    return [family for family in wanted if family in _installed_fonts()]


def _words(title: str, language: str) -> list[str]:
    """Return the parts of a title between which a line may break. Typst would also break Korean inside words."""
    words = title.split() if language == "ko" else [title]
    return words if max(map(_width, words), default=0) <= WIDEST_WORD else [title]


def _size(title: str, *, narrow: bool) -> int:
    """Return the font size in points, smaller for longer titles. A CJK character is as wide as two Latin ones."""
    width = _width(title)
    if narrow:
        return 66 if width <= 44 else 56 if width <= 80 else 46 if width <= 130 else 38
    return 84 if width <= 44 else 68 if width <= 80 else 54 if width <= 130 else 40


def _width(text: str) -> int:
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


@lru_cache(maxsize=1)
def _installed_fonts() -> frozenset[str]:
    return frozenset(typst.Fonts().families())
