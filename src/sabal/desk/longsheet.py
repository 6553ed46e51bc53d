"""Read the first sheet of a long .xlsx file row by row, in constant memory, as `workbook.py` reads a short one.

The texts that cells share are put into a file without a name, because a million of them can be different.
"""

import tempfile
import zipfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast
from xml.parsers import expat

from sabal.desk.workbook import (
    _DAMAGED,
    LONGEST_CELL,
    MOST_COLUMNS,
    Attributes,
    NotATable,
    _local,
    _refuse,
    _Sheet,
    _Words,
    _Workbook,
)

MOST_UNPACKED = 800_000_000  # bytes of the parts that are read
MOST_ROWS = 1_048_576  # of a sheet
PIECE = 65_536


def rows_of(path: Path, scratch: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each row that has any. `scratch` is a folder. Raises NotATable."""
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryFile(dir=scratch) as file:
            yield from _LongWorkbook(archive).stream(cast(BinaryIO, file))
    except _DAMAGED as error:
        raise NotATable("broken") from error


class _LongWorkbook(_Workbook):
    def __init__(self, archive: zipfile.ZipFile) -> None:
        super().__init__(archive)
        self._left = MOST_UNPACKED

    def stream(self, file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
        strings = _Spilled(file)
        if (name := "xl/sharedstrings.xml") in self._names:
            self._parse(name, strings)
        sheet = _Rows(strings)
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = lambda tag, attributes: sheet.start(_local(tag), attributes)
        parser.EndElementHandler = lambda tag: sheet.end(_local(tag))
        parser.CharacterDataHandler = sheet.text
        with self._archive.open(self._names[self._first_sheet()]) as part:
            while data := part.read(PIECE):
                self._left -= len(data)
                if self._left < 0:
                    raise NotATable("large")
                parser.Parse(data, False)
                yield from sheet.finished
                sheet.finished.clear()
        parser.Parse(b"", True)
        yield from sheet.finished


class _Spilled(_Words):
    """The texts that cells share, in a file."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file, self._ends = file, array("Q", [0])

    def end(self, tag: str) -> None:
        super().end(tag)
        if tag == "si":
            text = self.take()[: LONGEST_CELL + 1].encode()
            self._file.write(text)
            self._ends.append(self._ends[-1] + len(text))

    def text_at(self, number: int) -> str:
        """Return one of the texts."""
        begin, end = self._ends[number], self._ends[number + 1]
        self._file.seek(begin)
        return self._file.read(end - begin).decode()


class _Rows(_Sheet):
    """The rows that are complete, in `finished`. Each is forgotten when it is taken."""

    def __init__(self, strings: _Spilled) -> None:
        super().__init__([])
        self._spilled = strings
        self._current: list[str] = []
        self.finished: list[tuple[int, list[str]]] = []

    def start(self, tag: str, attributes: Attributes) -> None:
        super().start(tag, attributes)
        if tag == "row":
            self._current = []

    def end(self, tag: str) -> None:
        _Words.end(self, tag)
        self._in_value = False
        if tag == "c" and self._column <= MOST_COLUMNS and (text := self._text()):
            if len(text) > LONGEST_CELL:
                raise NotATable("large")
            self._current += [""] * (self._column - len(self._current))
            self._current[self._column - 1] = text
        elif tag == "row" and self._current:
            if self._row > MOST_ROWS:
                raise NotATable("large")
            self.finished.append((self._row, self._current))

    def _text(self) -> str:
        value = "".join(self._value)
        if self._kind == "s":
            return self._spilled.text_at(int(value)) if value.isdecimal() else ""
        return super()._text()
