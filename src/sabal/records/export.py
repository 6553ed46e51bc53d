"""Exports: files of sealed records for the organiser. The server writes them; they can be opened on any computer.

An export is JSON lines. The first line names the log and lists the revoked signatures. Each other line contains one
record, as an age file in base64, and its commitment. With the commitment, the organiser's computer checks that the
record is the signed one. Files of version 1, which have no indexes, can still be opened.
"""

import base64
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import agefile
import tlog
from sabal.records import record
from sabal.records.record import RECORD_FIELDS
from sabal.refusal import Refusal

FORMAT = "sabal sealed records, version 2"
OLD_FORMAT = "sabal sealed records, version 1"
Progress = Callable[[int], None]


class ExportError(Refusal):
    """The file is no export, or a line is damaged. The sentence names the line."""


@dataclass(frozen=True)
class Header:
    """The first line of an export. In version 1 it has only the petition."""

    petition: str
    origin: str = ""
    checkpoint: str = ""
    """The published note as text; empty before the first one."""
    size: int = 0
    revoked: tuple[int, ...] = ()
    """All revoked indexes of the published tree, ascending."""
    code: str | None = None
    """An age file in base64. The organiser must decrypt it to have the records on the server deleted."""

    def code_bytes(self) -> bytes:
        """Return the age file with the code. Raises ExportError if it is missing or damaged."""
        if self.code is None:
            raise ExportError("Line 1 holds no code: this export was not written by `sabal sealed`.")
        try:
            return base64.b64decode(self.code, validate=True)
        except ValueError:
            raise ExportError("Line 1 is damaged: its code is not base64.") from None


@dataclass(frozen=True)
class Export:
    """An export whose first line was read. `lines` gives the numbered record lines, once."""

    header: Header
    lines: Iterator[tuple[int, str]]
    name: str = ""


@dataclass(frozen=True)
class Opened:
    """One decrypted record. `checked` is true if the record fits its commitment.

    `index` is None if the export has no index for it. `unreadable` is the line in the file `export` if the record could
    not be opened. Then `checked` is false and every field is empty.
    """

    fields: Mapping[str, str] = field(repr=False)
    language: str
    checked: bool
    index: int | None = None
    commitment: bytes = b""
    manifest_hash: bytes = b""
    seed: bytes = field(default=b"", repr=False)
    risk: Mapping[str, object] = field(default_factory=dict)
    unreadable: int | None = None
    export: str = ""

    def salts(self) -> dict[str, bytes]:
        """Return the salt of each field's digest, 16 bytes each. The record must be readable."""
        return {name: record.salt(self.seed, name) for name in RECORD_FIELDS}


def read(lines: Iterable[str], name: str = "") -> Export:
    """Read the first line of an export. Raises ExportError if the file is no export."""
    numbered = enumerate(lines, start=1)
    first = _object(next(numbered, (1, ""))[1])
    if first is None or first.get("format") not in (FORMAT, OLD_FORMAT):
        raise ExportError("This is not a file that `sabal sealed` wrote: its first line does not say so.")
    try:
        header = Header(_text(first["petition"]))
        if first["format"] == FORMAT:
            header = _header(first)
    except (KeyError, ValueError, TypeError, tlog.TlogError):
        raise ExportError("Line 1 is damaged: it does not say of which log these records are.") from None
    return Export(header, numbered, name)


def open_sealed(
    exports: Sequence[Export], identities: Sequence[agefile.Identity], progress: Progress = lambda n: None
) -> Iterator[Opened]:
    """Yield each record of one petition's exports once. Leave out the records that any export lists as revoked.

    A record that cannot be opened is yielded as unreadable, and the others follow. Raises ExportError if the exports
    are of several petitions.
    """
    return _opened(exports, revoked_in(exports), identities, progress)


def _opened(
    exports: Sequence[Export],
    revoked: frozenset[int],
    identities: Sequence[agefile.Identity],
    progress: Progress,
) -> Iterator[Opened]:
    seen: set[bytes] = set()
    taken: set[int | None] = set()
    done = 0
    # Read the newest export first: it has the index of a record that is also in an older one.
    for export in sorted(exports, key=lambda one: -one.header.size):
        for number, text in export.lines:
            done += 1
            progress(done)
            line = None
            try:
                line = _line(number, text, export.header)
                if line.index in revoked or line.commitment in seen:
                    continue
                # The first of two records with one index may be invented. Only the log shows which one is right.
                index = None if line.index in taken else line.index
                one = open_record(line.sealed, line.commitment, identities, index, export.name)
            except (agefile.AgeError, ExportError):
                yield _unreadable(number, line, export.name)
                continue
            if one.checked:  # a record that was not signed must not replace the signed one
                seen.add(one.commitment)
                taken.add(index)
            yield one


