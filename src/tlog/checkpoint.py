"""Checkpoints: a log signs its number of entries and the root over them. c2sp.org/tlog-checkpoint."""

from collections.abc import Iterable
from typing import NamedTuple, Self

from tlog import note
from tlog.errors import Malformed, TlogError, Unproven
from tlog.keys import Signer, Verifier, is_name
from tlog.merkle import EMPTY_ROOT
from tlog.wire import HASH_BYTES, MAX_SIZE, to_base64, to_hash, to_number


class Checkpoint(NamedTuple):
    """A log's origin, its number of entries, and the root over them."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Parse the text of a note. Raises Malformed.

        The text must have exactly three lines. Extension lines are refused, because no one audits them. The origin
        must be a valid key name. A tree without entries must have the empty root. c2sp.org/tlog-checkpoint "Note text".
        """
        lines = text.split(b"\n", 4)
        if len(lines) != 4 or lines[3]:
            raise Malformed("A checkpoint has three lines: origin, size and root.")
        try:
            checkpoint = cls(lines[0].decode(), to_number(lines[1]), to_hash(lines[2]))
        except UnicodeDecodeError:
            raise Malformed("A checkpoint's origin is not UTF-8.") from None
        if not checkpoint._is_sound():
            raise Malformed("This checkpoint has an impossible origin, or a root without entries.")
        return checkpoint

    @property
    def text(self) -> bytes:
        """Return the text that the log signs. c2sp.org/tlog-checkpoint "Note text"."""
        if not self._is_sound():
            raise TlogError("This is not a checkpoint. Look at origin, size and root.")
        return b"%b\n%d\n%b\n" % (self.origin.encode(), self.size, to_base64(self.root))

    def sign(self, log: Signer) -> bytes:
        """Return the note signed by the log's key, whose name is the origin. c2sp.org/tlog-checkpoint "Signatures"."""
        if log.verifier.name != self.origin:
            raise TlogError(f"The key {log.verifier.name} does not sign for {self.origin}.")
        return note.sign(self.text, log)

    def _is_sound(self) -> bool:
        return (
            is_name(self.origin)
            and 0 <= self.size <= MAX_SIZE
            and len(self.root) == HASH_BYTES
            and (self.size > 0 or self.root == EMPTY_ROOT)
        )


def peek(data: bytes) -> Checkpoint:
    """Parse the checkpoint in a signed note without verifying it. Raises Malformed. c2sp.org/tlog-checkpoint."""
    return Checkpoint.parse(note.split(data)[0])


class OpenedCheckpoint(NamedTuple):
    """A checkpoint that its log has signed, and its note."""

    checkpoint: Checkpoint
    note: note.Note


def open(data: bytes, logs: Iterable[Verifier], witnesses: Iterable[Verifier] = ()) -> OpenedCheckpoint:
    """Verify a signed checkpoint and return it. The log's signature is required; `witnesses` are checked if present.

    One of `logs` must have signed the checkpoint, and its name must be the origin. Raises Malformed, and Unproven if
    a signature is wrong or the log's is missing. A Policy decides how many witnesses are enough.
    c2sp.org/tlog-checkpoint "Signatures", c2sp.org/tlog-proof "Verifying a tlog proof".
    """
    known = list(logs)
    opened = note.open(data, [*known, *witnesses])
    checkpoint = Checkpoint.parse(opened.text)
    owners = {(log.name, log.key_id) for log in known if log.name == checkpoint.origin}
    if not any((signature.name, signature.key_id) in owners for signature in opened.verified):
        raise Unproven(f"No known key of the log {checkpoint.origin} has signed this checkpoint.")
    return OpenedCheckpoint(checkpoint, opened)
