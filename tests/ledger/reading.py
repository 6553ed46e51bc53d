"""Read a published log as an outsider does: from its files alone, without the server's code or keys."""

from dataclasses import dataclass
from pathlib import Path

import tlog
from tlog.tiles import ENTRIES, WIDTH, new_bundles, new_tiles


@dataclass
class Read:
    """A log folder that is whole and consistent."""

    checkpoint: tlog.Checkpoint
    entries: list[bytes]
    tally: tlog.Tally


def read(folder: Path, key: tlog.Verifier) -> Read:
    """Read a folder, and check that every tile, bundle and hash fits its checkpoint."""
    note = (folder / "checkpoint").read_bytes()
    opened = tlog.checkpoint.open(note, [key]).checkpoint
    entries: list[bytes] = []
    for bundle in new_bundles(0, opened.size):
        entries += tlog.decode_bundle((folder / bundle.path).read_bytes(), bundle.width)
    assert tlog.root_of_entries(entries) == opened.root
    leaves = tlog.leaf_hashes(entries)
    for tile, data in tlog.grow(0, leaves, lambda _: b""):
        assert (folder / tile.path).read_bytes() == data, tile
    assert [t for t, _ in tlog.grow(0, leaves, lambda _: b"")] == list(new_tiles(0, opened.size))
    tally = tlog.Tally()
    tally.extend(entries)
    return Read(opened, entries, tally)


def files(folder: Path) -> list[str]:
    """Return the paths of all public files of a log."""
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"
    )


__all__ = ["ENTRIES", "WIDTH", "Read", "files", "read"]
