"""A log's public files on this machine: tiles, bundles and, written last, the checkpoint. c2sp.org/tlog-tiles.

Each machine writes its own files from the database. They are a cache of it: the code that made a file makes it again if
it is missing or wrong. The checkpoint alone is more than a cache: it can show that the database is an old one.
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
from sabal.counted import some_entries
from sabal.database import Database
from sabal.ledger import bundles
from sabal.ledger.log import Incomplete, Log
from sabal.ledger.policy import log_key
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
_LOCK = ".lock"  # made before the first checkpoint is published from this machine
_THREADS, _IN_MEMORY = 8, 64  # files that are flushed at once, and files that are in memory at once
_HASH, _BUNDLED = 32, ENTRY_BYTES + 2  # bytes of each leaf in a tile, and in a bundle


class WouldFork(Refusal):
    """Others have seen entries that the database lacks or that differ from it. The next checkpoint would fork the log.

    `found` says what was seen, `next_step` what to do.
    """

    def __init__(self, found: str, next_step: str) -> None:
        super().__init__(f"{found} Next: {next_step}")
        self.found, self.next_step = found, next_step


class NoCopy(WouldFork):
    """This machine has no files of a published log, so it cannot know whether the database is the newest."""


@dataclass(frozen=True)
class Publication:
    """The public files of one petition's log, and the key that signs the log."""

    folder: Path
    petition_id: int
    key: Verifier

    @property
    def _slug(self) -> str:
        return self.folder.parent.name

    def published(self) -> bytes | None:
        """Return the checkpoint in this folder; None if there is none that this log signed."""
        try:
            note = (self.folder / CHECKPOINT).read_bytes()
            checkpoint.open(note, [self.key])
        except (OSError, TlogError):
            return None  # a damaged file is written again
        return note

    def has_copy(self) -> bool:
        """Return whether a worker of this machine has published the log, or was about to when it ended."""
        return (self.folder / _LOCK).exists() or self.published() is not None

    def claim(self) -> None:
        """Let this machine publish the log from now on. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        os.close(self._open_lock())

    def refuse_unknown(self, database: Database, log: Log) -> None:
        """Raise NoCopy if the log was published, but not here, and no worker elsewhere has what was published."""
        if log.published and not self.has_copy() and not database.vouched(self.voucher):
            raise NoCopy(
                f"{some_entries(log.published_size)} of the public log of {self._slug}"
                f" {'was' if log.published_size == 1 else 'were'} published, but this machine has"
                f" no copy of them in {self.folder}, and no worker that has one is running. So it is not known whether"
                " the database is the newest.",
                f"sabal restore --adopt {self._slug}",
            )

    @property
    def voucher(self) -> str:
        """Return what a worker vouches for (Database.vouch): the database has all that its machine has published."""
        return f"published/{self.petition_id}"

    def refuse_ahead(self, database: Database, log: Log) -> None:
        """Raise WouldFork if the checkpoint in this folder does not fit the database's log."""
        note = self.published()
        if note is None or note in (log.published, log.signed):
            return
        published = checkpoint.peek(note)
        if published.size > log.size:
            raise WouldFork(
                f"The checkpoint in {self.folder} has {some_entries(published.size)}, and the database {log.size:,}:"
                " the database was restored from a backup that is older than the log.",
                f"sabal restore --adopt {self._slug}",
            )
        tree = Frontier()
        for data in bundles.entries(database, log.petition_id, 0, published.size):
            tree.extend(leaf_hashes(bundles.split(data)))
        if tree.root() != published.root:
            raise WouldFork(
                f"The checkpoint in {self.folder} has another history than the database: one of the two was changed.",
                "keep both, find out which was changed, and use an older backup",
            )

    def write_tiles(self, database: Database, size: int) -> None:
        """Write the files of the tree of `size` entries that this folder lacks; not its checkpoint. Raises OSError."""
        note = self.published()
        old = checkpoint.peek(note).size if note else 0
        if old < size:
            # Level by level, because each level is made from the files of the level below.
            for _, tiles in groupby([*new_bundles(old, size), *new_tiles(old, size)], lambda t: t.level):
                self._write((tile, self.make(database, tile)) for tile in tiles)

    def write_checkpoint(self, note: bytes) -> None:
        """Publish the checkpoint, unless a larger one is published. Its tiles must be there. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._open_lock()
        try:
            locks.take(lock, wait=True)
            published = self.published()
            if published is None or checkpoint.peek(published).size <= checkpoint.peek(note).size:
                public.put(self.folder / CHECKPOINT, note)
                private.flush(self.folder)
        finally:
            os.close(lock)

    def _open_lock(self) -> int:
        return os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)

    def write_other(self, name: str, data: bytes) -> bool:
        """Write the policy or a manifest (`manifests/<hash>.json`) if it changed, and return whether it was written."""
        written = public.put_if_changed(self.folder / name, data)
        if written:
            private.flush((self.folder / name).parent)
        return written

    def cached(self, tile: Tile) -> bytes | None:
        """Return the file of a tile or bundle; None if it is missing or has a wrong length."""
        try:
            data = (self.folder / tile.path).read_bytes()
        except OSError:
            return None
        each = _BUNDLED if tile.level == ENTRIES else _HASH
        return data if len(data) == each * tile.width else None

    def read(self, database: Database, tile: Tile) -> bytes:
        """Return a tile or bundle from its file or, if the file cannot be used, from the database."""
        return self.cached(tile) or self.make(database, tile)

    def fetch(self, tile: Tile) -> bytes:
        """Do the same as `read` in any thread: it opens its own connection if needed. Raises Incomplete."""
        cached = self.cached(tile)
        if cached is not None:
            return cached
        with closing(raw.connect()) as database:
            return self.make(database, tile)

    def make(self, database: Database, tile: Tile) -> bytes:
        """Return a tile or bundle, made from the database or, above the lowest level, from the tiles below it."""
        first = tile.index * WIDTH
        if tile.level > 0:
            below = (self.read(database, Tile(tile.level - 1, n)) for n in range(first, first + tile.width))
            return b"".join(full_root(split_hashes(data, WIDTH)) for data in below)
        entries = bundles.split(
            b"".join(bundles.entries(database, self.petition_id, first, first + tile.width))
        )
        if len(entries) != tile.width:
            raise Incomplete(f"the log of petition {self.petition_id} has no {tile}")
        return encode_bundle(entries) if tile.level == ENTRIES else b"".join(leaf_hashes(entries))

    def repair(self, database: Database, size: int) -> list[str]:
        """Compare every file of the tree of `size` entries with the database, and repair it; return their paths.

        Partial tiles are deleted once the full tile exists, because clients no longer ask for them.
        """
        repaired = []
        # From the lowest level upwards, because each level is made from the level below.
        for tile in [*new_bundles(0, size), *new_tiles(0, size)]:
            path, made = self.folder / tile.path, self.make(database, tile)
            if not path.is_file() or path.read_bytes() != made:
                self._write(iter([(tile, made)]))
                repaired.append(tile.path)
            if tile.width == WIDTH:
                _remove(path.with_name(f"{path.name}.p"))
        return repaired

    def _write(self, tiles: Iterator[tuple[Tile, bytes]]) -> None:
        """Write files, and flush them and their folders. Several at once, because disks merge concurrent flushes."""
        folders = set[Path]()
        with ThreadPoolExecutor(_THREADS) as pool:
            while files := [(self.folder / tile.path, data) for tile, data in islice(tiles, _IN_MEMORY)]:
                for folder in {path.parent for path, _ in files} - folders:
                    folder.mkdir(parents=True, exist_ok=True)
                    folders.add(folder)
                for _ in pool.map(lambda file: public.put(*file), files):
                    pass  # reading the results raises the errors
        for folder in sorted(folders):
            private.flush(folder)


def publication(petition: PetitionSnapshot) -> Publication:
    """Return the place where a petition's log is published on this machine."""
    return Publication(log_folder(petition.slug), petition.id, log_key(petition.manifest))


def log_folder(slug: str) -> Path:
    """Return the folder of a petition's public log on this machine."""
    return settings.DATA / "public" / slug / "log"


def manifest_name(digest: bytes) -> str:
    """Return the name of the file that holds the manifest with that SHA-256."""
    return f"{MANIFESTS}/{digest.hex()}.json"


def _remove(folder: Path) -> None:
    if folder.is_dir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
