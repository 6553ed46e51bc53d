"""Write files that everybody may read, such as those of a log: whole or not at all, and flushed to disk."""

import os
import secrets
from pathlib import Path

_MODE = 0o644  # any web server may read them


def put(path: Path, data: bytes) -> None:
    """Write a file or replace an older one, through a flushed draft that is renamed. Raise OSError.

    No process can read half of it. The caller flushes the folder's names, once for many files.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def put_if_changed(path: Path, data: bytes) -> bool:
    """Write a file, and make its folders, unless it already has this content. Return whether it was written."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, data)
    return True
