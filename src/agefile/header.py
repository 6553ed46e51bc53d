"""The textual header of an age file. age spec, "Header"."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hmac import HMAC

from agefile.errors import AgeError
from agefile.stanza import SHA256, Stanza, derive, from_base64, to_base64

VERSION = b"age-encryption.org/v1\n"

_ARGUMENTS = re.compile(rb"-> ([\x21-\x7e]+(?: [\x21-\x7e]+)*)\n")
_BODY_LINE = re.compile(rb"([A-Za-z0-9+/]{0,64})\n")
_END = re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")


class Header(NamedTuple):
    """A header that reads well; its MAC is not checked yet."""

    stanzas: tuple[Stanza, ...]
    signed: bytes
    mac: bytes
    size: int


def write(stanzas: Iterable[Stanza], file_key: bytes) -> bytes:
    """The header's bytes, up to where the payload starts."""
    signed = b"".join([VERSION, *[stanza.encode() for stanza in stanzas], b"---"])
    return b"%b %b\n" % (signed, to_base64(_mac(signed, file_key).finalize()))


def parse(data: bytes) -> Header:
    """Read the header at the start of `data`, to the letter of the grammar.

    Raises AgeError: `refused` for another version of the format, `damaged` for everything that is no header.
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
    return Header(tuple(stanzas), data[: at + len(b"---")], from_base64(end[1]), end.end())


def check(head: Header, file_key: bytes) -> None:
    """Compare the header's MAC, in constant time; raises AgeError (`damaged`). age spec, "Header MAC"."""
    try:
        _mac(head.signed, file_key).verify(head.mac)
    except InvalidSignature:
        raise AgeError("This file's first lines were changed after it was written.", "damaged") from None


def _mac(signed: bytes, file_key: bytes) -> HMAC:
    # The library's HMAC, not the standard module's: a second copy of OpenSSL, costs 9 µs a file.
    mac = HMAC(derive(file_key, b"", b"header"), SHA256)
    mac.update(signed)
    return mac


def _stanza(data: bytes, at: int) -> tuple[Stanza, int]:
    """The stanza that starts at `at`, and where the next line starts. The first short line ends a body."""
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
