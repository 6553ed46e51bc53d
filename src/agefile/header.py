"""The textual header of an age file. age spec, "Header"."""

import re
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hmac import HMAC

from agefile.errors import AgeError
from agefile.stanza import SHA256, Stanza, derive, from_base64, to_base64

VERSION = b"age-encryption.org/v1\n"

_LONGEST = 1 << 24  # thousands of recipients

_ARGUMENTS = re.compile(rb"-> ([\x21-\x7e]+(?: [\x21-\x7e]+)*)\n")
_BODY_LINE = re.compile(rb"([A-Za-z0-9+/]{0,64})\n")
_END = re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")


class ParsedHeader(NamedTuple):
    """A well-formed header. Its MAC is not checked yet."""

    stanzas: tuple[Stanza, ...]
    signed: bytes
    mac: bytes
    size: int


def write(stanzas: Iterable[Stanza], file_key: bytes) -> bytes:
    """Return the bytes of the header. The payload follows them."""
    signed = b"".join([VERSION, *[stanza.encode() for stanza in stanzas], b"---"])
    return b"%b %b\n" % (signed, to_base64(_mac(signed, file_key).finalize()))


def parse(data: bytes) -> ParsedHeader:
    """Parse the header at the start of `data`, strictly by the grammar.

    Raises AgeError: `refused` for another version of the format, `damaged` for everything else that is no header.
    """
    if not data.startswith(VERSION):
        raise _not_age(data)
    stanzas = []
    at = len(VERSION)
    while data.startswith(b"-> ", at):
        stanza, at = _stanza(data, at)
        stanzas.append(stanza)
    end = _END.match(data, at)
    if end is None or not stanzas:
        raise _malformed()
    return ParsedHeader(tuple(stanzas), data[: at + len(b"---")], from_base64(end[1]), end.end())


def read(file: BinaryIO) -> bytes:
    """Read a header from a file, up to the line with the MAC. It is not parsed. Of other files, read a part."""
    lines, left = [], _LONGEST
    while left > 0 and (line := file.readline(left)):
        lines.append(line)
        left -= len(line)
        if line.startswith(b"---"):
            break
    return b"".join(lines)


def check(header: ParsedHeader, file_key: bytes) -> None:
    """Check the MAC of the header in constant time. Raises AgeError (`damaged`). age spec, "Header MAC"."""
    try:
        _mac(header.signed, file_key).verify(header.mac)
    except InvalidSignature:
        raise AgeError("This file's first lines were changed after it was written.", "damaged") from None


def _mac(signed: bytes, file_key: bytes) -> HMAC:
    # Use the HMAC of `cryptography`. The standard module's takes 9 µs more a file, because it is another OpenSSL.
    mac = HMAC(derive(file_key, b"", b"header"), SHA256)
    mac.update(signed)
    return mac


def _stanza(data: bytes, at: int) -> tuple[Stanza, int]:
    """Return the stanza that starts at `at`, and the start of the next line. The first short line ends a body."""
    arguments = _ARGUMENTS.match(data, at)
    if arguments is None:
        raise _malformed()
    at = arguments.end()
    lines: list[bytes] = []
    while not lines or len(lines[-1]) == 64:
        line = _BODY_LINE.match(data, at)
        if line is None:
            raise _malformed()
        lines.append(line[1])
        at = line.end()
    return Stanza(tuple(arguments[1].split(b" ")), from_base64(b"".join(lines))), at


def _not_age(data: bytes) -> AgeError:
    if re.match(rb"age-encryption\.org/(?!v1\r?\n)[\x21-\x7e]{1,32}\n", data):
        return AgeError("This age file has another version of the format than v1. Only v1 is supported.")
    return AgeError("This is not an age file.", "damaged")


def _malformed() -> AgeError:
    return AgeError("This file's first lines are damaged or cut short.", "damaged")
