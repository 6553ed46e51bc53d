"""One language as a table for a translator who has no access: write it as .xlsx or CSV, and read it again.

The columns are known by the words of the first row, so that they may be moved. Cells are text: in .xlsx they are
stored as such, in CSV an apostrophe is before each possible formula, and is taken away when the table is read.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import xlsxwriter
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from sabal import textfile
from sabal.desk.languages import Language
from sabal.desk.pieces import names_of
from sabal.desk.translating import Sheet
from sabal.desk.workbook import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, NotATable, rows_of
from sabal.petitions.pieces import normal
from sabal.refusal import Refusal
from sabal.spreadsheet import csv_line, plain

MOST_BYTES = 5_000_000
KEY, PART, SOURCE, TRANSLATION, STATE = "key", "part", "source", "translation", "state"
HEADINGS = {
    KEY: _("key"),
    PART: _("part"),
    SOURCE: _("source"),
    TRANSLATION: _("translation"),
    STATE: _("state"),
}
STATES = {
    "done": _("done"),
    "missing": _("missing"),
    "outdated": _("outdated"),
    "extra": _("only here"),
}
csv.field_size_limit(MOST_BYTES)
_WIDTHS = (22, 26, 60, 60, 12)


@dataclass(frozen=True)
class TranslationRow:
    """One line of a table that can be used: which piece, and the two texts."""

    number: int
    key: str
    source: str
    text: str


@dataclass
class TranslationTable:
    """What a file says. `bad` has the number of each row that cannot be used, with a code and a detail.

    The codes: "unknown" (no such piece), "twice" (a piece for the second time).
    """

    rows: list[TranslationRow] = field(default_factory=list)
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    empty: int = 0


def _lines(sheet: Sheet, source: Language, language: Language) -> Iterator[tuple[str, ...]]:
    key, part, original, translated, state = (
        str(HEADINGS[one]) for one in (KEY, PART, SOURCE, TRANSLATION, STATE)
    )
    shown = [one.here or one.english for one in (source, language)]
    yield key, part, f"{original}: {shown[0]}", f"{translated}: {shown[1]}", state
    names = names_of(sheet)
    for piece in sheet.pieces:
        yield piece.key, names[piece.key], piece.source, piece.text, str(STATES[piece.state])


def as_csv(sheet: Sheet, source: Language, language: Language) -> bytes:
    """Return the table as CSV in UTF-8 with the mark by which spreadsheets know it."""
    return "".join(["\ufeff", *map(csv_line, _lines(sheet, source, language))]).encode()


def as_xlsx(sheet: Sheet, source: Language, language: Language) -> bytes:
    """Return the table as .xlsx. Only the translations can be changed. Raises Refusal if a text fits into no cell."""
    lines = list(_lines(sheet, source, language))
    if any(len(cell) > LONGEST_CELL for line in lines for cell in line):
        raise Refusal(
            f"A piece is longer than a cell of a spreadsheet holds ({LONGEST_CELL} characters). Use the CSV file."
        )
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet(language.tag[:31])
        page.protect("", {"format_columns": True, "format_rows": True})  # against slips: there is no password
        page.freeze_panes(1, 0)
        head = book.add_format({"bold": True, "bottom": 1})
        fixed = book.add_format(_cell(source.direction))
        free = book.add_format({**_cell(language.direction), "locked": False, "bg_color": "#fffbe6"})
        for column, width in enumerate(_WIDTHS):
            page.set_column(column, column, width)
        for row, line in enumerate(lines):
            for column, cell in enumerate(line):
                page.write_string(row, column, cell, head if not row else free if column == 3 else fixed)
    return out.getvalue()


def _cell(direction: str) -> dict[str, Any]:
    return {"text_wrap": True, "valign": "top", "reading_order": 2 if direction == "rtl" else 1}


def read(content: bytes, sheet: Sheet) -> TranslationTable:
    """Return what a file says about the pieces of a language. Raises NotATable, which says why it is no such table."""
    if len(content) > MOST_BYTES:
        raise NotATable("large")
    rows = rows_of(content) if content.startswith(b"PK\x03\x04") else _rows_of_text(content)
    known = {piece.key: piece for piece in sheet.pieces}
    columns, first = _columns(rows)
    found, seen = TranslationTable(), set[str]()
    for number, cells in enumerate(rows[first:], first + 1):
        key, source, text = (cells[at] if at is not None and at < len(cells) else "" for at in columns)
        key = key.strip()
        if not key and not text.strip():
            continue
        if key not in known:
            found.bad.append((number, "unknown", key[:80]))
        elif key in seen:
            found.bad.append((number, "twice", key))
        elif not text.strip():
            found.empty += 1
        else:
            found.rows.append(TranslationRow(number, key, normal(key, source), text))
        seen.add(key)
    return found


def _columns(rows: list[list[str]]) -> tuple[tuple[int, int | None, int], int]:
    """Return the places of key, source and translation, and the number of rows up to the one that names them."""
    for number, cells in enumerate(rows[:10], 1):
        names = [_column(cell) for cell in cells]
        if KEY in names and TRANSLATION in names:
            source = names.index(SOURCE) if SOURCE in names else None
            return (names.index(KEY), source, names.index(TRANSLATION)), number
    raise NotATable("columns")


def _column(cell: str) -> str:
    """Return which column a heading names, in any language of the desk; "" if none."""
    heading = re.split(r"[:：]", cell.strip(), maxsplit=1)[0].strip().casefold()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for name, said in HEADINGS.items():
                if heading in (name, str(said).casefold()):
                    return name
    return ""


def _rows_of_text(content: bytes) -> list[list[str]]:
    """Return the rows of CSV with commas, semicolons or tabs, as programs of different countries write it."""
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise NotATable("old")
    try:
        text = textfile.decode(content)
    except textfile.NotText as error:
        raise NotATable("encoding") from error
    beginning = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=beginning.count)
    rows = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append([plain(cell) for cell in cells[:MOST_COLUMNS]])
            if len(rows) > MOST_ROWS:
                raise NotATable("large")
    except csv.Error as error:
        raise NotATable("broken") from error
    return rows
