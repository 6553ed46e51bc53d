"""Cosign or refuse the checkpoints of known logs, without HTTP. c2sp.org/tlog-witness v1.0.0."""

import hashlib
import math
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sabal.counted import some_entries
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
COMPLAINT_INTERVAL = 60  # seconds; otherwise a dishonest log could fill the journal

# A tree without entries that has a wrong root. `tlog` cannot parse it, but the standard requires an answer.
_OTHER_ROOT_OF_NOTHING = re.compile(rb"(\n\n[^\n]+\n0\n)[A-Za-z0-9+/]{43}=(?=\n\n)")


class Reply(NamedTuple):
    """An HTTP answer: status, Content-Type and body."""

    status: int
    kind: str
    body: bytes


class LogState(NamedTuple):
    """A known log, and its newest cosigned checkpoint if there is one."""

    origin: str
    seen: Seen | None


class _Asked(NamedTuple):
    """A request that could be parsed."""

    request: AddCheckpoint
    checkpoint: Checkpoint
    signed: bytes
    """The note of the checkpoint, as it was sent."""
    sound: bool
    """False if the tree has no entries but a wrong root."""


class _Refused(Exception):
    def __init__(self, reply: Reply) -> None:
        self.reply = reply


class WitnessService:
    """Cosigns checkpoints of the given logs. It may be used from several threads."""

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
        """Return the public key that verifies the cosignatures."""
        return self._store.witness.verifier

    def log_states(self) -> list[LogState]:
        """Return the newest cosigned checkpoint of each log."""
        with self._lock:
            return [LogState(origin, self._store.seen(origin)) for origin in self._logs]

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """Return the newest cosigned checkpoint of a log as a note, with the log's signatures and ours; None if none.

        `origin_hash` is the SHA-256 of the origin in lower-case hex. c2sp.org/tlog-witness "Monitor Retrieval
        Mechanism".
        """
        for origin, seen in self.log_states():
            if hash_of(origin) == origin_hash:
                return seen.note if seen else None
        return None

    def add_checkpoint(self, body: bytes) -> Reply:
        """Return the answer to a log's request, after storing it on disk. c2sp.org/tlog-witness "add-checkpoint"."""
        try:
            asked = _parse(body)
            opened = self._verified(asked)
            # Read the last checkpoint and store the next one under one lock. Otherwise two requests could both pass.
            with self._lock:
                return self._answer(asked, opened)
        except _Refused as refused:
            return refused.reply

    def _verified(self, asked: _Asked) -> note.Note:
        """Return the note, which a key of its log must have signed. Lines of other keys are ignored."""
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
            self._report(checkpoint, opened, seen)
            return _sentence(422, str(error))
        try:
            return self._cosign(checkpoint, opened, seen)
        except OSError as error:
            sentence = f"The store could not be written ({error.strerror}), so nothing was cosigned."
            self._complain_once(checkpoint.origin, "store", sentence)
            return _sentence(500, "This witness cannot store what it would cosign.")

    def _cosign(self, checkpoint: Checkpoint, opened: note.Note, seen: Seen | None) -> Reply:
        # Never use a time before the last one. Otherwise two of our lines would disagree on the largest tree at a time.
        at = max(int(self._clock()), seen.time if seen else 0)
        # Repeating a public checkpoint causes at most one write a second.
        if seen and (seen.checkpoint, seen.time) == (checkpoint, at) and self._store.written:
            line = note.open(seen.note, [self.witness]).verified[0]
            return Reply(200, PLAIN, encode_answer([line]))
        line = cosign(checkpoint, self._store.witness, at)
        # Store one line of each key of the log. Repeated lines of a request might not fit beside ours.
        logs = {signature.key_id: signature for signature in opened.verified}
        stored = note.join(opened.text, [*logs.values(), line])
        self._store.put(checkpoint.origin, Seen(checkpoint, stored, cosigned_at(line.value)))
        return Reply(200, PLAIN, encode_answer([line]))

    def _report(self, checkpoint: Checkpoint, opened: note.Note, seen: Seen | None) -> None:
        """Tell the operator: show two notes that prove a fork, or the one note whose proof failed."""
        latest = note.join(opened.text, opened.verified[:1]).decode()
        if seen and seen.checkpoint.size == checkpoint.size and seen.checkpoint.root != checkpoint.root:
            sentence = (
                f"FORK: the log {checkpoint.origin} has signed two trees of {some_entries(checkpoint.size)}."
            )
            self._complain_once(checkpoint.origin, "fork", f"{sentence}\n{seen.note.decode()}\n{latest}")
        else:
            sentence = (
                f"A proof that {checkpoint.origin} goes on to {some_entries(checkpoint.size)} does not hold."
            )
            self._complain_once(checkpoint.origin, "proof", f"{sentence}\n{latest}")

    def _complain_once(self, origin: str, about: str, sentence: str) -> None:
        """Complain at most once in COMPLAINT_INTERVAL of each log and subject.

        Anyone can send a public checkpoint with a wrong proof. Complaints of that must not hide a fork.
        """
        now = time.monotonic()
        if now >= self._complained.get((origin, about), -math.inf) + COMPLAINT_INTERVAL:
            self._complained[origin, about] = now
            self._complain(sentence)


def hash_of(origin: str) -> str:
    """Return the name of a log in the addresses of its checkpoints. c2sp.org/tlog-witness."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _parse(body: bytes) -> _Asked:
    signed = body.partition(b"\n\n")[2]
    corrected = _OTHER_ROOT_OF_NOTHING.sub(rb"\g<1>" + to_base64(EMPTY_ROOT), body, count=1)
    try:
        request = AddCheckpoint.parse(corrected)
    except Malformed as error:
        raise _Refused(_sentence(400, str(error))) from None
    return _Asked(request, peek(request.checkpoint), signed, corrected == body)


def _by_origin(logs: Iterable[Verifier]) -> dict[str, list[Verifier]]:
    """Return the keys of each log, which may be several during a change of key. Raises Refusal for a witness's key."""
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
