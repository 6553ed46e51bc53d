"""Who wants no letters and who withdrew, kept outside the database: a restored backup must not forget it.

One JSON line each, appended and flushed: keyed hashes, which say nothing without the house's keys, and commitments,
which say nothing at all once their signature is erased.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sabal import private, settings

UNSUBSCRIBED, NOT_ME, WITHDRAWN = "unsubscribed", "not-me", "withdrawn"
# Kinds of line that hold the commitment of a signature that was erased, and the reason in docs/log-format.md.
ERASED = {WITHDRAWN: 1, "duplicate": 2, "automated": 3, "other": 4}


@dataclass(frozen=True)
class Erasure:
    """One line of the file. `hash` is C where the kind is of ERASED; `petition_id` 0 is the newsletter of the house."""

    kind: str
    hash: bytes
    petition_id: int


def append(entries: Sequence[Erasure]) -> None:
    """Remember these, by one write; on disk when this returns. Raises OSError where they could not be written whole."""
    if not entries:
        return
    # They begin on a line of their own, so that half a line that a crash or a full disk left behind spoils no other.
    lines = ["", *map(_line, entries), ""]
    private.append(_file(), "\n".join(lines).encode("ascii"))


def read(file: Path | None = None) -> Iterator[Erasure]:
    """Every line that can be read; half a line, written in a crash, is passed over."""
    try:
        lines = (file or _file()).read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            entry = json.loads(line)
            yield Erasure(str(entry["kind"]), bytes.fromhex(entry["hash"]), int(entry["petition"]))
        except (ValueError, KeyError, TypeError):
            continue


def _line(entry: Erasure) -> str:
    return json.dumps({"kind": entry.kind, "hash": entry.hash.hex(), "petition": entry.petition_id})


def _file() -> Path:
    return settings.DATA / "erasure-journal.jsonl"
