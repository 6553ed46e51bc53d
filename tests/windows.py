"""Imitate Windows on Linux and run `sabal` there: `python tests/windows.py keys new --out key`.

Modules and functions that Python lacks on Windows are removed. Files behave as on Windows: an open file cannot be moved
or deleted, a folder cannot be opened, and modes have no effect. Output has the encoding of a Western European Windows.
"""

import ctypes
import fcntl
import getpass  # noqa: F401 - getpass, subprocess and tempfile detect Windows by `msvcrt`, so load them before it
import io
import os
import signal
import socket
import stat
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

MODULES = {
    "fcntl",
    "resource",
    "pwd",
    "grp",
    "termios",
    "tty",
    "pty",
    "syslog",
    "readline",
    "uvloop",
    "pysqlite3",
}
OS = """
    O_ASYNC O_CLOEXEC O_DIRECT O_DIRECTORY O_DSYNC O_NDELAY O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK O_PATH O_SYNC
    chown chroot ctermid fchdir fchmod fchown fdatasync fork forkpty fpathconf fstatvfs getegid geteuid getgid getgroups
    getloadavg getpgid getpgrp getpriority getresuid getsid getuid initgroups killpg lchown lockf mkfifo mknod nice
    openpty pathconf pipe2 posix_fallocate posix_fadvise posix_spawn pread pwrite register_at_fork sched_getaffinity
    sched_setaffinity sched_yield sendfile setegid seteuid setgid setgroups setpgid setpriority setsid setuid statvfs
    sync sysconf tcgetpgrp uname wait3 wait4 writev
""".split()
SIGNALS = """
    SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGWINCH alarm pause
    pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigtimedwait sigwait sigwaitinfo
""".split()
WRITABLE = 0o666


def become_windows() -> None:
    """Remove what Windows lacks, and make files behave as there."""
    _remove_what_windows_lacks()
    _lock_like_windows()
    os.supports_dir_fd.clear()
    os.open = _windows_open(os.open)
    os.fsync = _windows_fsync(os.fsync)
    os.stat, os.lstat = _without_modes(os.stat), _without_modes(os.lstat)
    for name in ("rename", "replace", "unlink", "remove", "link"):
        setattr(os, name, _closed_files_only(getattr(os, name)))


def _remove_what_windows_lacks() -> None:
    for module, names in ((os, OS), (signal, SIGNALS), (socket, ("AF_UNIX", "SO_REUSEPORT"))):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it then raises ImportError
    load = ctypes.CDLL.__init__

    def load_by_name(self: ctypes.CDLL, name: Any, *args: Any, **kwargs: Any) -> None:
        if name is None:
            raise TypeError("LoadLibrary() argument 1 must be str, not None")
        load(self, name, *args, **kwargs)

    ctypes.CDLL.__init__ = load_by_name  # type: ignore[method-assign]


def _lock_like_windows() -> None:
    """Provide `msvcrt.locking` by `flock`. On Windows no other process can read a locked byte."""
    windows = types.ModuleType("msvcrt")

    def locking(file: int, mode: int, length: int) -> None:
        assert os.lseek(file, 0, os.SEEK_CUR) >= os.fstat(file).st_size, "a locked byte cannot be read"
        try:
            fcntl.flock(file, mode)
        except BlockingIOError:
            raise PermissionError(13, "Permission denied") from None

    windows.locking = locking  # type: ignore[attr-defined]
    windows.LK_NBLCK = fcntl.LOCK_EX | fcntl.LOCK_NB  # type: ignore[attr-defined]
    windows.LK_UNLCK = fcntl.LOCK_UN  # type: ignore[attr-defined]
    sys.modules["msvcrt"] = windows


def _windows_open(open_: Callable[..., int]) -> Callable[..., int]:
    def open_file(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is not None:
            raise NotImplementedError("dir_fd unavailable on this platform")
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return open_(path, flags, mode)

    return open_file


def _windows_fsync(fsync: Callable[[int], None]) -> Callable[[int], None]:
    def flush(file: int) -> None:
        if fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(9, "Bad file descriptor")
        fsync(file)

    return flush


def _without_modes(stat_: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
    def stat_file(path: Any, **kwargs: Any) -> os.stat_result:
        found = stat_(path, **kwargs)
        if not stat.S_ISREG(found.st_mode):
            return found
        return os.stat_result((stat.S_IFREG | WRITABLE, *found[1:]))

    return stat_file


def _closed_files_only(act: Callable[..., None]) -> Callable[..., None]:
    listed = os.listdir, os.readlink

    def act_on(*paths: Any, **kwargs: Any) -> None:
        listdir, readlink = listed
        opened = set()
        for number in listdir("/proc/self/fd"):
            try:
                opened.add(readlink(f"/proc/self/fd/{number}"))
            except FileNotFoundError:
                continue  # the descriptor of this listing itself
        for path in paths:
            if os.path.realpath(path) in opened:
                raise PermissionError(13, "The process cannot access the file", os.fspath(path))
        act(*paths, **kwargs)

    return act_on


def main() -> NoReturn:
    sys.path.pop(0)  # remove the folder of this file
    become_windows()
    warnings.filterwarnings("error", category=EncodingWarning, module=r"(sabal|agefile|tlog)\b")
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        setattr(
            sys,
            name,
            io.TextIOWrapper(stream.detach(), encoding="cp1252", errors=stream.errors, newline="\r\n"),
        )
    from sabal.cli import main as sabal

    sys.exit(sabal(prog_name="sabal"))


if __name__ == "__main__":
    main()
