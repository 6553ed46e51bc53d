"""Sealed records on their way to the organiser: written on the server, opened anywhere.

The file is JSON lines. The first says what it is; each other holds one record as an age file in base64, with the
commitment that stands for it, so that the organiser's machine can check that the record is the one that was signed.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import agefile
from sabal.database import Database
from sabal.petitions.manifest import RECORD_FIELDS
from sabal.signing import record
from sabal.spreadsheet import csv_line

FORMAT = "sabal sealed records, version 1"
CHUNK = 500
Progress = Callable[[int], None]
COLUMNS = (*RECORD_FIELDS, "language", "checked")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class ExportError(Exception):
    """A file that is no export, or a line of it that is damaged. The sentence names the line."""


@dataclass(frozen=True)
class Opened:
    """One record in clear. `checked`: whether it is the one that its commitment stands for.

    `unreadable` is its line in the file where it could not be opened: then nothing is checked and every field empty.
    """

    fields: dict[str, str]
    language: str
    checked: bool
    unreadable: int | None = None

    def row(self) -> list[str]:
        """The values in the order of COLUMNS."""
        return [
            *(self.fields[name] for name in RECORD_FIELDS),
            self.language,
            "yes" if self.checked else "NO",
        ]


def write_sealed(database: Database, petition_id: int, slug: str) -> Iterator[str]:
    """The lines of an export: every confirmed signature of a petition, sealed as it lies here."""
    yield json.dumps({"format": FORMAT, "petition": slug}, ensure_ascii=False) + "\n"
    last = b""
    while True:
        # In the order of C, which is the order of nothing.
        rows = database.query(
            "SELECT s.commitment, e.body FROM signing_signature s JOIN signing_sealed e ON e.id = s.sealed_id"
            f" WHERE s.petition_id = ? AND s.commitment > ? ORDER BY s.commitment LIMIT {CHUNK}",
            (petition_id, last),
        )
        for commitment, body in rows:
            line = {"commitment": bytes(commitment).hex(), "record": base64.b64encode(bytes(body)).decode()}
            yield json.dumps(line) + "\n"
        if len(rows) < CHUNK:
            return
        last = bytes(rows[-1][0])


def open_sealed(
    lines: Iterable[str], identities: Sequence[agefile.Identity], progress: Progress = lambda n: None
) -> Iterator[Opened]:
    """Open an export record by record; what cannot be opened comes as unreadable, and keeps back none of the others.

    Raises ExportError where it is no export at all.
    """
    numbered = enumerate(lines, start=1)
    if _parsed(1, next(numbered, (1, ""))[1]).get("format") != FORMAT:
        raise ExportError("This is no file that `sabal sealed` wrote: its first line does not say so.")
    for number, line in numbered:
        try:
            yield open_record(_parsed(number, line), number, identities)
        except (agefile.AgeError, ExportError):
            yield Opened(dict.fromkeys(RECORD_FIELDS, ""), "", checked=False, unreadable=number)
        progress(number - 1)


def open_record(line: dict[str, Any], number: int, identities: Sequence[agefile.Identity]) -> Opened:
    """Open one line of an export and hold it against its commitment. Raises ExportError, AgeError."""
    try:
        sealed, commitment = (
            base64.b64decode(line["record"], validate=True),
            bytes.fromhex(line["commitment"]),
        )
    except (KeyError, ValueError, TypeError):
        raise ExportError(f"Line {number} is damaged: it holds no record.") from None
    opened = agefile.decrypt(sealed, identities)
    try:
        plain = json.loads(opened)
        fields = {name: str(plain["fields"][name]) for name in RECORD_FIELDS}
        language = str(plain["lang"])
        language.encode()  # half a character can be written into JSON, and nowhere else
        expected = record.commitment(bytes.fromhex(plain["manifest"]), bytes.fromhex(plain["seed"]), fields)
    except (KeyError, ValueError, TypeError, RecursionError):
        raise ExportError(f"Line {number} is damaged: what was sealed is no record.") from None
    return Opened(fields, language, expected == commitment)


def as_csv(opened: Iterable[Opened]) -> Iterator[str]:
    """CSV lines for a spreadsheet, with a header; no cell is taken for a formula."""
    yield csv_line(COLUMNS)
    for one in opened:
        yield csv_line(one.row())


def as_jsonl(opened: Iterable[Opened]) -> Iterator[str]:
    """One JSON object a line, values as they were signed."""
    for one in opened:
        yield json.dumps(dict(zip(COLUMNS, one.row(), strict=True)), ensure_ascii=False) + "\n"


def printable(text: str) -> str:
    """What may go to a terminal: without the control characters that could make it lie."""
    return _CONTROLS.sub("\ufffd", text)


def _parsed(number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ExportError(f"Line {number} is damaged: it is no JSON object.")
    return value
