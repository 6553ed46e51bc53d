"""Write tables for spreadsheets, which run a cell that begins like a formula."""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence

import regex

# Every character that begins a formula, before or after NFKC, which some programs apply.
BEGINNINGS = "".join(
    chr(c) for c in range(0x10000) if unicodedata.normalize("NFKC", chr(c))[:1] in set("=+-@")
)
_BEGINS = rf"[{re.escape(BEGINNINGS)}]"
_BLANK = r"[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"  # as `str.isspace`
# Look backwards from the character that begins a formula. Forwards, a long row of blanks takes quadratic time.
_FORMULA = regex.compile(rf"(?={_BEGINS})(?<=^|[;|\r\n]{_BLANK}*)|^(?=\t|\r(?!{_BLANK}*{_BEGINS}))")
_MADE_HARMLESS = regex.compile(rf"'(?={_BEGINS})(?<=(?:^|[;|\r\n]{_BLANK}*)')|^'(?=[\t\r])")


def csv_line(cells: Sequence[str]) -> str:
    """Return one line of CSV (RFC 4180) of harmless cells."""
    out = io.StringIO()
    csv.writer(out).writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def harmless(value: str) -> str:
    """Return a cell that is text: put an apostrophe before a possible formula (OWASP, CSV injection).

    Some languages' programs also split cells at `;` or `|`, so do this for each piece.
    """
    safe: str = _FORMULA.sub("'", value)
    return safe


def plain(cell: str) -> str:
    """Return a cell of a table that was written here, without the apostrophes of `harmless`."""
    bare: str = _MADE_HARMLESS.sub("", cell)
    return bare
