"""Serve the public log as plain files. Only the checkpoint and the policy may change. c2sp.org/tlog-tiles."""

from contextlib import closing

from sabal.database import connect
from sabal.http import Refused, Response, StoredFile, busy, file, for_any_site
from sabal.ledger import offers, tables
from sabal.ledger.log import Incomplete
from sabal.ledger.policy import policy_of
from sabal.ledger.publication import log_folder, publication
from sabal.petitions.snapshot import PetitionSnapshot
from tlog import Malformed, Tile

# Unlike pages, no stale-while-revalidate: with an old checkpoint, a newer proof would make the log seem to go back.
NEWEST = "public, max-age=1, stale-if-error=600"
FOR_EVER = "public, max-age=31536000, immutable"
TEXT, JSON, BINARY = (
    "text/plain; charset=utf-8",
    "application/json; charset=utf-8",
    "application/octet-stream",
)


def checkpoint(petition: PetitionSnapshot) -> Response:
    """Return the newest checkpoint. The numbers on the petition's page were counted up to it."""
    _refuse_unopened(petition)
    return for_any_site(file(petition.counts.checkpoint, TEXT, NEWEST))


def policy(petition: PetitionSnapshot) -> Response:
    """Return the policy: the log's key, its witnesses and their quorum. c2sp.org/tlog-policy."""
    _refuse_unopened(petition)
    return for_any_site(file(policy_of(petition), TEXT, NEWEST))


def has_manifest(petition: PetitionSnapshot, digest: str) -> bool:
    """Return whether the log names a manifest of that SHA-256, in hex."""
    return f"manifests/{digest}.json" in petition.manifest_names


def manifest(petition: PetitionSnapshot, digest: str) -> Response:
    """Return the exact bytes of a manifest that the log names, by their SHA-256 in hex."""
    _refuse_unopened(petition)
    with closing(connect()) as database:
        data = tables.manifests(database, petition.id).get(bytes.fromhex(digest))
    if data is None:
        raise Refused(404, "not-found")
    return for_any_site(file(data, JSON, FOR_EVER))


def has_tile(petition: PetitionSnapshot, path: str) -> bool:
    """Return whether the log has the tile of this path, such as `0/x001/067` or `entries/000.p/5`.

    The number of invented paths is unlimited, so they must be refused early. A partial tile exists if it is at the
    right edge now, or if it is older and its file is not deleted yet.
    """
    try:
        tile = Tile.parse(f"tile/{path}")
    except Malformed:
        return False
    size = petition.counts.log_size
    return tile.is_at(size) or (tile.is_within(size) and (log_folder(petition.slug) / tile.path).is_file())


def tile(petition: PetitionSnapshot, path: str) -> Response:
    """Return a tile of hashes or of entries. Refuse one that is not within the checkpoint's size."""
    _refuse_unopened(petition)
    try:
        wanted = Tile.parse(f"tile/{path}")
    except Malformed:
        raise Refused(404, "not-found") from None
    if not wanted.is_within(petition.counts.log_size):
        raise Refused(404, "not-found")
    with closing(connect()) as database:
        try:
            data = publication(petition).read(database, wanted)
        except (
            Incomplete
        ):  # the database lacks entries that were published, and this machine has no file of them
            raise busy() from None
    return for_any_site(file(data, BINARY, FOR_EVER))


def bundle(petition: PetitionSnapshot, digest: str) -> StoredFile:
    """Return a bundle that a letter names, by its SHA-256 in hex. It has the same data as the tiles.

    No header tells when it was made: a guarded petition's history is on no page.
    """
    path = offers.find(petition, digest)
    try:
        size = path.stat().st_size if path else None
    except FileNotFoundError:  # deleted at this moment
        size = None
    if path is None or size is None:
        raise Refused(404, "not-found")
    headers = [
        (b"content-type", b"application/zip"),
        (b"content-disposition", f'attachment; filename="{path.name}"'.encode("ascii")),
        (b"cache-control", FOR_EVER.encode()),
        (b"access-control-allow-origin", b"*"),
    ]
    return StoredFile(str(path), size, f'"{digest}"'.encode(), headers)


def _refuse_unopened(petition: PetitionSnapshot) -> None:
    if not petition.counts.checkpoint:
        raise Refused(404, "not-found")