def open_record(
    sealed: bytes,
    commitment: bytes,
    identities: Sequence[agefile.Identity],
    index: int | None = None,
    name: str = "",
) -> Opened:
    """Open one sealed record and compare it with its commitment. Raises ExportError, AgeError."""
    try:
        plain = json.loads(agefile.decrypt(sealed, identities))
        fields = {name: _text(plain["fields"][name]) for name in RECORD_FIELDS}
        language, risk = _text(plain["lang"]), plain.get("risk", {})
        manifest_hash, seed = bytes.fromhex(plain["manifest"]), bytes.fromhex(plain["seed"])
        expected = record.commitment(manifest_hash, seed, fields)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise ExportError("A decrypted line is not a record.") from None
    risk = risk if isinstance(risk, dict) else {}
    checked = expected == commitment
    return Opened(fields, language, checked, index, commitment, manifest_hash, seed, risk, export=name)


def revoked_in(exports: Sequence[Export]) -> frozenset[int]:
    """Return all indexes that an export lists as revoked. Raises ExportError if there are several petitions."""
    headers = [export.header for export in exports]
    # Version 1 names no log.
    if len({h.origin for h in headers if h.origin}) > 1 or (
        len({h.petition for h in headers}) > 1 and not all(h.origin for h in headers)
    ):
        raise ExportError("These exports are of different petitions. Open them one after the other.")
    return frozenset(index for header in headers for index in header.revoked)


class Commitments:
    """Many commitments of 32 bytes, in ascending order. Each takes its 32 bytes of memory and little more."""

    def __init__(self) -> None:
        self._by_first_byte = [bytearray() for _ in range(256)]

    def add(self, commitment: bytes) -> None:
        """Add one."""
        self._by_first_byte[commitment[0]] += commitment

    def __len__(self) -> int:
        return sum(map(len, self._by_first_byte)) // record.W_BYTES

    def __iter__(self) -> Iterator[bytes]:
        for data in self._by_first_byte:
            yield from sorted(
                bytes(data[at : at + record.W_BYTES]) for at in range(0, len(data), record.W_BYTES)
            )


def drain_proof(code: bytes, commitments: Iterable[bytes] | Commitments) -> str:
    """Return the code that lets the server delete these records. It needs the whole export, opened."""
    ascending = commitments if isinstance(commitments, Commitments) else sorted(commitments)
    proof = hashlib.sha256(b"petition/1 drain\n" + b"".join(code.split()))
    proof.update(len(ascending).to_bytes(8))
    for commitment in ascending:
        proof.update(commitment)
    return proof.hexdigest()


@dataclass(frozen=True)
class _Line:
    index: int | None
    commitment: bytes
    sealed: bytes


def _line(number: int, text: str, header: Header) -> _Line:
    line = _parsed(number, text)
    try:
        commitment = bytes.fromhex(line["commitment"])
        found = _Line(
            _index(line.get("index"), header), commitment, base64.b64decode(line["record"], validate=True)
        )
    except (KeyError, ValueError, TypeError):
        raise ExportError(f"Line {number} is damaged: it holds no record.") from None
    if len(commitment) != record.W_BYTES:
        raise ExportError(f"Line {number} is damaged: it holds no record.")
    return found


def _index(value: object, header: Header) -> int | None:
    """Return an index of the published tree. Entry 0 is not a signature. Raises ValueError."""
    if value is None or not header.origin:
        return None
    if type(value) is not int or not 0 < value < header.size:
        raise ValueError("not in the log")
    return value


def _unreadable(number: int, line: _Line | None, name: str) -> Opened:
    empty = dict.fromkeys(RECORD_FIELDS, "")
    known = (line.index, line.commitment) if line else (None, b"")
    return Opened(empty, "", False, *known, unreadable=number, export=name)


def _header(first: Mapping[str, Any]) -> Header:
    """Return the header of version 2. Raises KeyError, ValueError, TypeError, TlogError."""
    size, revoked, code = first["size"], first["revoked"], first["code"]
    header = Header(
        _text(first["petition"]),
        _text(first["origin"]),
        _text(first["checkpoint"]),
        size,
        tuple(revoked),
        None if code is None else _text(code),
    )
    # The checkpoint is not verified here. `sabal.organiser` compares it with the log.
    claimed = tlog.checkpoint.peek(header.checkpoint.encode()) if header.checkpoint else None
    if type(size) is not int or (claimed.size if claimed else 0) != size:
        raise ValueError("not the checkpoint's size")
    if claimed and claimed.origin != header.origin:
        raise ValueError("not the checkpoint's log")
    if not isinstance(revoked, list):
        raise TypeError("no list of revoked indexes")
    if not all(type(index) is int and 0 < index < size for index in revoked) or any(
        one >= next_one for one, next_one in itertools.pairwise(revoked)
    ):
        raise ValueError("no list of revoked indexes")
    return header


def _text(value: object) -> str:
    """Return a text. Raise TypeError for anything else, and ValueError for a lone surrogate, which has no bytes."""
    if not isinstance(value, str):
        raise TypeError("no text")
    value.encode()
    return value


def _parsed(number: int, line: str) -> dict[str, Any]:
    value = _object(line)
    if value is None:
        raise ExportError(f"Line {number} is damaged: it is not a JSON object.")
    return value


def _object(line: str) -> dict[str, Any] | None:
    """Return the JSON object of a line; None if it is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
