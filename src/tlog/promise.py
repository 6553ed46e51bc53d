"""Promises that the log will have an entry by a certain time. A broken promise is proof against the operator.

A promise is a signed note. It has a separate key, so that it can never be taken for a checkpoint. This is not a C2SP
standard; docs/log-format.md describes the bytes.
"""

from typing import NamedTuple, Self

from tlog import note
from tlog.errors import Malformed, TlogError, Unproven
from tlog.keys import Kind, Signer, Verifier, is_name
from tlog.wire import HASH_BYTES, MAX_SIZE, to_base64, to_hash, to_number

SUFFIX = "/promise"
_BY = b"include-by "


def promise_key(origin: str, seed: bytes) -> Signer:
    """Return the key that signs promises for the log `origin`. docs/log-format.md "Promise"."""
    return Signer(origin + SUFFIX, seed)


class Promise(NamedTuple):
    """The log `origin` promises a checkpoint over an entry with this leaf hash by `include_by`, Unix time (seconds)."""

    origin: str
    leaf: bytes
    include_by: int

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Parse the text of the note. Raises Malformed. docs/log-format.md "Promise"."""
        lines = text.split(b"\n", 4)
        if len(lines) != 4 or lines[3] or not lines[2].startswith(_BY):
            raise Malformed("A promise has three lines: key name, leaf hash and include-by.")
        try:
            name = lines[0].decode()
        except UnicodeDecodeError:
            raise Malformed("A promise's key name is not UTF-8.") from None
        origin = name.removesuffix(SUFFIX)
        if origin == name or not is_name(origin):
            raise Malformed(f"A promise's key name ends in {SUFFIX}.")
        return cls(origin, to_hash(lines[1]), to_number(lines[2].removeprefix(_BY)))

    @property
    def text(self) -> bytes:
        """Return the text that is signed. docs/log-format.md "Promise"."""
        if not is_name(self.origin) or len(self.leaf) != HASH_BYTES or not 0 <= self.include_by <= MAX_SIZE:
            raise TlogError("This is not a promise. Look at origin, leaf hash and time.")
        name = (self.origin + SUFFIX).encode()
        return b"%b\n%b\n%b%d\n" % (name, to_base64(self.leaf), _BY, self.include_by)

    def sign(self, key: Signer) -> bytes:
        """Return the note signed by the key of `promise_key`. docs/log-format.md "Promise"."""
        if key.verifier.name != self.origin + SUFFIX:
            raise TlogError(f"The key {key.verifier.name} makes no promises for {self.origin}.")
        return note.sign(self.text, key)

    @classmethod
    def open(cls, data: bytes, key: Verifier) -> Self:
        """Verify a promise and return it. Raises Malformed or Unproven. docs/log-format.md "Promise"."""
        promise = cls.parse(note.open(data, [key]).text)
        if key.kind != Kind.NOTE or key.name != promise.origin + SUFFIX:
            raise Unproven(f"The key {key.name} makes no promises for {promise.origin}.")
        return promise
