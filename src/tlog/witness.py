"""The requests of a log to its witnesses, and their answers. c2sp.org/tlog-witness, c2sp.org/tlog-cosignature."""

from collections.abc import Iterable
from typing import NamedTuple, Self

from tlog import note
from tlog.checkpoint import Checkpoint, peek
from tlog.errors import Malformed, TlogError
from tlog.keys import Cosigner
from tlog.note import Signature
from tlog.prove import MAX_PROOF
from tlog.wire import to_base64, to_hash, to_number

_OLD = b"old "
_LONGEST_LINE = 64


def cosign(checkpoint: Checkpoint, witness: Cosigner, time: int) -> Signature:
    """Return the witness's statement that at `time` this was the log's largest tree it had seen, and consistent.

    Store the checkpoint before you call this, and never cosign a smaller one afterwards. c2sp.org/tlog-cosignature.
    """
    return Signature.by(witness.verifier, witness.sign(checkpoint.text, time))


class AddCheckpoint(NamedTuple):
    """The body of a request for a cosignature. Nothing in it is verified. c2sp.org/tlog-witness "add-checkpoint"."""

    old: int
    """The size that the log expects the witness to know."""
    proof: tuple[bytes, ...]
    """The consistency proof from `old` to the checkpoint. Empty if `old` is 0 or the size of the checkpoint."""
    checkpoint: bytes
    """The signed note."""

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Parse the body of a request. Raises Malformed. c2sp.org/tlog-witness "add-checkpoint"."""
        header, empty, checkpoint = body.partition(b"\n\n")
        lines = header.split(b"\n", MAX_PROOF + 1)
        if not empty or not lines[0].startswith(_OLD):
            raise Malformed(
                "A request begins with the old size, goes on with hashes, and an empty line ends it."
            )
        if len(lines) > MAX_PROOF + 1:
            raise Malformed(f"A proof of consistency has at most {MAX_PROOF} hashes.")
        peek(checkpoint)
        return cls(to_number(lines[0].removeprefix(_OLD)), tuple(map(to_hash, lines[1:])), checkpoint)

    def encode(self) -> bytes:
        """Return the body to POST to `<submission prefix>/add-checkpoint`. c2sp.org/tlog-witness "add-checkpoint"."""
        if len(self.proof) > MAX_PROOF:
            raise TlogError(f"A proof of consistency has at most {MAX_PROOF} hashes.")
        lines = [b"old %d\n" % self.old, *[to_base64(hash_) + b"\n" for hash_ in self.proof], b"\n"]
        return b"".join(lines) + self.checkpoint


def encode_answer(signatures: Iterable[Signature]) -> bytes:
    """Return the body of a witness's 200 response. c2sp.org/tlog-witness "add-checkpoint"."""
    return b"".join(signature.encode() for signature in signatures)


def parse_answer(body: bytes) -> list[Signature]:
    """Return the signature lines of a witness's 200 response without verifying them. Raises Malformed.

    Append the lines to the note, then open the note. c2sp.org/tlog-witness "add-checkpoint".
    """
    text, signatures = note.split(b"\n\n" + body)
    if text != b"\n":
        raise Malformed("A witness answers with signature lines and nothing else.")
    return signatures


def parse_conflict(body: bytes) -> int:
    """Return the size that a witness knows, from the body of its 409. Raises Malformed. c2sp.org/tlog-witness."""
    if len(body) > _LONGEST_LINE or not body.endswith(b"\n"):
        raise Malformed("A witness that knows another size answers with that size alone.")
    return to_number(body[:-1])
