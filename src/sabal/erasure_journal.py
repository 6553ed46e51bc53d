"""The erasure journal: suppressed and invited addresses and erased signatures, in a file outside the database.

A restored backup would otherwise forget them. Each is one JSON line, appended and flushed. A line contains a
keyed hash, which reveals nothing without the server's keys, or a commitment, which reveals nothing once its signature
is erased.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sabal import private, settings

UNSUBSCRIBED, NOT_ME, WITHDRAWN, INVITED = "unsubscribed", "not-me", "withdrawn", "invited"
# Kinds of line with the commitment of an erased signature, and the number of the reason (docs/log-format.md).
ERASED = {WITHDRAWN: 1, "duplicate": 2, "automated": 3, "other": 4}


@dataclass(frozen=True)
class Erasure:
    """One line of the file. `hash` is C if the kind is in `ERASED`.

    `organisation` is the key of the organisation whose list was left, else empty. Of its newsletter `petition_id` is 0.
    The kinds that suppress an address in every list are those of newsletter/suppression.py. Of an invitation,
    `organisation` is the one that invites, and `row` the id in the link of the email.
    """

    kind: str
    hash: bytes
    petition_id: int
    organisation: str = ""
    row: int = 0


def append(entries: Sequence[Erasure]) -> None:
    """Append these in one write. They are on disk when this returns. Raise OSError if not all could be written."""
    if not entries:
        return
    # Begin on a new line, so that half a line, left by a crash or a full disk, does not damage these.
    lines = ["", *map(_line, entries), ""]
    private.append(path(), "\n".join(lines).encode("ascii"))


def read() -> Iterator[Erasure]:
    """Yield each readable line; none if there is no file. Skip half a line, which a crash may leave."""
    try:
        lines = path().open(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return
    with lines:
        for line in lines:
            if (entry := _entry(line)) is not None:
                yield entry


def path() -> Path:
    """Return the path of the file, in the data folder."""
    return settings.DATA / "erasure-journal.jsonl"


def _entry(line: str) -> Erasure | None:
    try:
        entry = json.loads(line)
        organisation, row = str(entry.get("organisation", "")), int(entry.get("row", 0))
        digest, petition_id = bytes.fromhex(entry["hash"]), int(entry["petition"])
        return Erasure(str(entry["kind"]), digest, petition_id, organisation, row)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _line(entry: Erasure) -> str:
    line: dict[str, object] = {"kind": entry.kind, "hash": entry.hash.hex(), "petition": entry.petition_id}
    if entry.organisation:
        line["organisation"] = entry.organisation
    if entry.row:
        line["row"] = entry.row
    return json.dumps(line)
