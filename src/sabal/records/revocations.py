"""Read, check and write files of revocations: an organiser's proposal of signatures that should not count.

The file is JSON lines, which people can read and edit. It is not encrypted and contains no personal data. On the
server, `sabal revoke` applies it. docs/delivery.md "Looking through what was opened".
"""

import io
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sabal import strict, textfile, typed
from sabal.counted import counted, some_entries
from sabal.refusal import Refusal
from tlog.entry import Reason

FORMAT = "sabal revocations, version 1"
REASONS = {"duplicate": Reason.DUPLICATE, "automated": Reason.FAKE, "other": Reason.OTHER}
"""The reasons in the file. WITHDRAWN is missing, because only the signer can withdraw."""
MOST_LINE = 1_000  # characters
MOST_WHY = 200
MOST_LINES = 2_000_000

_FIRST_LINE_KEYS, _LINE_KEYS = {"format", "origin", "size"}, {"index", "reason", "why"}


class RevocationsError(Refusal):
    """The file cannot be applied. The sentence names the line or the index.

    `kind` and `values` say the same for a page in another language.
    """

    def __init__(self, kind: str, sentence: str, **values: object) -> None:
        super().__init__(sentence)
        self.kind, self.values = kind, values


@dataclass(frozen=True)
class Revocation:
    """One signature that should not count. `why` is for people and contains no names."""

    index: int
    reason: Reason
    why: str


@dataclass(frozen=True)
class Revocations:
    """A proposal for the log `origin`, made when the log had `size` entries."""

    origin: str
    size: int
    items: tuple[Revocation, ...]


def read_file(path: Path) -> Revocations:
    """Read the file at a path, as any editor saved it. Raises RevocationsError, OSError."""
    with path.open("rb") as file:
        return read_binary(file)


def read_binary(file: BinaryIO) -> Revocations:
    """Read an open file from its beginning. Raises RevocationsError, OSError."""
    file.seek(0)
    encoding = textfile.encoding_of(file.read(textfile.BEGINNING))
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, errors="replace")
    try:
        return read(iter(lambda: text.readline(MOST_LINE + 1), ""))
    finally:
        text.detach()  # else it would close the file


def read(lines: Iterable[str]) -> Revocations:
    """Read a file from its lines. Empty lines are ignored. Raises RevocationsError."""
    numbered = enumerate(lines, start=1)
    first = _object(*next(numbered, (1, "")))
    if (
        first.get("format") != FORMAT
        or set(first) != _FIRST_LINE_KEYS
        or not isinstance(first["origin"], str)
    ):
        raise RevocationsError(
            "no-file", "This is not a file of revocations: its first line does not say so."
        )
    origin, size = first["origin"], first["size"]
    if not origin.isprintable() or not origin or not strict.is_count(size):
        raise RevocationsError("no-log", "Line 1 does not say for which log and at which size this was made.")
    items: dict[int, Revocation] = {}
    for number, line in numbered:
        if number > MOST_LINES:
            raise RevocationsError(
                "too-long", f"A file of revocations has at most {MOST_LINES:,} lines.", most=MOST_LINES
            )
        if line.strip():
            item = _item(number, line, size)
            if item.index in items:
                raise RevocationsError(
                    "twice",
                    f"Line {number}: index {item.index} is here twice.",
                    line=number,
                    index=item.index,
                )
            items[item.index] = item
    return Revocations(origin, size, tuple(items.values()))


def check(proposed: Revocations, origin: str, size: int, signers: Collection[int]) -> None:
    """Check a proposal against the log: its origin, its size, and that each index is a signature that counts.

    The log must not be smaller than at the time of the proposal. `signers` are the indexes of the sign entries that are
    not revoked. Raises RevocationsError.
    """
    if proposed.origin != origin:
        raise RevocationsError(
            "other-log", "These revocations are for another log: see the origin in their first line."
        )
    if proposed.size > size:
        raise RevocationsError(
            "newer",
            f"These revocations were made when the log had {some_entries(proposed.size)}. Here it has {size:,}.",
            then=proposed.size,
            here=size,
        )
    counting = frozenset(signers)
    gone = [item.index for item in proposed.items if item.index not in counting]
    if gone:
        some = ", ".join(map(str, gone[:10])) + (", …" if len(gone) > 10 else "")
        raise RevocationsError(
            "gone",
            f"{counted(len(gone), 'line names', 'lines name')} no signature that counts, perhaps because it was"
            " withdrawn since:"
            f" {some}. Delete their lines, or make the proposal again from a new export.",
            number=len(gone),
            some=some,
        )


def write(proposed: Revocations) -> Iterator[str]:
    """Yield the lines of the file."""
    yield _line({"format": FORMAT, "origin": proposed.origin, "size": proposed.size})
    words = {reason: word for word, reason in REASONS.items()}
    for item in proposed.items:
        yield _line({"index": item.index, "reason": words[item.reason], "why": item.why})


def _item(number: int, line: str, size: int) -> Revocation:
    item = _object(number, line)
    if set(item) != _LINE_KEYS:
        raise RevocationsError(
            "keys", f"Line {number} must hold index, reason and why, and nothing else.", line=number
        )
    index, reason, why = item["index"], item["reason"], item["why"]
    if not strict.is_count(index) or not 0 < index < size:
        raise RevocationsError(
            "index",
            f"Line {number}: this log has no such index at {some_entries(size)}.",
            line=number,
            then=size,
        )
    if not isinstance(reason, str) or reason not in REASONS:
        raise RevocationsError(
            "reason", f"Line {number}: the reason must be {_listed(list(REASONS))}.", line=number
        )
    if not isinstance(why, str) or len(why) > MOST_WHY or not typed.is_showable_line(why) or "@" in why:
        raise RevocationsError(
            "why",
            f"Line {number}: `why` is one line of at most {MOST_WHY} characters, without names or email addresses.",
            line=number,
            most=MOST_WHY,
        )
    return Revocation(index, REASONS[reason], why)


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        found = strict.parse(line.encode()) if len(line) <= MOST_LINE else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RevocationsError(
            "no-object",
            f"Line {number} is not a JSON object of at most {MOST_LINE:,} characters.",
            line=number,
            most=MOST_LINE,
        )
    return found


def _line(document: dict[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False) + "\n"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
