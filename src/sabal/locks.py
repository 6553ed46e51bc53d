"""Locks between processes, on open files. The end of the process frees them, or of the last copy of the descriptor."""

import os

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt
    import time

    # Windows lets nobody else read what is locked, so the lock is on a byte that no file of ours reaches.
    _BYTE = 0x7FFF_0000
    _PAUSE = 0.05

    def take(file: int, *, wait: bool = False) -> bool:
        """Lock an open file or folder, and return whether it is ours now. With `wait`, return when it is."""
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
        """Give the lock back before the file is closed."""
        os.lseek(file, _BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]

else:

    def take(file: int, *, wait: bool = False) -> bool:
        """Lock an open file or folder, and return whether it is ours now. With `wait`, return when it is."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def free(file: int) -> None:
        """Give the lock back before the file is closed."""
        fcntl.flock(file, fcntl.LOCK_UN)
