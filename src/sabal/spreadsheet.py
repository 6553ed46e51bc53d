"""Write tables for spreadsheets, which run a cell that begins like a formula."""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence

# Every character that begins a formula, before or after NFKC, which some programs apply.
BEGINNINGS = "".join(
    chr(c) for c in range(0x10000) if unicodedata.normalize("NFKC", chr(c))[:1] in set("=+-@")
)
_FORMULA = re.compile(rf"(^|[;|\r\n]\s*)(?=[{re.escape(BEGINNINGS)}])|()(?<![\s\S])(?=[\t\r])")
_MADE_HARMLESS = re.compile(rf"(^|[;|\r\n]\s*)'(?=[{re.escape(BEGINNINGS)}])|()(?<![\s\S])'(?=[\t\r])")


def csv_line(cells: Sequence[str]) -> str:
    """Return one line of CSV (RFC 4180) of harmless cells."""
    out = io.StringIO()
    csv.writer(out).writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def harmless(value: str) -> str:
    """Return a cell that is text: put an apostrophe before a possible formula (OWASP, CSV injection).

    Some languages' programs also split cells at `;` or `|`, so do this for each piece.
    """
    return _FORMULA.sub(r"\1'", value)


def plain(cell: str) -> str:
    """Return a cell of a table that was written here, without the apostrophes of `harmless`."""
    return _MADE_HARMLESS.sub(r"\1", cell)
