"""What an outsider makes of a published log: read from its files alone, with nothing of the house."""

from dataclasses import dataclass
from pathlib import Path

import tlog
from tlog.tiles import ENTRIES, WIDTH, new_bundles, new_tiles


@dataclass
class Read:
    """A log folder that was found whole and consistent."""

    checkpoint: tlog.Checkpoint
    entries: list[bytes]
    tally: tlog.Tally


def read(folder: Path, key: tlog.Verifier) -> Read:
    """Read a folder; every tile, bundle and hash of it must fit its checkpoint."""
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
    """Every public file of a log, by its path."""
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"
    )


__all__ = ["ENTRIES", "WIDTH", "Read", "files", "read"]
