"""Read a file of addresses, .csv or .xlsx, row by row in constant memory. A damaged row damages no other."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sabal.desk import longsheet
from sabal.desk.workbook import NotATable
from sabal.newsletter.importrows import Columns, Line, columns_of
from sabal.spreadsheet import plain

LONGEST_LINE = 20_000  # characters
MOST_CONTINUED = 20  # lines of one row: a cell in quotes may have several
MOST_CELLS = 100


def read(path: Path, scratch: Path) -> tuple[Columns, Iterator[Line]]:
    """Return the columns of a file and its rows. `scratch` is a folder. Raises NotATable, also while it is read."""
    with path.open("rb") as file:
        beginning = file.read(4)
    if beginning.startswith(b"\xd0\xcf\x11\xe0"):
        raise NotATable("old")
    lines = _sheet(path, scratch) if beginning == b"PK\x03\x04" else _text(path, beginning)
    first = next(lines, None)
    if first is None:
        raise NotATable("empty")
    second = next(lines, None)
    found = columns_of(first.cells or [], (second.cells if second else None) or [])
    if found is None:
        raise NotATable("columns")
    columns, has_heading = found
    return columns, _rest([] if has_heading else [first], second, lines)


def _rest(kept: list[Line], second: Line | None, lines: Iterator[Line]) -> Iterator[Line]:
    yield from kept
    if second is not None:
        yield second
        yield from lines


def _sheet(path: Path, scratch: Path) -> Iterator[Line]:
    for number, cells in longsheet.rows_of(path, scratch):
        yield Line(number, cells, " | ".join(cells)[:LONGEST_LINE])


def _text(path: Path, beginning: bytes) -> Iterator[Line]:
    """Yield the rows of CSV with commas, semicolons or tabs. A row that cannot be read has no cells."""
    encoding = "utf-16" if beginning[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    with path.open(encoding=encoding, errors="surrogateescape", newline="\n") as file:
        delimiter, number, waiting = "", 0, list[str]()
        while True:
            text = waiting.pop(0) if waiting else file.readline(LONGEST_LINE)
            if not text:
                return
            number += 1
            if not text.endswith("\n") and len(text) == LONGEST_LINE:
                _skip_line(file)
                yield Line(number, None, text[:200])
                continue
            if not delimiter and text.strip():
                delimiter = max(",;\t", key=text.count)
            cells, used = _cells(text, delimiter or ",", file, waiting)
            yield Line(number, cells, _showable(text.rstrip("\r\n")))
            number += used


def _cells(text: str, delimiter: str, file: TextIO, waiting: list[str]) -> tuple[list[str] | None, int]:
    """Return the cells of a row that begins with this line, and how many more lines it has.

    If a quote is never closed, the row is this line alone, and the lines after it are rows of their own.
    """
    whole, taken = text, list[str]()
    while whole.count('"') % 2 and len(taken) < MOST_CONTINUED:
        more = waiting.pop(0) if waiting else file.readline(LONGEST_LINE)
        if not more:
            break
        taken.append(more)
        whole += more
    if not whole.count('"') % 2:
        cells = _divided(whole, delimiter)
        if cells is not None:
            return cells, len(taken)
    waiting[:0] = taken
    return (_divided(text, delimiter) if not taken else None), 0


def _divided(text: str, delimiter: str) -> list[str] | None:
    if "\0" in text or any("\udc80" <= character <= "\udcff" for character in text):
        return None
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    if len(rows) != 1:
        return [] if not rows else None
    cells = [plain(cell) for cell in rows[0][:MOST_CELLS]]
    return cells if any(cell.strip() for cell in cells) else []


def _skip_line(file: TextIO) -> None:
    while (text := file.readline(LONGEST_LINE)) and not text.endswith("\n"):
        pass


def _showable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:LONGEST_LINE]
