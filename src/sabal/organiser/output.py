"""Write what `sabal open` decrypts: whole files only, byte for byte, and readable by their owner alone."""

import sys
import time
from collections.abc import Iterable, Iterator

import click

from sabal.organiser import signers
from sabal.outfile import OutFile
from sabal.refusal import Refusal

PATIENCE = 2.0  # seconds before progress is printed
_MEGABYTE = 1_000_000


def write(pieces: Iterable[bytes], out: OutFile | None) -> None:
    """Write to a file, which appears when it is whole, or to standard output. Raise `Refusal` and `OSError`.

    Standard output gets the bytes as they are; a terminal gets text without control characters.
    """
    if out:
        out.write(pieces)
    elif sys.stdout.isatty():
        for text in _texts(pieces):
            sys.stdout.write(signers.printable(text))
        sys.stdout.flush()
    else:
        # Bytes, because the text layer may have an encoding that lacks most people's names.
        stream = sys.stdout.buffer
        for piece in pieces:
            stream.write(piece)
        stream.flush()  # if stdout was closed, fail here, before the notes on stderr


def with_progress(pieces: Iterable[bytes], total: int) -> Iterator[bytes]:
    """Yield the pieces. After `PATIENCE` seconds, show on a terminal how much of `total` bytes is done."""
    begun = said = time.monotonic()
    done, shows = 0, sys.stderr.isatty()
    for piece in pieces:
        yield piece
        done += len(piece)
        if shows and time.monotonic() - begun > PATIENCE and time.monotonic() - said > 1:
            said = time.monotonic()
            click.echo(f"\r{done // _MEGABYTE:,} of {total // _MEGABYTE:,} MB opened", err=True, nl=False)
    if said != begun:
        click.echo(err=True)


def _texts(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield pieces as text for a terminal. Raise `Refusal` if they are no text."""
    rest = b""
    for piece in pieces:
        rest += piece
        lines, newline, rest = rest.rpartition(b"\n")
        yield _text(lines + newline)
    yield _text(rest)


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        what = "a zip file, such as a bundle" if data.startswith(b"PK\3\4") else "not text"
        raise Refusal(f"The content is {what}, so it is not shown here. Write it to a file with --out FILE.")
    return text
