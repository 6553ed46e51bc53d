"""A log's public files on this machine: tiles, bundles and, last of all, the checkpoint. c2sp.org/tlog-tiles.

Each machine writes its own from the database. They are a cache of it: what is missing or wrong is made again by the
code that made it first. Only the checkpoint can tell what the database does not know: that it is an old one.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

from sabal import database as raw
from sabal import locks, private, public, settings
from sabal.database import Database
from sabal.ledger import tables
from sabal.ledger.policy import log_key
from sabal.ledger.tables import Incomplete, Log
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.refusal import Refusal
from tlog import (
    Frontier,
    Tile,
    TlogError,
    Verifier,
    checkpoint,
    encode_bundle,
    leaf_hashes,
    new_bundles,
    new_tiles,
)
from tlog.entry import ENTRY_BYTES
from tlog.merkle import full_root
from tlog.tiles import ENTRIES, WIDTH, split_hashes

CHECKPOINT, MANIFESTS, POLICY = "checkpoint", "manifests", "policy"
_AT_ONCE, _PIECE = 8, 64  # files that are flushed at once, and that are held in memory
_HASH, _BUNDLED = 32, ENTRY_BYTES + 2  # bytes of each leaf in a tile, and in a bundle


class WouldFork(Refusal):
    """Others have seen what the database does not hold, or something else: what is signed next would fork the log.

    `found` says what was seen, `then` what to do.
    """

    def __init__(self, found: str, then: str) -> None:
        super().__init__(f"{found} Next: {then}")
        self.found, self.then = found, then


@dataclass(frozen=True)
class Publication:
    """The public files of one petition's log, by its key."""

    folder: Path
    petition_id: int
    key: Verifier

    @property
    def _slug(self) -> str:
        return self.folder.parent.name

    def shown(self) -> bytes | None:
        """The checkpoint that lies here, where one does that this log signed."""
        try:
            note = (self.folder / CHECKPOINT).read_bytes()
            checkpoint.open(note, [self.key])
        except (OSError, TlogError):
            return None  # a file that somebody spoiled is written again
        return note

    def refuse_ahead(self, database: Database, log: Log) -> None:
        """Raise WouldFork where the checkpoint that lies here is not of the log that the database holds."""
        note = self.shown()
        if note is None or note in (log.published, log.signed):
            return
        there = checkpoint.peek(note)
        if there.size > log.size:
            raise WouldFork(
                f"The checkpoint in {self.folder} has {there.size} entries, and the database {log.size}: the database"
                " was restored from a backup that is older than the log.",
                f"sabal restore --adopt {self._slug}",
            )
        tree = Frontier()
        for piece in tables.entries(database, log.petition_id, 0, there.size):
            tree.extend(leaf_hashes(tables.split(piece)))
        if tree.root() != there.root:
            raise WouldFork(
                f"The checkpoint in {self.folder} has another history than the database: one of the two was changed.",
                "keep both, find out which was changed, and use an older backup",
            )

    def write_tiles(self, database: Database, size: int) -> None:
        """Write what the tree of `size` entries has and this folder lacks. Raises OSError; nothing is shown yet."""
        note = self.shown()
        old = checkpoint.peek(note).size if note else 0
        if old < size:
            # Level by level: what is above is made of the files below.
            for _, tiles in groupby([*new_bundles(old, size), *new_tiles(old, size)], lambda t: t.level):
                self._write((tile, self.make(database, tile)) for tile in tiles)

    def write_checkpoint(self, note: bytes) -> None:
        """Show the checkpoint, unless a larger one is shown already; its tiles must be there. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            locks.take(lock, wait=True)
            shown = self.shown()
            if shown is None or checkpoint.peek(shown).size <= checkpoint.peek(note).size:
                public.put(self.folder / CHECKPOINT, note)
                private.flush(self.folder)
        finally:
            os.close(lock)

    def write_other(self, name: str, data: bytes) -> bool:
        """Write the policy or a manifest (`manifests/<hash>.json`) unless it is there; whether it was written."""
        written = public.put_if_changed(self.folder / name, data)
        if written:
            private.flush((self.folder / name).parent)
        return written

    def held(self, tile: Tile) -> bytes | None:
        """What the file of a tile or bundle holds; None where it is missing or has another length than it must."""
        try:
            data = (self.folder / tile.path).read_bytes()
        except OSError:
            return None
        each = _BUNDLED if tile.level == ENTRIES else _HASH
        return data if len(data) == each * tile.width else None

    def read(self, database: Database, tile: Tile) -> bytes:
        """The bytes of a tile or bundle: of its file or, where that cannot be, made from the database."""
        return self.held(tile) or self.make(database, tile)

    def fetch(self, tile: Tile) -> bytes:
        """`read`, from any thread: on a connection of its own where the file cannot be used. Raises Incomplete."""
        held = self.held(tile)
        if held is not None:
            return held
        with closing(raw.connect()) as database:
            return self.make(database, tile)

    def make(self, database: Database, tile: Tile) -> bytes:
        """The bytes of a tile or bundle, from the database and, above the lowest level, from the tiles below it."""
        first = tile.index * WIDTH
        if tile.level > 0:
            below = (self.read(database, Tile(tile.level - 1, n)) for n in range(first, first + tile.width))
            return b"".join(full_root(split_hashes(data, WIDTH)) for data in below)
        held = b"".join(tables.entries(database, self.petition_id, first, first + tile.width))
        found = tables.split(held)
        if len(found) != tile.width:
            raise Incomplete(f"the log of petition {self.petition_id} has no {tile}")
        return encode_bundle(found) if tile.level == ENTRIES else b"".join(leaf_hashes(found))

    def repair(self, database: Database, size: int) -> list[str]:
        """Hold every file of the tree of `size` entries against the database; the paths of those that were mended.

        Partial tiles whose full one stands are no longer asked for, and go.
        """
        wrong = []
        # From below, since what is above is made of it.
        for tile in [*new_bundles(0, size), *new_tiles(0, size)]:
            path, made = self.folder / tile.path, self.make(database, tile)
            if not path.is_file() or path.read_bytes() != made:
                self._write(iter([(tile, made)]))
                wrong.append(tile.path)
            if tile.width == WIDTH:
                _remove(path.with_name(f"{path.name}.p"))
        return wrong

    def _write(self, tiles: Iterator[tuple[Tile, bytes]]) -> None:
        """Every file and folder is on disk at the end; several at once, for a flush is waiting, and disks share it."""
        folders = set[Path]()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while some := [(self.folder / tile.path, data) for tile, data in islice(tiles, _PIECE)]:
                for folder in {path.parent for path, _ in some} - folders:
                    folder.mkdir(parents=True, exist_ok=True)
                    folders.add(folder)
                for _ in pool.map(lambda one: public.put(*one), some):
                    pass  # a failure is raised here
        for folder in sorted(folders):
            private.flush(folder)


def publication(petition: PetitionSnapshot) -> Publication:
    """Where the log of that petition is published on this machine."""
    return Publication(log_folder(petition.slug), petition.id, log_key(petition.manifest))


def log_folder(slug: str) -> Path:
    """The folder of that petition's public log on this machine."""
    return settings.DATA / "public" / slug / "log"


def manifest_name(digest: bytes) -> str:
    """The file that holds the manifest of that SHA-256."""
    return f"{MANIFESTS}/{digest.hex()}.json"


def _remove(folder: Path) -> None:
    if folder.is_dir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
