"""The heart of a small witness, without HTTP: what it cosigns and what it refuses. c2sp.org/tlog-witness v1.0.0."""

import math
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sabal.refusal import Refusal
from sabal.witness.store import Seen, Store
from tlog import (
    EMPTY_ROOT,
    AddCheckpoint,
    Checkpoint,
    Malformed,
    Unproven,
    Verifier,
    cosign,
    cosigned_at,
    encode_answer,
    note,
    verify_consistency,
)
from tlog.checkpoint import peek
from tlog.keys import Kind
from tlog.wire import to_base64

PLAIN = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"
BETWEEN_COMPLAINTS = 60  # seconds, or a log that lies could fill the journal

# A tree without entries under the root of another one: `tlog` knows no such checkpoint, and the standard answers it.
_OTHER_ROOT_OF_NOTHING = re.compile(rb"(\n\n[^\n]+\n0\n)[A-Za-z0-9+/]{43}=(?=\n\n)")


class Reply(NamedTuple):
    """An answer as HTTP has it: status, Content-Type and body."""

    status: int
    kind: str
    body: bytes


class Standing(NamedTuple):
    """A log that is watched, and what was cosigned of it last, if anything."""

    origin: str
    seen: Seen | None


class _Asked(NamedTuple):
    """A request that could be read."""

    request: AddCheckpoint
    checkpoint: Checkpoint
    signed: bytes
    """The checkpoint's note as it was sent."""
    sound: bool
    """Whether its root is one that its size can have."""


class _Refused(Exception):
    def __init__(self, reply: Reply) -> None:
        self.reply = reply


class Keep:
    """Cosigns checkpoints of the logs it was told of, from several threads if need be."""

    def __init__(
        self,
        store: Store,
        logs: Iterable[Verifier],
        *,
        clock: Callable[[], float] = time.time,
        complain: Callable[[str], object] = lambda sentence: None,
    ) -> None:
        self._store, self._clock, self._complain = store, clock, complain
        self._logs = _by_origin(logs)
        self._lock = threading.Lock()
        self._complained: dict[tuple[str, str], float] = {}

    @property
    def witness(self) -> Verifier:
        """The key that cosigns, its public half."""
        return self._store.witness.verifier

    def standing(self) -> list[Standing]:
        """What was cosigned last of each log."""
        with self._lock:
            return [Standing(origin, self._store.seen(origin)) for origin in self._logs]

    def add_checkpoint(self, body: bytes) -> Reply:
        """The answer to a log's request, on disk before it is given. c2sp.org/tlog-witness "add-checkpoint"."""
        try:
            asked = _parse(body)
            opened = self._opened(asked)
            # Looking at what was cosigned last and storing the next is one step, or two requests could both pass.
            with self._lock:
                return self._answer(asked, opened)
        except _Refused as refused:
            return refused.reply

    def _opened(self, asked: _Asked) -> note.Note:
        """The note, signed by a key of the log that it names. Other keys' lines mean nothing."""
        keys = self._logs.get(asked.checkpoint.origin)
        if keys is None:
            raise _Refused(_sentence(404, "This witness does not know this log."))
        try:
            return note.open(asked.signed, keys)
        except Unproven:
            raise _Refused(
                _sentence(403, "No key that this witness knows has signed this checkpoint.")
            ) from None

    def _answer(self, asked: _Asked, opened: note.Note) -> Reply:
        request, checkpoint = asked.request, asked.checkpoint
        seen = self._store.seen(checkpoint.origin)
        size, root = (seen.checkpoint.size, seen.checkpoint.root) if seen else (0, EMPTY_ROOT)
        if request.old > checkpoint.size:
            return _sentence(400, "The old size is larger than the checkpoint's.")
        if request.old != size:
            return Reply(409, SIZE, b"%d\n" % size)
        if not asked.sound:
            return _sentence(422, "A tree without entries has one root only, and this is another.")
        try:
            verify_consistency(request.proof, size, checkpoint.size, root, checkpoint.root)
        except Unproven as error:
            self._say_of(checkpoint, opened, seen)
            return _sentence(422, str(error))
        try:
            return self._cosign(checkpoint, opened, seen)
        except OSError as error:
            sentence = f"The store could not be written ({error.strerror}), so nothing was cosigned."
            self._say(checkpoint.origin, "store", sentence)
            return _sentence(500, "This witness cannot store what it would cosign.")

    def _cosign(self, checkpoint: Checkpoint, opened: note.Note, seen: Seen | None) -> Reply:
        # Never earlier than the last time, or our own lines would contradict each other about what was largest when.
        at = max(int(self._clock()), seen.time if seen else 0)
        # Whoever repeats a public checkpoint makes us write once a second and no more.
        if seen and (seen.checkpoint, seen.time) == (checkpoint, at) and self._store.written:
            line = note.open(seen.note, [self.witness]).verified[0]
            return Reply(200, PLAIN, encode_answer([line]))
        line = cosign(checkpoint, self._store.witness, at)
        # One line of the log's is proof enough, and all it may send would not fit beside ours.
        kept = note.join(opened.text, [opened.verified[0], line])
        self._store.put(checkpoint.origin, Seen(checkpoint, kept, cosigned_at(line.value)))
        return Reply(200, PLAIN, encode_answer([line]))

    def _say_of(self, checkpoint: Checkpoint, opened: note.Note, seen: Seen | None) -> None:
        """What the operator should see: two notes that prove a fork, or one whose proof did not hold."""
        shown = note.join(opened.text, opened.verified[:1]).decode()
        if seen and seen.checkpoint.size == checkpoint.size and seen.checkpoint.root != checkpoint.root:
            sentence = f"FORK: the log {checkpoint.origin} has signed two trees of {checkpoint.size} entries."
            self._say(checkpoint.origin, "fork", f"{sentence}\n{seen.note.decode()}\n{shown}")
        else:
            sentence = f"A proof that {checkpoint.origin} goes on to {checkpoint.size} entries does not hold."
            self._say(checkpoint.origin, "proof", f"{sentence}\n{shown}")

    def _say(self, origin: str, about: str, sentence: str) -> None:
        """Once a while: anybody can send a public checkpoint with a wrong proof, and that must not hide a fork."""
        now = time.monotonic()
        if now >= self._complained.get((origin, about), -math.inf) + BETWEEN_COMPLAINTS:
            self._complained[origin, about] = now
            self._complain(sentence)


def _parse(body: bytes) -> _Asked:
    signed = body.partition(b"\n\n")[2]
    mended = _OTHER_ROOT_OF_NOTHING.sub(rb"\g<1>" + to_base64(EMPTY_ROOT), body, count=1)
    try:
        request = AddCheckpoint.parse(mended)
    except Malformed as error:
        raise _Refused(_sentence(400, str(error))) from None
    return _Asked(request, peek(request.checkpoint), signed, mended == body)


def _by_origin(logs: Iterable[Verifier]) -> dict[str, list[Verifier]]:
    """A log may have several keys, as when it changes one. Raises Refusal on a key that signs no checkpoints."""
    found: dict[str, list[Verifier]] = {}
    for log in logs:
        if log.kind != Kind.NOTE:
            raise Refusal(f"The key of {log.name} is a witness's, not a log's.")
        known = found.setdefault(log.name, [])
        if any(other.key_id == log.key_id and other != log for other in known):
            raise Refusal(f"Two different keys of {log.name} have one key id.")
        known.append(log)
    return found


def _sentence(status: int, sentence: str) -> Reply:
    return Reply(status, PLAIN, f"{sentence}\n".encode())
