"""Proof files (`.tlog-proof`), which prove offline that an entry is in a log. c2sp.org/tlog-proof."""

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
    """An entry's index, its path to the root, and a signed checkpoint. Nothing is verified before `verify`."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None
    """Data that the application adds. It is not authenticated, so do not trust it by itself."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a proof file without verifying it. Raises Malformed. c2sp.org/tlog-proof "Format"."""
        if len(data) > MAX_BYTES or not data.startswith(_VERSION + b"\n"):
            raise Malformed(f"This is not a proof file: its first line should be {_VERSION.decode()}.")
        header, empty, checkpoint = data.partition(b"\n\n")
        _, *lines = header.split(b"\n", MAX_PROOF + 3)
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
        """Return the bytes of the file. c2sp.org/tlog-proof "Format"."""
        lines = [_VERSION, _INDEX + b"%d" % self.index, *map(to_base64, self.path), b"", self.checkpoint]
        if self.extra is not None:
            lines.insert(1, _EXTRA + to_base64(self.extra))
        data = b"\n".join(lines)
        if type(self).parse(data) != self:
            raise TlogError("This is not a proof. Look at index, path and checkpoint.")
        return data

    def verify(self, leaf: bytes, policy: Policy, logs: Iterable[Verifier] = ()) -> Checkpoint:
        """Verify that the leaf hash is under the checkpoint, and return the checkpoint.

        The log must be one of the policy's or of `logs`, and the checkpoint must have the policy's quorum. Raises
        Malformed or Unproven. c2sp.org/tlog-proof "Verifying a tlog proof".
        """
        checkpoint = policy.open(self.checkpoint, logs).checkpoint
        verify_inclusion(self.path, self.index, checkpoint.size, leaf, checkpoint.root)
        return checkpoint
