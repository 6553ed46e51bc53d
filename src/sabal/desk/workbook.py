"""Read the first sheet of an .xlsx file as rows of text. Nothing in it is run, and nothing outside it is opened.

Of a workbook only values are read: no formulas, macros, links or styles. Sizes are counted while it is unpacked,
because a small file can contain a huge one, and a cell can name a row that makes a sheet of millions.
"""

import io
import re
import zipfile
import zlib
from xml.parsers import expat

from sabal.refusal import Refusal

MOST_UNPACKED = 20_000_000  # bytes of the parts that are read
MOST_ROWS, MOST_COLUMNS = 5_000, 30
LONGEST_CELL = 32_767  # characters; no program writes more
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# What the parsers raise for damaged files, and for those compressed or encrypted as no spreadsheet does it.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    LookupError,
    ValueError,
    EOFError,
    RuntimeError,
    OSError,
)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")

Attributes = dict[str, str]


class NotATable(Refusal):
    """The file cannot be read as a table. `code` says why: "broken", "large", "macros" or "empty"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def rows_of(content: bytes) -> list[list[str]]:
    """Return the rows of the first sheet. Raises NotATable."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _Workbook(archive).rows()
    except _DAMAGED as error:
        raise NotATable("broken") from error


class _Workbook:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.lower(): name for name in archive.namelist()}
        self._left = MOST_UNPACKED
        if any("vbaproject" in name or "/macrosheets/" in name for name in self._names):
            raise NotATable("macros")

    def rows(self) -> list[list[str]]:
        """Return the rows, without empty cells at their end."""
        strings = _Strings()
        if (name := "xl/sharedstrings.xml") in self._names:
            self._parse(name, strings)
        sheet = _Sheet(strings.found)
        self._parse(self._first_sheet(), sheet)
        return sheet.rows()

    def _first_sheet(self) -> str:
        """Return the name of the part that has the first sheet of the workbook."""
        book, relations = _Elements("sheet"), _Elements("Relationship")
        self._parse("xl/workbook.xml", book)
        self._parse("xl/_rels/workbook.xml.rels", relations)
        first = next((value for key, value in book.found[0].items() if _local(key) == "id"), "")
        target = next((one["Target"] for one in relations.found if one.get("Id") == first), "")
        return (target.lstrip("/") if target.startswith("/") else f"xl/{target}").lower()

    def _parse(self, name: str, reader: "_Reader") -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = _refuse  # no entity, so none that grows
        parser.StartElementHandler = lambda tag, attributes: reader.start(_local(tag), attributes)
        parser.EndElementHandler = lambda tag: reader.end(_local(tag))
        parser.CharacterDataHandler = reader.text
        with self._archive.open(self._names[name]) as part:
            while data := part.read(65_536):
                self._left -= len(data)
                if self._left < 0:
                    raise NotATable("large")
                parser.Parse(data, False)
        parser.Parse(b"", True)


def _refuse(*declaration: object) -> None:
    raise NotATable("broken")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _Reader:
    """Gets the elements of a part, without their namespaces."""

    def start(self, tag: str, attributes: Attributes) -> None:
        """Begin an element."""

    def end(self, tag: str) -> None:
        """End an element."""

    def text(self, data: str) -> None:
        """Take the text between two tags."""


class _Elements(_Reader):
    """The attributes of each element of one name."""

    def __init__(self, tag: str) -> None:
        self._tag, self.found = tag, list[Attributes]()

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == self._tag:
            self.found.append(attributes)


class _Words(_Reader):
    """Collects the text of elements `t`, but not that of a reading aid (`rPh`)."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._inside, self._aside = False, False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "rPh":
            self._aside = True
        self._inside = tag == "t" and not self._aside

    def end(self, tag: str) -> None:
        self._inside = False
        if tag == "rPh":
            self._aside = False

    def text(self, data: str) -> None:
        if self._inside:
            self._words.append(data)

    def take(self) -> str:
        """Return the text since the last time."""
        text = "".join(self._words)
        self._words.clear()
        return _unescaped(text)


class _Strings(_Words):
    """The texts that cells share."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def end(self, tag: str) -> None:
        super().end(tag)
        if tag == "si":
            self.found.append(self.take())


class _Sheet(_Words):
    """The cells of a sheet."""

    def __init__(self, strings: list[str]) -> None:
        super().__init__()
        self._strings = strings
        self._cells: dict[tuple[int, int], str] = {}
        self._row, self._column, self._kind = 0, 0, ""
        self._value: list[str] = []
        self._in_value = False

    def start(self, tag: str, attributes: Attributes) -> None:
        super().start(tag, attributes)
        if tag == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), 0
        elif tag == "c":
            self._row, self._column = _place(attributes.get("r", ""), self._row, self._column + 1)
            self._kind = attributes.get("t", "n")
            self._value.clear()
            self.take()
        self._in_value = tag == "v"

    def text(self, data: str) -> None:
        super().text(data)
        if self._in_value:
            self._value.append(data)

    def end(self, tag: str) -> None:
        super().end(tag)
        self._in_value = False
        if tag == "c" and (text := self._text()):
            # Many cells can share one text: it would be there as many times after it was read.
            if self._row > MOST_ROWS or len(text) > LONGEST_CELL:
                raise NotATable("large")
            if self._column <= MOST_COLUMNS:
                self._cells[self._row, self._column] = text

    def _text(self) -> str:
        value = "".join(self._value)
        if self._kind == "inlineStr":
            return self.take()
        if self._kind == "s":
            return self._strings[int(value)] if value.isdecimal() else ""
        if self._kind == "str":
            return _unescaped(value)
        return value  # a number or a day as it is stored; the table says that it is no text

    def rows(self) -> list[list[str]]:
        """Return the rows from the first one, the empty ones too."""
        if not self._cells:
            raise NotATable("empty")
        found: list[list[str]] = [[] for _row in range(max(row for row, _column in self._cells))]
        for (row, column), text in sorted(self._cells.items()):
            cells = found[row - 1]
            cells += [""] * (column - len(cells))
            cells[column - 1] = text
        return found


def _unescaped(text: str) -> str:
    """Return a text with the characters that XML cannot contain. Half a character becomes a question mark."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return text.encode("utf-8", "replace").decode()


def _place(reference: str, row: int, column: int) -> tuple[int, int]:
    """Return the row and column of a cell, from 1. Without a reference it follows the one before."""
    if not reference:
        return row, column
    found = _CELL.fullmatch(reference)
    if found is None:
        raise NotATable("broken")
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return int(found[2]), number
