"""Notes: text signed by one or more keys. c2sp.org/signed-note."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from tlog.errors import Malformed, TlogError, Unproven
from tlog.keys import Signer, Verifier, is_name
from tlog.wire import from_base64, to_base64

MAX_BYTES = 1_000_000
MAX_SIGNATURES = 100
"""Both limits are those of Go's package. The standard requires at least 16 signatures."""

_KEY_ID_BYTES = 4
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_LINE = re.compile(rb"\xe2\x80\x94 ([^ +\n]+) ([A-Za-z0-9+/]+=*)")  # em dash, name, base64


class Signature(NamedTuple):
    """One signature line. Its name and key id tell which key verifies it. c2sp.org/signed-note "Signatures"."""

    name: str
    key_id: bytes
    value: bytes

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Parse a line without its newline. Raises Malformed. c2sp.org/signed-note "Format"."""
        found = _LINE.fullmatch(line)
        if found is None:
            raise Malformed("A signature line should read: em dash, space, key name, space, base64.")
        try:
            name = found[1].decode()
        except UnicodeDecodeError:
            raise Malformed("The name in a signature line is not UTF-8.") from None
        data = from_base64(found[2])
        if not is_name(name) or len(data) <= _KEY_ID_BYTES:
            raise Malformed("A signature line holds a name that no key has, or too few bytes.")
        return cls(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])

    @classmethod
    def by(cls, verifier: Verifier, value: bytes) -> Self:
        """Return the line for a signature made by the private key of `verifier`. c2sp.org/signed-note "Signatures"."""
        return cls(verifier.name, verifier.key_id, value)

    def encode(self) -> bytes:
        """Return the line with its newline. c2sp.org/signed-note "Format"."""
        return f"— {self.name} {to_base64(self.key_id + self.value).decode()}\n".encode()


class Note(NamedTuple):
    """A verified note. At least one known key has signed it, and every line of a known key is right."""

    text: bytes
    verified: tuple[Signature, ...]
    unverified: tuple[Signature, ...]
    """The lines of unknown keys. They prove nothing but are passed on."""


def sign(text: bytes, *signers: Signer) -> bytes:
    """Return a signed note of `text`, which must end in a newline. c2sp.org/signed-note "Format"."""
    return join(text, [Signature.by(signer.verifier, signer.sign(text)) for signer in signers])


def join(text: bytes, signatures: Sequence[Signature]) -> bytes:
    """Return a note of text and signature lines. Raises TlogError if it is not valid. c2sp.org/signed-note "Format"."""
    note = b"%b\n%b" % (text, b"".join(signature.encode() for signature in signatures))
    if split(note) != (text, list(signatures)):
        raise TlogError("This text would not be read back as it is. Does it end in a newline?")
    return note


def append(note: bytes, signatures: Iterable[Signature]) -> bytes:
    """Return the note with more signature lines, without repeated lines. c2sp.org/tlog-witness "add-checkpoint"."""
    text, lines = split(note)
    return join(text, list(dict.fromkeys([*lines, *signatures])))


def open(note: bytes, verifiers: Iterable[Verifier]) -> Note:
    """Verify every line of a known key. Raises Unproven if one fails or if no line is of a known key.

    Raises Malformed if this is no note. c2sp.org/signed-note "Signatures".
    """
    text, signatures = split(note)
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise TlogError(f"Two different keys are both named {verifier.name} and have one key id.")
    verified: list[Signature] = []
    unverified: list[Signature] = []
    for signature in signatures:
        key = known.get((signature.name, signature.key_id))
        if key and not key.verifies(text, signature.value):
            raise Unproven(f"The signature of {signature.name} does not fit this text.")
        (verified if key else unverified).append(signature)
    if not verified:
        raise Unproven("No known key has signed this note.")
    return Note(text, tuple(verified), tuple(unverified))


def split(note: bytes) -> tuple[bytes, list[Signature]]:
    """Return the text with its last newline, and the signature lines, without verifying them. Raises Malformed.

    The text may contain empty lines, so it ends at the last one. c2sp.org/signed-note "Format".
    """
    if len(note) > MAX_BYTES or _CONTROL.search(note):
        raise Malformed("A note is shorter than a megabyte, and holds no control character but newlines.")
    try:
        note.decode()
    except UnicodeDecodeError:
        raise Malformed("A note is written in UTF-8.") from None
    end = note.rfind(b"\n\n") + 1
    lines = note[end + 1 :]
    if not end or not lines.endswith(b"\n"):
        raise Malformed("A note is text, an empty line, and signature lines, each ending in a newline.")
    if lines.count(b"\n") > MAX_SIGNATURES:
        raise Malformed(f"This note has more than {MAX_SIGNATURES} signatures.")
    return note[:end], [Signature.parse(line) for line in lines[:-1].split(b"\n")]
