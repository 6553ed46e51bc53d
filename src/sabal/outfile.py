"""The file that a command writes: private, whole or absent, and over an existing one only with `--force`.

Every command with `--out` uses this module, so that all have one rule. `--out -` is standard output, as everywhere on
Unix. A key file is never overwritten: what it opens would be lost.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from sabal import private
from sabal.refusal import Refusal

STDOUT = Path("-")
FILE = click.Path(dir_okay=False, path_type=Path)
force = click.option("--force", is_flag=True, help="With --out: overwrite the file if it exists.")


@dataclass(frozen=True)
class OutFile:
    """A file to be written, and whether it may replace an older one; or standard output, if its path is "-"."""

    path: Path
    force: bool = False
    is_text: bool = False
    """Whether a terminal can show the content."""

    @property
    def is_stdout(self) -> bool:
        """Whether the content goes to standard output. Then all other words of the command belong on stderr."""
        return self.path == STDOUT

    def __str__(self) -> str:
        return "standard output" if self.is_stdout else str(self.path)

    def say(self, words: str) -> None:
        """Print what the command has to say, and never into the content."""
        click.echo(words, err=self.is_stdout)

    def refuse(self, inputs: Iterable[Path | str | None] = ()) -> None:
        """Raise `Refusal` if the file must not be written. Call this before any work is done.

        It must not be one of the inputs, or exist without `force`, or be anything but a plain file, and its folder
        must exist. An input may also be None, or no path, such as an address or a key. A terminal takes no binary data.
        """
        if self.is_stdout:
            self._refuse_stdout()
            return
        out = self.path
        if any(_is_same(out, one) for one in inputs):
            raise Refusal(
                f"{out} is one of the files to read, so it is not overwritten. Choose another name."
            )
        if out.is_symlink() or (out.exists() and not out.is_file()):
            raise Refusal(f"{out} exists already and is not a plain file. Choose another name.")
        if out.exists() and not self.force:
            raise _exists(out)
        refuse_without_folder(out)

    def write(self, pieces: Iterable[bytes]) -> int:
        """Write the file and return the number of pieces. Raise `Refusal` and `OSError`."""
        if self.is_stdout:
            return _write_stdout(pieces)
        if self.force:
            return private.replace(self.path, pieces)
        try:
            return private.create(self.path, pieces)
        except FileExistsError:  # made since the command began
            raise _exists(self.path) from None

    def _refuse_stdout(self) -> None:
        if self.force:
            raise click.UsageError("--force overwrites a file. Leave it out with --out -.")
        if sys.stdout.isatty() and not self.is_text:
            raise Refusal(
                "The content is not text, so it is not written to a terminal. Give --out a file, or send standard"
                " output to a file or a program."
            )


def refuse_any(*keys: Path) -> None:
    """Raise `Refusal` if there is anything at one of these paths: key files, which are never overwritten."""
    if keys[0] == STDOUT:
        raise Refusal("A key is never written to standard output. Give --out the name of a file.")
    for path in keys:
        if path.exists() or path.is_symlink():
            raise Refusal(f"{path} exists already, and a key file is never overwritten. Choose another name.")
        refuse_without_folder(path)


def refuse_without_folder(path: Path) -> None:
    """Raise `Refusal` if a file cannot be written there because there is no such folder."""
    if not path.parent.is_dir():
        raise Refusal(f"There is no folder {path.parent} to write {path.name} to.")


def _write_stdout(pieces: Iterable[bytes]) -> int:
    """Write bytes as they are: the text layer may have an encoding that lacks most people's names."""
    number = 0
    for piece in pieces:
        sys.stdout.buffer.write(piece)
        number += 1
    sys.stdout.flush()  # if stdout was closed, fail here, before the command says or does anything more
    return number


def _is_same(out: Path, given: Path | str | None) -> bool:
    try:
        return given is not None and out.samefile(given)
    except (OSError, ValueError):  # one of them does not exist, or cannot be a path
        return False


def _exists(path: Path) -> Refusal:
    return Refusal(f"{path} exists already. Choose another name, or overwrite it with --force.")
