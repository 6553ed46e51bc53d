"""The folder `run` in the data folder, with the files of a running server.

A lock in it says that a server runs. What a killed server left is deleted by the next one.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sabal import locks
from sabal.refusal import Refusal

LOCK = "lock"
logger = logging.getLogger("sabal.serve")


@contextmanager
def run_folder(data: Path) -> Iterator[Path]:
    """Yield an empty folder for the files of this server, and delete them at the end.

    Raise Refusal if another server runs on this data folder. If a lock cannot be had there, as on some network file
    systems, log the reason and yield a temporary folder.
    """
    with ExitStack() as stack:
        try:
            folder = _locked(data / "run", stack)
        except OSError as error:
            logger.warning(
                "%s cannot be used (%s), so the files of this server are in a temporary folder, and a second server on"
                " this data folder is not noticed",
                data / "run",
                error.strerror,
            )
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sabal-")))
        yield folder


def _locked(folder: Path, stack: ExitStack) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    # The system frees the lock when this process ends, however it ends. Children do not inherit the descriptor.
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    stack.callback(os.close, lock)
    if not locks.take(lock):
        pid = os.read(lock, 20).decode(errors="replace").strip()
        raise Refusal(
            f"Another server runs on the data folder {folder.parent.absolute()} (process {pid or 'unknown'}). End it"
            " first, or give this one a folder of its own: SABAL_DATA."
        )
    _empty(folder)
    os.ftruncate(lock, 0)
    os.write(lock, b"%d\n" % os.getpid())
    stack.callback(_empty, folder)
    return folder


def _empty(folder: Path) -> None:
    """Delete everything but the lock. The lock file stays: a server that waits for it must not have a deleted one."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)
