"""The file that a command writes: private, whole or absent, and over an existing one only with `--force`.

Every command with `--out` uses this module, so that all have one rule. A key file is never overwritten: what it opens
would be lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from sabal import private
from sabal.refusal import Refusal

FILE = click.Path(dir_okay=False, path_type=Path)
force = click.option("--force", is_flag=True, help="With --out: overwrite the file if it exists.")


@dataclass(frozen=True)
class OutFile:
    """A file to be written, and whether it may replace an older one."""

    path: Path
    force: bool

    def refuse(self, inputs: Iterable[Path | str | None] = ()) -> None:
        """Raise `Refusal` if the file must not be written. Call this before any work is done.

        It must not be one of the inputs, or exist without `force`, or be anything but a plain file, and its folder
        must exist. An input may also be None, or no path, such as an address or a key.
        """
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
        if self.force:
            return private.replace(self.path, pieces)
        try:
            return private.create(self.path, pieces)
        except FileExistsError:  # made since the command began
            raise _exists(self.path) from None


def refuse_any(*keys: Path) -> None:
    """Raise `Refusal` if there is anything at one of these paths: key files, which are never overwritten."""
    for path in keys:
        if path.exists() or path.is_symlink():
            raise Refusal(f"{path} exists already, and a key file is never overwritten. Choose another name.")
        refuse_without_folder(path)


def refuse_without_folder(path: Path) -> None:
    """Raise `Refusal` if a file cannot be written there because there is no such folder."""
    if not path.parent.is_dir():
        raise Refusal(f"There is no folder {path.parent} to write {path.name} to.")


def _is_same(out: Path, given: Path | str | None) -> bool:
    try:
        return given is not None and out.samefile(given)
    except (OSError, ValueError):  # one of them does not exist, or cannot be a path
        return False


def _exists(path: Path) -> Refusal:
    return Refusal(f"{path} exists already. Choose another name, or overwrite it with --force.")
