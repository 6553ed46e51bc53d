"""A text part of a MIME message (RFC 2045) whose encoding is made once, but for the lines that have the reader's token.

Each run of lines is encoded by itself. In base64 it is padded with blanks at its end to a multiple of three bytes, so
that the encoded runs can be joined.
"""

import base64
import quopri
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# In place of the reader's token: 26 characters of its alphabet, which no text contains by chance.
MARK = base64.b32encode(secrets.token_bytes(16)).decode("ascii").lower().rstrip("=")
# Lines that need no encoding (RFC 2045, section 2.7).
_SEVEN_BIT = re.compile(r"(?:[\t -~]{0,990}\n)*", re.ASCII)

Encode = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Part:
    """A text part. `runs` are its encoded runs of lines, and as `str` the lines that have the mark."""

    head: bytes
    runs: tuple[bytes | str, ...]
    encode: Encode

    @classmethod
    def of(cls, subtype: str, text: str, language: str) -> "Part":
        """Encode `text`, which ends with a line end, in the shortest way that keeps Latin text legible."""
        name, encode = _encoding(text)
        head = (
            f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
            f"Content-Transfer-Encoding: {name}\r\n"
            f"Content-Language: {language}\r\n\r\n"
        )
        runs = tuple(run if MARK in run else encode(run) for run in _runs(text))
        return cls(head.encode("ascii"), runs, encode)

    def fill(self, token: str) -> bytes:
        """Return the part for the reader of this token."""
        runs = (run if isinstance(run, bytes) else self.encode(run.replace(MARK, token)) for run in self.runs)
        return self.head + b"".join(runs)


def _runs(text: str) -> Iterator[str]:
    """Yield runs of lines: each line with the mark alone, and what is between them."""
    run = ""
    for line in text.split("\n")[:-1]:  # it ends with a line end; other characters end no line of an email
        line += "\n"
        if MARK in line:
            if run:
                yield run
            yield line
            run = ""
        else:
            run += line
    if run:
        yield run


def _encoding(text: str) -> tuple[str, Encode]:
    if _SEVEN_BIT.fullmatch(text):
        return "7bit", _seven_bit
    as_quoted = len(_quoted_printable(text)) <= len(_base64(text))
    return ("quoted-printable", _quoted_printable) if as_quoted else ("base64", _base64)


def _seven_bit(run: str) -> bytes:
    return run.replace("\n", "\r\n").encode("ascii")


def _quoted_printable(run: str) -> bytes:
    return quopri.encodestring(run.encode()).replace(b"\n", b"\r\n")


def _base64(run: str) -> bytes:
    raw = run.replace("\n", "\r\n").encode()
    blanks = b" " * (-len(raw) % 3)
    return base64.encodebytes(raw[:-2] + blanks + raw[-2:]).replace(b"\n", b"\r\n")
