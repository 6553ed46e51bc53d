"""The signers of opened records: as CSV for a spreadsheet, as JSON lines for a program, or for a terminal."""

import json
import re
from collections.abc import Iterable, Iterator

from sabal.records.export import Opened
from sabal.records.record import RECORD_FIELDS
from sabal.spreadsheet import csv_line

COLUMNS = {
    "name": "as the signer typed it",
    "email": "as the signer typed it",
    "place": "the country that was chosen, as two letters; empty if none",
    "comment": "as the signer typed it",
    "consent": "code of the sentences agreed to; the manifest in the log has them",
    "day": "of signing, in UTC",
    "language": "of the page where it was signed",
    "index": "number in the public log; empty if none is known yet",
    "checked": "yes: it is the record that was signed; NO: it is not, or cannot be opened",
}
"""The columns and what each of them means, for the help of `sabal open`. docs/delivery.md has the same."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def as_csv(opened: Iterable[Opened]) -> Iterator[str]:
    """Yield CSV lines with a header. No cell can be read as a formula by a spreadsheet."""
    yield csv_line(tuple(COLUMNS))
    for one in opened:
        yield csv_line(_row(one))


def as_jsonl(opened: Iterable[Opened]) -> Iterator[str]:
    """Yield one JSON object a line, with the values as they were signed."""
    for one in opened:
        line = dict(zip(COLUMNS, _row(one), strict=True)) | {"index": one.index}
        yield json.dumps(line, ensure_ascii=False) + "\n"


def printable(text: str) -> str:
    """Return text without control characters, which could falsify the output of a terminal."""
    return _CONTROLS.sub("\ufffd", text)


def _row(one: Opened) -> list[str]:
    return [
        *(one.fields[name] for name in RECORD_FIELDS),
        one.language,
        "" if one.index is None else str(one.index),
        "yes" if one.checked else "NO",
    ]
