"""Read key files and export files on the organiser's computer."""

import codecs
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

import click

import agefile
from sabal import keyfile, textfile
from sabal.records.export import Export, ExportError, Progress, read
from sabal.refusal import Refusal

MOST_HEADER = 64 * 2**20  # characters: some six million revoked indexes
MOST_LINE = 2**18  # ten times the longest record that the form allows


def read_identities(paths: Sequence[Path], passphrase_file: Path | None) -> list[agefile.Identity]:
    """Return the identities in key files. If one is locked and no passphrase file is given, ask for the passphrase."""

    def ask(path: Path) -> str:
        if passphrase_file:
            return keyfile.read_passphrase(passphrase_file)
        return str(click.prompt(f"Passphrase of the key in {path}", hide_input=True, err=True))

    return [identity for path in paths for identity in keyfile.read_identities(path, partial(ask, path))]


@contextmanager
def read_exports(paths: Sequence[Path]) -> Iterator[list[Export]]:
    """Open export files and read their first lines. Raise `Refusal` and `ExportError`.

    The files stay open inside the context, because the records are read later.
    """
    with ExitStack() as stack:
        exports = []
        for path in paths:
            if not path.is_file():
                raise Refusal(f"There is no file {path}.")
            encoding = textfile.encoding_of(_beginning(path))
            file = stack.enter_context(path.open(encoding=encoding, errors="replace", newline="\n"))
            try:
                exports.append(read(_lines(file), str(path)))
            except ExportError as error:
                raise ExportError(f"{path}: {error}") from None
        yield exports


def _beginning(path: Path) -> bytes:
    """Return the first bytes of an export. Raise `Refusal` for files that are often given instead."""
    with path.open("rb") as file:
        beginning = file.read(textfile.BEGINNING)
    if is_age(beginning):
        raise Refusal(f"{path} is an encrypted file. Open such files one at a time, and without --prove.")
    if beginning.startswith(b"PK\3\4"):
        raise Refusal(f"{path} is a zip file, and not encrypted. Check a bundle: sabal verify {path}")
    return beginning


def is_age(beginning: bytes) -> bool:
    """Return whether a file that begins like this is an age file, binary or armored."""
    text = beginning.removeprefix(codecs.BOM_UTF8).lstrip()
    return text.startswith((b"age-encryption.org/", b"-----BEGIN AGE"))


def _lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file. Cut a line that is longer than an export's can be; it is then no valid JSON."""
    most = MOST_HEADER
    while line := file.readline(most):
        yield line
        while len(line) == most and not line.endswith("\n"):
            line = file.readline(most)
        most = MOST_LINE


def progress() -> Progress:
    """Return a function that prints every 5,000 records how many were opened, if stderr is a terminal.

    Opening a record takes a millisecond.
    """

    def show(n: int) -> None:
        if n % 5_000 == 0 and sys.stderr.isatty():
            click.echo(f"{n:,} opened …", err=True)

    return show
