"""Find signed notes in files that people keep: a saved email, an email file, the text of a page.

Only the changes that email programs and pages make are undone: email encodings, line ends, indents and quote marks,
tags, spaces at the ends of lines, and a signature line broken at a space. The result is the original note, byte for
byte; anything else is left out.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from email import message_from_bytes
from email.message import Message

import tlog
from sabal.checking.copy import LogCopy
from tlog import Policy, Promise, Signature, Verifier, note

MOST_BYTES = 16 << 20
MOST_FOUND = 100

_DASH = "— "
_AROUND = " \t\u00a0>|"  # indents and quote marks
_TAG = re.compile(
    r"<[^<>]*>"
)  # in the HTML part of an email; tags are around a note's lines, never inside them
_ENDS = re.compile(r"\r\n|\r|\n")


def checkpoints_in(data: bytes) -> list[bytes]:
    """Return the checkpoints in a file as signed notes, each once, not verified.

    docs/log-format.md "Checkpoint".
    """
    return _notes_in(data, tlog.checkpoint.peek)


def promises_in(data: bytes) -> list[bytes]:
    """Return the promises in a file as signed notes, each once, not verified. docs/log-format.md "Promise"."""
    return _notes_in(data, lambda found: Promise.parse(note.split(found)[0]))


def of_this_log(found: Sequence[bytes], copy: LogCopy) -> Sequence[bytes]:
    """Return the checkpoints of one file that are of the copy's log and signed by a log of its policy.

    If there is none, return the first checkpoint, so that the check reports why it does not fit. docs/log-format.md
    "The check".
    """
    try:
        origin, logs = tlog.checkpoint.peek(copy.checkpoint).origin, Policy.parse(copy.policy).logs
    except tlog.TlogError:
        return found
    ours = [data for data in found if tlog.checkpoint.peek(data).origin == origin] or found[:1]
    return [data for data in ours if _opens(data, logs)] or ours[:1]


def _opens(data: bytes, logs: Sequence[Verifier]) -> bool:
    try:
        tlog.checkpoint.open(data, logs)
    except tlog.TlogError:
        return False
    return True


def _notes_in(data: bytes, parse: Callable[[bytes], object]) -> list[bytes]:
    found: dict[bytes, None] = {}
    if len(data) <= MOST_BYTES:
        for text in _texts(data):
            for candidate in _candidates([_TAG.sub("", line).strip(_AROUND) for line in _ENDS.split(text)]):
                with contextlib.suppress(tlog.TlogError):
                    parse(candidate)
                    found[candidate] = None
                if len(found) == MOST_FOUND:
                    return list(found)
    return list(found)


def _texts(data: bytes) -> Iterator[str]:
    """Yield the file as text, and each part of it if it is an email."""
    yield _decoded(data, None)
    # The parser can fail with any error on a hostile email. Then no more parts are searched.
    with contextlib.suppress(Exception):
        for part in message_from_bytes(data).walk():
            if not part.is_multipart():
                yield _decoded(_payload(part), part.get_content_charset())


def _payload(part: "Message[str, str]") -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decoded(data: bytes, charset: str | None) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        charset = "utf-16"
    try:
        text = data.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):  # an unknown charset, or one that is not a text encoding
        text = data.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")


def _candidates(lines: list[str]) -> Iterator[bytes]:
    """Yield each block of three lines, an empty line and signature lines, which is the form of these notes."""
    for at in range(4, len(lines)):
        if lines[at].startswith(_DASH) and not lines[at - 1] and all(lines[at - 4 : at - 1]):
            signatures = list(_signatures(lines, at))
            if signatures:
                text = "".join(f"{line}\n" for line in lines[at - 4 : at - 1])
                yield (f"{text}\n" + "".join(signatures)).encode(errors="replace")


def _signatures(lines: list[str], at: int) -> Iterator[str]:
    """Yield the signature lines from `at` on, up to the first line that is not one."""
    end = min(len(lines), at + 2 * note.MAX_SIGNATURES)
    while at < end and lines[at].startswith(_DASH):
        broken = f"{lines[at]} {lines[at + 1]}" if at + 1 < len(lines) else ""
        if _is_signature(lines[at]):
            yield f"{lines[at]}\n"
        elif _is_signature(broken):
            yield f"{broken}\n"
            at += 1
        else:
            return
        at += 1


def _is_signature(line: str) -> bool:
    try:
        Signature.parse(line.encode())
    except (tlog.Malformed, ValueError):
        return False
    return True
