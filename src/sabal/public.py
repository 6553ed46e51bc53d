"""Files that everybody may read, such as those of a log: whole or not at all, on disk in the end."""

import os
import secrets
from pathlib import Path

_MODE = 0o644  # a plain web server may show them


def put(path: Path, data: bytes) -> None:
    """Write a file, in the place of an older one: aside, flushed, moved. Raises OSError.

    Nobody ever reads half of it. The folder's names are the caller's to flush, once for many files.
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
    """Write a file, and the folders that it needs, unless it is there as it should be; whether it was written."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, data)
    return True
