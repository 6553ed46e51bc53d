"""Locks between processes, on open files. The system frees one when the last copy of its descriptor is closed."""

import os

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt
    import time

    # On Windows other processes cannot read locked bytes, so we lock a byte beyond the end of any of our files.
    _BYTE = 0x7FFF_0000
    _PAUSE = 0.05

    def take(file: int, *, wait: bool = False) -> bool:
        """Lock an open file or folder. Return whether this worked; with `wait`, wait until it does."""
        while True:
            os.lseek(file, _BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            except PermissionError:
                if not wait:
                    return False
                time.sleep(_PAUSE)
            else:
                return True

    def free(file: int) -> None:
        """Release the lock while the file stays open."""
        os.lseek(file, _BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]

else:

    def take(file: int, *, wait: bool = False) -> bool:
        """Lock an open file or folder. Return whether this worked; with `wait`, wait until it does."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def free(file: int) -> None:
        """Release the lock while the file stays open."""
        fcntl.flock(file, fcntl.LOCK_UN)
