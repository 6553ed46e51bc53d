"""Tables for spreadsheets, which take what begins like a formula for one."""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence

# Every character that NFKC, which some programs apply, turns into the beginning of a formula.
_BEGINNINGS = "".join(
    chr(c) for c in range(0x10000) if unicodedata.normalize("NFKC", chr(c))[:1] in set("=+-@")
)
_FORMULA = re.compile(rf"(^|[;|\r\n]\s*)(?=[{re.escape(_BEGINNINGS)}])|()(?<![\s\S])(?=[\t\r])")


def csv_line(cells: Sequence[str]) -> str:
    """One line of CSV (RFC 4180), its cells made harmless."""
    out = io.StringIO()
    csv.writer(out).writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def harmless(value: str) -> str:
    """A cell that is text: what could be taken for a formula gets an apostrophe (OWASP, CSV injection).

    Where a program splits at `;` or `|`, as some languages' do, every piece is a cell of its own.
    """
    return _FORMULA.sub(r"\1'", value)
