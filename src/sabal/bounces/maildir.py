"""A folder in which a mail server or `sabal bounces` puts messages, as a Maildir: finished files are in `new`."""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sabal import locks, private
from sabal.bounces.report import MOST_BYTES

MOST_WAITING = 10_000  # messages that wait in our own folder; more must wait at the mail server


class Maildir:
    """The messages in a folder. `is_ours`: nobody else reads it, so what we cannot use is deleted too."""

    def __init__(self, path: Path, *, is_ours: bool) -> None:
        self._new, self._cur, self._is_ours = path / "new", path / "cur", is_ours

    @contextmanager
    def taking(self) -> Iterator[bool]:
        """Yield whether this process may take messages: of several workers on one folder, one at a time.

        Raises OSError.
        """
        if self._is_ours and not self._new.is_dir():  # nothing came yet
            yield False
            return
        folder = os.open(self._new, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield locks.take(folder)
        finally:
            os.close(folder)

    def messages(self, most: int) -> Iterator[tuple[str, bytes]]:
        """Yield the name and the start of each message, the oldest first. Links are not followed."""
        for name in self._names()[:most]:
            with contextlib.suppress(OSError):  # it was taken away, or is no file
                descriptor = os.open(self._new / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                with os.fdopen(descriptor, "rb") as file:
                    content = file.read(MOST_BYTES)
                yield name, content

    def settle(self, name: str, *, used: bool) -> None:
        """Delete a message that was used. One that is not about us is marked as read and left to its owner."""
        if used or self._is_ours:
            (self._new / name).unlink(missing_ok=True)
        elif self._cur.is_dir():
            (self._new / name).rename(self._cur / f"{name.partition(':')[0]}:2,S")

    def oldest(self) -> float | None:
        """Return when the oldest message that waits came (Unix time); None if none does. Raises OSError."""
        times = [entry.stat().st_mtime for entry in os.scandir(self._new) if not entry.name.startswith(".")]
        return min(times, default=None)

    def _names(self) -> list[str]:
        try:
            return sorted(path.name for path in self._new.iterdir() if not path.name.startswith("."))
        except OSError:
            return []


def put(path: Path, pieces: Iterator[bytes]) -> bool:
    """Put a message into our own folder, whole and flushed. Return False if too many wait. Raises OSError."""
    new = path / "new"
    new.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sum(1 for _ in new.iterdir()) >= MOST_WAITING:
        return False
    private.create(new / f"{time.time_ns()}.{secrets.token_hex(8)}", pieces)
    return True
