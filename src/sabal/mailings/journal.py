"""The journal of one process: recipients whose emails a mail server accepted, until the database says so.

Results are stored in the database a few at a time, because each commit is flushed. The journal has the rest: one line
of eight bytes, written as soon as the server has accepted an email. It outlives the process, so kill -9 repeats only
emails whose answer was on its way, at most one for each connection. It is not flushed: if the machine itself fails, the
emails of a fraction of a second may be sent twice. They have the same Message-ID.
"""

import contextlib
import errno
import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path

from sabal import locks

_ID = struct.Struct(">Q")
FOLDER = "mailings"  # in the data folder


class Journal:
    """The journal of this process. The threads of several connections may write it."""

    def __init__(self, data: Path) -> None:
        folder = data / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path = folder / f"{secrets.token_hex(8)}.sent"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        locks.take(self._file)  # tells the next process that this one lives

    def write(self, recipient: int) -> None:
        """Note that a recipient's email was accepted. Raises OSError."""
        if os.write(self._file, _ID.pack(recipient)) != _ID.size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def clear(self) -> None:
        """Forget all, because the database has it."""
        os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Delete the file, whose content the database has."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)


@contextlib.contextmanager
def left_behind(data: Path) -> Iterator[list[int]]:
    """Yield the recipients in the journals of processes that died, and delete these if the block ends well."""
    taken: list[tuple[Path, int]] = []
    found: list[int] = []
    try:
        for path in sorted((data / FOLDER).glob("*.sent")):
            with contextlib.suppress(FileNotFoundError):
                taken.append((path, os.open(path, os.O_RDWR)))
                if locks.take(taken[-1][1]):
                    found += _ids(path.read_bytes())
                else:
                    os.close(taken.pop()[1])
        yield found
        for path, _ in taken:
            path.unlink(missing_ok=True)
    finally:
        for _, file in taken:
            os.close(file)


def _ids(content: bytes) -> Iterator[int]:
    """Yield the ids in a journal. Half an id at its end, which a full disk may leave, is none."""
    whole = len(content) // _ID.size * _ID.size
    return (one[0] for one in _ID.iter_unpack(content[:whole]))
