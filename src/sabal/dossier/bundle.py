"""The bundle that belongs to a letter: the whole public log at that moment, in one file without names.

It is made of the database, so that every machine makes the same bytes, and its numbers are those of the letter.
"""

import hashlib
import tempfile
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from sabal.checking.bundle import write_bundle
from sabal.checking.copy import CannotCheck, LogCopy
from sabal.database import Database
from sabal.ledger import bundles
from sabal.ledger.policy import policy_of
from sabal.organiser.bundle import carried
from sabal.petitions.snapshot import PetitionSnapshot
from tlog import checkpoint
from tlog.entry import ENTRY_BYTES

_KEPT = 32
_hashes: dict[tuple[int, bytes, bytes], str] = {}  # making the bundle of a million entries takes a second


@dataclass(frozen=True)
class BundleFile:
    """The name of a bundle, its SHA-256 (hexadecimal), and where and until when anyone can download it, if they can."""

    name: str
    sha256: str
    url: str = ""
    until: date | None = None


def bundle_of(database: Database, petition: PetitionSnapshot) -> BundleFile | None:
    """Return the bundle of the numbers that pages show; None until there is a checkpoint."""
    if not petition.counts.checkpoint:
        return None
    key = petition.id, petition.counts.checkpoint, policy_of(petition)
    if key not in _hashes:
        with tempfile.TemporaryFile() as file:
            try:
                write(database, petition, file)
            except CannotCheck:  # a checkpoint without all its entries, after a restore
                return None
            file.seek(0)
            while len(_hashes) >= _KEPT:
                _hashes.pop(next(iter(_hashes)), None)
            _hashes[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return BundleFile(name_of(petition, petition.counts.checkpoint), _hashes[key])


def name_of(petition: PetitionSnapshot, note: bytes) -> str:
    """Return the name of the bundle of a checkpoint."""
    return f"{petition.slug}-log-{checkpoint.peek(note).size}.zip"


def write(database: Database, petition: PetitionSnapshot, file: BinaryIO) -> None:
    """Write the bundle to a file that can be rewound. Raises CannotCheck if the log is not whole."""
    write_at(database, petition.id, petition.counts.checkpoint, policy_of(petition), file)


def write_at(database: Database, petition_id: int, note: bytes, policy: bytes, file: BinaryIO) -> None:
    """Write the bundle of one checkpoint, which need not be the newest. Raises CannotCheck like `write`."""
    size = checkpoint.peek(note).size
    rows = database.query("SELECT manifest FROM petitions_version WHERE petition_id = ?", (petition_id,))
    manifests = {hashlib.sha256(bytes(row[0])).digest(): bytes(row[0]) for row in rows if row[0]}
    entries = b"".join(bundles.entries(database, petition_id, 0, size))
    if len(entries) != size * ENTRY_BYTES:
        raise CannotCheck("The database lacks entries of this log.")
    copy = LogCopy(note, policy, entries, manifests, None, None, ())
    write_bundle(file, copy, carried())
