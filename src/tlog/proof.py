"""Proof files, `.tlog-proof`: all that is needed to check offline that an entry is in a log. c2sp.org/tlog-proof."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from tlog import note
from tlog.checkpoint import Checkpoint, peek
from tlog.errors import Malformed, TlogError
from tlog.keys import Verifier
from tlog.policy import Policy
from tlog.prove import MAX_PROOF, verify_inclusion
from tlog.wire import from_base64, to_base64, to_hash, to_number

MAX_BYTES = 2 * note.MAX_BYTES

_VERSION = b"c2sp.org/tlog-proof@v1"
_EXTRA = b"extra "
_INDEX = b"index "


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's index, its path to the root, and a signed checkpoint; true only after `verify`."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None
    """Whatever the application adds. It is not authenticated: never believe it by itself."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof file; raises Malformed, and verifies nothing. c2sp.org/tlog-proof "Format"."""
        if len(data) > MAX_BYTES or not data.startswith(_VERSION + b"\n"):
            raise Malformed(f"This is not a proof file: its first line should be {_VERSION.decode()}.")
        head, empty, checkpoint = data.partition(b"\n\n")
        _, *lines = head.split(b"\n", MAX_PROOF + 3)
        extra = lines.pop(0) if lines and lines[0].startswith(_EXTRA) else None
        if not empty or not lines or not lines[0].startswith(_INDEX):
            raise Malformed("A proof file has an index, hashes, an empty line, and then a checkpoint.")
        index, *path = lines
        if len(path) > MAX_PROOF:
            raise Malformed(f"A proof of inclusion has at most {MAX_PROOF} hashes.")
        peek(checkpoint)
        return cls(
            to_number(index.removeprefix(_INDEX)),
            tuple(map(to_hash, path)),
            checkpoint,
            None if extra is None else from_base64(extra.removeprefix(_EXTRA)),
        )

    def encode(self) -> bytes:
        """The file's bytes. c2sp.org/tlog-proof "Format"."""
        lines = [_VERSION, _INDEX + b"%d" % self.index, *map(to_base64, self.path), b"", self.checkpoint]
        if self.extra is not None:
            lines.insert(1, _EXTRA + to_base64(self.extra))
        data = b"\n".join(lines)
        if type(self).parse(data) != self:
            raise TlogError("This is not a proof. Look at index, path and checkpoint.")
        return data

    def verify(self, leaf: bytes, policy: Policy, logs: Iterable[Verifier] = ()) -> Checkpoint:
        """The checkpoint that this proves the leaf hash to be under, by a log and witnesses that `policy` believes.

        `logs` are believed besides. Raises Malformed or Unproven. c2sp.org/tlog-proof "Verifying a tlog proof".
        """
        checkpoint = policy.open(self.checkpoint, logs).checkpoint
        verify_inclusion(self.path, self.index, checkpoint.size, leaf, checkpoint.root)
        return checkpoint
