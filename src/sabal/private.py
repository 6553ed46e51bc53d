"""Write files that contain secrets: readable by the owner only, whole or not at all, and flushed to disk.

Content comes in pieces, so that an export need not fit into memory. It is written to a hidden draft, which is then
renamed. A crash before that leaves the draft, which is as private as the file.
"""

import errno
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

MODE = 0o600
POSIX = hasattr(os, "getuid")
"""Whether files have modes and folders can be flushed. On Windows a new file has the permissions of its folder."""

# Errors of file systems without hard links, such as those of memory sticks. Windows gives EINVAL.
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EINVAL}


def create(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a new file and return the number of pieces.

    Raise FileExistsError if there is anything at that path, even a dangling link, and OSError for other errors. If two
    processes create the same file, one succeeds. No process can read half of it.
    """
    return _write(path, pieces, _put_where_nothing_is)


def replace(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a file, or replace an older one, and return the number of pieces.

    Raise OSError if there is anything but a plain file: a link could point to a folder that others read.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OSError(errno.EINVAL, "exists already and is not a plain file; choose another name", str(path))
    return _write(path, pieces, Path.replace)


def append(path: Path, lines: bytes) -> None:
    """Append lines to a file; make it if there is none. Raise OSError if they could not be written whole."""
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, MODE)
    # Binary mode, so that Windows does not change the line ends.
    with os.fdopen(descriptor, "ab", buffering=0) as file:
        # One write in append mode: lines of two processes never mix.
        if os.write(file.fileno(), lines) != len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(file.fileno())
    if new:
        flush(path.parent)


def flush(path: Path) -> None:
    """Flush a file's content, or a folder's names, to disk, so that a rename survives a crash. Raise OSError."""
    if not POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush a folder
            raise
    finally:
        os.close(descriptor)


def _write(path: Path, pieces: Iterable[bytes], put: Callable[[Path, Path], object]) -> int:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    number = 0
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    except OSError as error:  # name the file, as the user does not know the draft
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
            # Make an empty file, then replace it: for a moment other processes see it empty.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE))
            draft.replace(path)
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
