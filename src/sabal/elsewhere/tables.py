"""Tables of other platforms as text: any separator and encoding, and rows that are broken. Memory stays the same.

One broken row costs that row alone. A quotation mark that is never closed would otherwise swallow all rows after it.
"""

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from sabal import spreadsheet
from sabal.elsewhere.found import NotRecognised
from sabal.textfile import BEGINNING, encoding_of

MOST_LINES = 20  # of one row: a cell with a comment has several
LONGEST = 100_000  # characters of one row
MOST_COLUMNS = 300
SEPARATORS = ",;\t|"
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LINE = 1 << 16  # characters of a line that is no text of a table


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the line in the file at which it begins, from 1, and its cells.

    `broken`: they are not those of the header.
    """

    line: int
    cells: tuple[str, ...]
    broken: bool = False


@dataclass(frozen=True)
class Table:
    """A table: the names of its columns, and its rows, which can be read once."""

    header: tuple[str, ...]
    rows: Iterator[Row]


def read(pieces: Iterable[bytes]) -> Table:
    """Read a table from the bytes of a file. Raises NotRecognised if it has no header."""
    lines = _numbered(_lines(pieces))
    first = next((one for one in lines if one[1].strip()), None)
    if first is None:
        raise NotRecognised("empty")
    separator = ""
    if first[1].lower().startswith("sep=") and len(first[1].strip()) <= 5:  # a hint that Excel writes
        separator = first[1].rstrip("\r\n")[4:5]
        first = next((one for one in lines if one[1].strip()), None)
        if first is None:
            raise NotRecognised("empty")
    separator = separator or max(SEPARATORS, key=first[1].count)
    records = _rows(chain([first], lines), separator)
    header = next(records).cells
    if len(header) > MOST_COLUMNS:
        raise NotRecognised("table")
    return Table(header, (_checked(row, len(header)) for row in records))


def _checked(row: Row, columns: int) -> Row:
    cells = row.cells
    while len(cells) > columns and not cells[-1]:  # a separator at the end of each line
        cells = cells[:-1]
    return Row(row.line, cells, row.broken or len(cells) != columns)


def _rows(lines: Iterator[tuple[int, str]], separator: str) -> Iterator[Row]:
    waiting: deque[tuple[int, str]] = deque()
    columns = 0

    def following() -> tuple[int, str] | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (first := following()) is not None:
        if not first[1].strip():
            continue
        taken = [first]
        whole = first[1]
        while whole.count('"') % 2 and len(taken) < MOST_LINES and len(whole) < LONGEST:
            another = following()
            if another is None:
                break
            taken.append(another)
            whole += another[1]
        cells = _cells(whole, separator) if whole.count('"') % 2 == 0 else None
        if len(taken) > 1 and (cells is None or (columns and len(cells) != columns)):
            waiting.extendleft(reversed(taken[1:]))  # the row is this line alone, and broken
            cells = None
        columns = columns or len(cells or ())
        yield (
            Row(first[0], cells, False)
            if cells is not None
            else Row(first[0], _torn(first[1], separator), True)
        )


def _cells(whole: str, separator: str) -> tuple[str, ...] | None:
    try:
        return tuple(plain_cell(cell) for cell in next(csv.reader([whole], delimiter=separator), []))
    except csv.Error:
        return None


def _torn(whole: str, separator: str) -> tuple[str, ...]:
    return tuple(cell.strip().strip('"') for cell in whole.split(separator, MOST_COLUMNS))


def plain_cell(cell: str) -> str:
    """Return what a cell says: without the marks with which programs keep text from being a formula."""
    cell = cell.strip()
    if cell.startswith('="') and cell.endswith('"') and len(cell) > 2:
        return cell[2:-1]
    return spreadsheet.plain(cell)


def _numbered(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    return ((number, line.replace("\0", "")) for number, line in enumerate(lines, 1))


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines with their ends. What is not valid in the encoding becomes U+FFFD: addresses are in ASCII."""
    text = ""
    for piece in _decoded(pieces):
        text += piece
        found = _LINES.findall(text)
        text = found.pop() if found else ""
        yield from found
        if len(text) > LONGEST:
            yield text[:_LINE]  # no table has such a line
            text = ""
    if text:
        yield text


def _decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    rest = iter(pieces)
    beginning = b""
    for piece in rest:
        beginning += piece
        if len(beginning) >= BEGINNING:
            break
    decoder = codecs.getincrementaldecoder(encoding_of(beginning))(errors="replace")
    for piece in chain([beginning], rest):
        yield decoder.decode(piece).lstrip("\ufeff")
    yield decoder.decode(b"", final=True)
