"""Sealed records on their way to the organiser: written on the server, opened anywhere.

The file is JSON lines. The first says of which log it is and which of its signatures do not count any more; each other
holds one record as an age file in base64, with the commitment that stands for it, so that the organiser's machine can
check that the record is the one that was signed. Files of version 1, which know no index, are still opened.
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
    """A file that is no export, or a line of it that is damaged. The sentence names the line."""


@dataclass(frozen=True)
class Header:
    """What the first line of an export says; of version 1 the petition alone."""

    petition: str
    origin: str = ""
    checkpoint: str = ""  # the published note as text, empty before the first one
    size: int = 0
    revoked: tuple[int, ...] = ()  # of all that are in the published tree, ascending
    code: str | None = (
        None  # base64 of an age file: what the organiser must read to have records deleted here
    )

    def code_bytes(self) -> bytes:
        """The age file that holds the code. Raises ExportError where there is none, or it is damaged."""
        if self.code is None:
            raise ExportError("Line 1 holds no code: this export was not written by `sabal sealed`.")
        try:
            return base64.b64decode(self.code, validate=True)
        except ValueError:
            raise ExportError("Line 1 is damaged: its code is not base64.") from None


@dataclass(frozen=True)
class Export:
    """An export whose first line was read; the records are read once, from `lines`, numbered as in the file."""

    header: Header
    lines: Iterator[tuple[int, str]]
    name: str = ""


@dataclass(frozen=True)
class Opened:
    """One record in clear. `checked`: whether it is the one that its commitment stands for.

    `index` is None where its export did not know one. `unreadable` is its line in the file `export` where it could not
    be opened: then nothing is checked and every field empty.
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
        """What opens each field's digest, 16 bytes each; of a record that was opened."""
        return {name: record.salt(self.seed, name) for name in RECORD_FIELDS}


def read(lines: Iterable[str], name: str = "") -> Export:
    """Begin to read an export: its first line. Raises ExportError where it is no export."""
    numbered = enumerate(lines, start=1)
    first = _parsed(1, next(numbered, (1, ""))[1])
    if first.get("format") not in (FORMAT, OLD_FORMAT):
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
    """Open exports of one petition: each record once, and none that any of them knows to be revoked.

    What cannot be opened comes as unreadable, and keeps back none of the others. Raises ExportError where the exports
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
    # The newest first: it knows the index of a record that an older one holds as well.
    for export in sorted(exports, key=lambda one: -one.header.size):
        for number, text in export.lines:
            done += 1
            progress(done)
            line = None
            try:
                line = _line(number, text, export.header)
                if line.index in revoked or line.commitment in seen:
                    continue
                # Of two records with one index the first may be invented; which is the log's, only the log can say.
                index = None if line.index in taken else line.index
                one = open_record(line.sealed, line.commitment, identities, index, export.name)
            except (agefile.AgeError, ExportError):
                yield _unreadable(number, line, export.name)
                continue
            if one.checked:  # what is not the record that was signed takes no place from the one that is
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
    """Open one sealed record and hold it against its commitment. Raises ExportError, AgeError."""
    try:
        plain = json.loads(agefile.decrypt(sealed, identities))
        fields = {name: str(plain["fields"][name]) for name in RECORD_FIELDS}
        language, risk = str(plain["lang"]), plain.get("risk", {})
        language.encode()  # half a character can be written into JSON, and nowhere else
        manifest_hash, seed = bytes.fromhex(plain["manifest"]), bytes.fromhex(plain["seed"])
        expected = record.commitment(manifest_hash, seed, fields)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise ExportError("A decrypted line is not a record.") from None
    risk = risk if isinstance(risk, dict) else {}
    checked = expected == commitment
    return Opened(fields, language, checked, index, commitment, manifest_hash, seed, risk, export=name)


def revoked_in(exports: Sequence[Export]) -> frozenset[int]:
    """What any of the exports knows to be revoked. Raises ExportError where they are of several petitions."""
    headers = [export.header for export in exports]
    # Version 1 names no log.
    if len({h.origin for h in headers if h.origin}) > 1 or (
        len({h.petition for h in headers}) > 1 and not all(h.origin for h in headers)
    ):
        raise ExportError("These exports are of different petitions. Open them one after the other.")
    return frozenset(index for header in headers for index in header.revoked)


def drain_proof(code: bytes, commitments: Iterable[bytes]) -> str:
    """What only somebody who opened a whole export can say: the code that lets the server delete those records."""
    ascending = sorted(commitments)
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
    """An index inside the published tree, whose first entry is no signature. Raises ValueError."""
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
    """The first line of version 2. Raises KeyError, ValueError, TypeError, TlogError."""
    size, revoked, code = first["size"], first["revoked"], first["code"]
    header = Header(
        _text(first["petition"]),
        _text(first["origin"]),
        _text(first["checkpoint"]),
        size,
        tuple(revoked),
        None if code is None else _text(code),
    )
    # What the checkpoint is worth is asked where there is a log to hold it against.
    claimed = tlog.checkpoint.peek(header.checkpoint.encode()) if header.checkpoint else None
    if type(size) is not int or (claimed.size if claimed else 0) != size:
        raise ValueError("not the checkpoint's size")
    if claimed and claimed.origin != header.origin:
        raise ValueError("not the checkpoint's log")
    if not all(type(index) is int and 0 < index < size for index in revoked) or any(
        one >= next_one for one, next_one in itertools.pairwise(revoked)
    ):
        raise ValueError("no list of revoked indexes")
    return header


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    value.encode()
    return value


def _parsed(number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ExportError(f"Line {number} is damaged: it is not a JSON object.")
    return value
