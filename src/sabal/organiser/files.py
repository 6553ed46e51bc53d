"""Read key files and export files on the organiser's computer."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import click

import agefile
from sabal.records.export import Export, ExportError, Progress, read
from sabal.refusal import Refusal

MOST_HEADER = 64 * 2**20  # characters: some six million revoked indexes
MOST_LINE = 2**18  # ten times the longest record that the form allows


def read_identities(paths: Sequence[Path], passphrase_file: Path | None) -> list[agefile.Identity]:
    """Return the identities in key files. If one is locked and no passphrase file is given, ask for the passphrase."""
    return [identity for path in paths for identity in _identities(path, passphrase_file)]


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
            file = stack.enter_context(path.open(encoding="utf-8", errors="replace", newline="\n"))
            try:
                exports.append(read(_lines(file), str(path)))
            except ExportError as error:
                raise ExportError(f"{path}: {error}") from None
        yield exports


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


def _identities(path: Path, passphrase_file: Path | None) -> Sequence[agefile.Identity]:
    data = path.read_bytes()
    if agefile.is_passphrase_file(data):
        passphrase = (
            passphrase_file.read_text(encoding="utf-8").strip()
            if passphrase_file
            else click.prompt(f"Passphrase of the key in {path}", hide_input=True, err=True)
        )
        data = agefile.decrypt_passphrase(data, passphrase)
    try:
        return agefile.parse_identity_file(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise agefile.AgeError(f"{path} is not a key file.") from None
