"""Key files and export files, as they lie on the organiser's machine."""

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
MOST_LINE = 2**18  # of which the longest record that the form allows takes a tenth


def read_identities(paths: Sequence[Path], passphrase_file: Path | None) -> list[agefile.Identity]:
    """The identities in key files, which may be locked with a passphrase; asks for it where no file holds it."""
    return [identity for path in paths for identity in _identities(path, passphrase_file)]


@contextmanager
def read_exports(paths: Sequence[Path]) -> Iterator[list[Export]]:
    """Export files with their first lines read, open for as long as their records are. Raises Refusal, ExportError."""
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
    """The lines of a file, none longer than an export's can be: of a longer one the beginning, which is no JSON."""
    most = MOST_HEADER
    while line := file.readline(most):
        yield line
        while len(line) == most and not line.endswith("\n"):
            line = file.readline(most)
        most = MOST_LINE


def progress() -> Progress:
    """Says on a terminal, now and then, how many records were opened: each takes a millisecond."""

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
