"""Files that hold secrets: for their owner's eyes from the first byte on, whole or not at all, on disk in the end.

Content comes in pieces, so that an export need not fit into memory. It is written aside and moved into place; a crash
in between leaves a hidden file beside it, as private as the file would have been.
"""

import errno
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

MODE = 0o600
POSIX = hasattr(os, "getuid")
"""Whether files have modes, and folders can be flushed. On Windows a new file has the rights of its folder."""

# What file systems without hard links answer, such as those of memory sticks. Windows answers EINVAL.
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EINVAL}


def create(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a file where none is; returns the number of pieces.

    Raises FileExistsError where anything is, a link that leads nowhere too, and OSError. Of two that create the same
    file one wins, and nobody sees half of it.
    """
    return _write(path, pieces, _put_where_nothing_is)


def replace(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a file, in the place of an older one if there is one; returns the number of pieces.

    Raises OSError where there is anything but a plain file: a link could lead to where others read.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OSError(errno.EINVAL, "exists already and is not a plain file; choose another name", str(path))
    return _write(path, pieces, Path.replace)


def append(path: Path, lines: bytes) -> None:
    """Add lines to a file, made where there is none. Raises OSError where it could not be written whole."""
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, MODE)
    with os.fdopen(
        descriptor, "ab", buffering=0
    ) as file:  # which ends the translation of line ends on Windows
        # One write in append mode: lines of two processes never mix.
        if os.write(file.fileno(), lines) != len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(file.fileno())
    if new:
        flush(path.parent)


def flush(path: Path) -> None:
    """Put on disk what a file holds, or the names that a folder holds: a rename outlives a crash. Raises OSError."""
    if not POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems of other machines cannot flush a folder
            raise
    finally:
        os.close(descriptor)


def _write(path: Path, pieces: Iterable[bytes], put: Callable[[Path, Path], object]) -> int:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    number = 0
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    except OSError as error:  # who reads it knows the name of the file, not of the draft
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
                number += 1
            file.flush()
            os.fsync(file.fileno())
        put(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    flush(path.parent)
    return number


def _put_where_nothing_is(draft: Path, path: Path) -> None:
    try:
        try:
            os.link(draft, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # The name is taken first, then the file put under it: for a moment others see an empty one.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE))
            draft.replace(path)
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
