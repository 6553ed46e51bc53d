"""The public log as it is served: plain files that never change, but for the checkpoint. c2sp.org/tlog-tiles."""

from contextlib import closing

from sabal.database import connect
from sabal.http import Refused, Response, file, for_any_site
from sabal.ledger import tables
from sabal.ledger.policy import policy_of
from sabal.ledger.publication import log_folder, publication
from sabal.petitions.snapshot import PetitionSnapshot
from tlog import Malformed, Tile

# Not stale while it is refreshed, as pages are: a reader who holds a newer proof would be told that this log is older.
NEWEST = "public, max-age=1, stale-if-error=600"
FOR_EVER = "public, max-age=31536000, immutable"
TEXT, JSON, BINARY = (
    "text/plain; charset=utf-8",
    "application/json; charset=utf-8",
    "application/octet-stream",
)


def checkpoint(petition: PetitionSnapshot) -> Response:
    """Return the newest checkpoint: the one that the numbers on the petition's page were counted to."""
    _refuse_unopened(petition)
    return for_any_site(file(petition.counts.checkpoint, TEXT, NEWEST))


def policy(petition: PetitionSnapshot) -> Response:
    """Return whom to believe about this log. c2sp.org/tlog-policy."""
    _refuse_unopened(petition)
    return for_any_site(file(policy_of(petition), TEXT, NEWEST))


def has_manifest(petition: PetitionSnapshot, digest: str) -> bool:
    """Return whether the log names a manifest of that SHA-256, in hex."""
    return f"manifests/{digest}.json" in petition.manifest_names


def manifest(petition: PetitionSnapshot, digest: str) -> Response:
    """Return the exact bytes of a manifest that the log names, by their SHA-256 in hex."""
    _refuse_unopened(petition)
    with closing(connect()) as database:
        found = tables.manifests(database, petition.id).get(bytes.fromhex(digest))
    if found is None:
        raise Refused(404, "not-found")
    return for_any_site(file(found, JSON, FOR_EVER))


def has_tile(petition: PetitionSnapshot, path: str) -> bool:
    """Return whether the log has that tile (`0/x001/067`, `entries/000.p/5`): of those that no log has there is no end.

    Of partial tiles these are the ones at the right edge now, and older ones as long as their file is here.
    """
    try:
        tile = Tile.parse(f"tile/{path}")
    except Malformed:
        return False
    size = petition.counts.log_size
    return tile.is_at(size) or (tile.is_within(size) and (log_folder(petition.slug) / tile.path).is_file())


def tile(petition: PetitionSnapshot, path: str) -> Response:
    """Return a tile of hashes or a bundle of entries, as far as the checkpoint reaches."""
    _refuse_unopened(petition)
    try:
        asked = Tile.parse(f"tile/{path}")
    except Malformed:
        raise Refused(404, "not-found") from None
    if not asked.is_within(petition.counts.log_size):
        raise Refused(404, "not-found")
    with closing(connect()) as database:
        data = publication(petition).read(database, asked)
    return for_any_site(file(data, BINARY, FOR_EVER))


def _refuse_unopened(petition: PetitionSnapshot) -> None:
    if not petition.counts.checkpoint:
        raise Refused(404, "not-found")
