"""Markup of other platforms as plain text: the words, with a line for each block and a mark for each item of a list."""

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    "p div br tr h1 h2 h3 h4 h5 h6 ul ol blockquote section article header footer table".split()
)
_SILENT = frozenset("script style head title template noscript iframe object svg".split())
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,2000}|!--)")
_MANY = re.compile(r"\n{3,}")


def plain(value: str) -> str:
    """Return the words of HTML. A text without tags is returned as it is."""
    if not _TAG.search(value):
        return value
    reader = _Words()
    reader.feed(value)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.words).split("\n"))
    return _MANY.sub("\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0
        self._numbers: list[int | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in ("ul", "ol"):
            self._numbers.append(0 if tag == "ol" else None)
            self.words.append("\n")
        elif tag == "li":
            self.words.append(f"\n{self._mark()} ")
        elif tag in _BLOCKS:
            self.words.append("\n" if tag == "br" else "\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in ("ul", "ol"):
            if self._numbers:
                self._numbers.pop()
            self.words.append("\n")
        elif tag in _BLOCKS and tag != "br":
            self.words.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data.replace("\n", " "))

    def _mark(self) -> str:
        if not self._numbers or self._numbers[-1] is None:
            return "-"
        self._numbers[-1] += 1
        return f"{self._numbers[-1]}."
