"""Copy the pictures of a petition for a mirror: each is a WebP with nothing beside its pixels, or is not copied."""

from collections.abc import Iterable
from pathlib import Path

from sabal.checking.tiled import Get
from sabal.public import put_if_changed
from sabal.webp import read_plain

MOST_PICTURE = 1 << 20


def copy(get: Get, paths: Iterable[str], folder: Path) -> tuple[frozenset[str], int]:
    """Copy the pictures that the site has, and delete the copies of those that it has no longer.

    Return the paths of the copies, and how many are new, changed or deleted. Raise `OSError`.
    """
    found, changed = set(), 0
    for path in paths:
        data = get(path, MOST_PICTURE)
        if data is not None and _is_picture(data):
            found.add(path)
            changed += put_if_changed(folder / path, data)
        elif (folder / path).is_file():
            (folder / path).unlink()
            changed += 1
    return frozenset(found), changed


def _is_picture(data: bytes) -> bool:
    try:
        return bool(read_plain(data))
    except ValueError:
        return False
