"""Read a log in the layout of servers and mirrors: entries in files of 256. c2sp.org/tlog-tiles.

Tiles of hashes are not read, because the check computes every hash itself.
"""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import tlog
from sabal.checking.copy import (
    MOST_ENTRIES,
    MOST_MANIFEST,
    MOST_MANIFESTS,
    MOST_NOTE,
    CannotCheck,
    LogCopy,
    Progress,
    manifest_path,
    named_manifests,
)
from sabal.counted import some_entries
from tlog import Tile
from tlog.entry import ENTRY_BYTES
from tlog.tiles import WIDTH

Get = Callable[[str, int], bytes | None]
"""(path, limit) → the file's bytes, at most `limit` + 1, so that a longer file is noticed; None if there is no file.

It is called from several threads at once.
"""

AT_ONCE = 8
"""How many files are read at once. Over a network or from a slow disk, nearly all time is waiting."""

_STRIDE = 2 + ENTRY_BYTES  # a length of two bytes and an entry


def read_tiled(get: Get, progress: Progress) -> LogCopy:
    """Read a log's files. Raise `CannotCheck` if one is missing, or longer than its limit.

    Damaged manifests are returned as they are. A damaged bundle is reported in `flaws`.
    """
    checkpoint, policy = _needed(get, "checkpoint"), _needed(get, "policy")
    try:
        size = tlog.checkpoint.peek(checkpoint).size
    except tlog.TlogError:
        size = 0  # the number of entries is unknown; the check will report the damaged checkpoint
    if size > MOST_ENTRIES:
        raise CannotCheck(
            f"This log says that it has {size:,} entries. That is more than can be checked here."
        )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            entries, flaws = _read_entries(get, size, progress, pool)
            hashes = list(dict.fromkeys(hash_ for _, hash_ in named_manifests(entries)))
            if len(hashes) > MOST_MANIFESTS:
                flaws.append(
                    f"The log names {len(hashes):,} manifests, of which {MOST_MANIFESTS:,} were read."
                )
                del hashes[MOST_MANIFESTS:]
            found = zip(hashes, pool.map(partial(_manifest, get), hashes), strict=True)
            manifests = {hash_: data for hash_, data in found if data is not None}
        finally:
            pool.shutdown(cancel_futures=True)
    return LogCopy(checkpoint, policy, entries, manifests, flaws=tuple(flaws))


def _needed(get: Get, name: str) -> bytes:
    data = get(name, MOST_NOTE)
    if data is None:
        raise CannotCheck(f"There is no log here: the file `{name}` is missing.")
    if len(data) > MOST_NOTE:
        raise CannotCheck(f"The file `{name}` is longer than a {name} can be, so it was not read to its end.")
    return data


def _read_entries(get: Get, size: int, progress: Progress, pool: Executor) -> tuple[bytes, list[str]]:
    """Return the entries up to the first damaged bundle, and a sentence on that bundle."""
    pieces, flaws = [], []
    bundles = list(tlog.new_bundles(0, size))
    for bundle, data in zip(bundles, pool.map(partial(_bundle, get), bundles), strict=True):
        piece = _entries_of(bundle, data)
        if piece is None:
            flaws.append(
                f"The file {bundle.path} does not hold {some_entries(bundle.width)} of {ENTRY_BYTES} bytes."
            )
            break
        pieces.append(piece)
        progress(bundle.index * WIDTH + bundle.width, size)
    return b"".join(pieces), flaws


def _bundle(get: Get, bundle: Tile) -> bytes:
    """Read the file of a bundle. If a partial one is gone, read the full one. c2sp.org/tlog-tiles "Partial Tiles"."""
    data = get(bundle.path, WIDTH * _STRIDE)
    if data is None and bundle.width < WIDTH:
        data = get(Tile(bundle.level, bundle.index).path, WIDTH * _STRIDE)
    if data is None:
        raise CannotCheck(
            f"Not all of the log is here: {bundle.path} is missing. Try again, or use another copy."
        )
    return data


def _entries_of(bundle: Tile, data: bytes) -> bytes | None:
    """Return the joined entries of a bundle, or of the beginning of a full one; None if it is damaged."""
    width = WIDTH if len(data) == WIDTH * _STRIDE else bundle.width
    if len(data) != width * _STRIDE:
        return None
    try:
        entries = tlog.decode_bundle(data, width)[: bundle.width]
    except tlog.Malformed:
        return None
    return b"".join(entries) if {ENTRY_BYTES}.issuperset(map(len, entries)) else None


def _manifest(get: Get, hash_: bytes) -> bytes | None:
    path = manifest_path(hash_)
    data = get(path, MOST_MANIFEST)
    if data is not None and len(data) > MOST_MANIFEST:
        raise CannotCheck(f"The file `{path}` is longer than the limit, so it was not read to its end.")
    return data
