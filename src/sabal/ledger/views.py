"""The public log as it is served: plain files that never change, but for the checkpoint. c2sp.org/tlog-tiles."""

from django.http import Http404, HttpRequest, HttpResponse

from sabal import database as raw
from sabal.ledger import tables
from sabal.ledger.policy import policy_of
from sabal.ledger.publication import publication
from sabal.petitions import snapshot
from sabal.petitions.snapshot import PetitionSnapshot
from tlog import Malformed, Tile

# Nothing stale while it is made anew, as pages are: who holds a newer proof would be told that this log is older.
NEWEST = "public, max-age=1, stale-if-error=600"
FOR_EVER = "public, max-age=31536000, immutable"


def checkpoint(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest checkpoint: the one that the numbers on the petition's page were counted to."""
    return _plain(_published(slug).counts.checkpoint)


def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """Whom to believe about this log. c2sp.org/tlog-policy."""
    return _plain(policy_of(_published(slug)))


def manifest(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """The exact bytes of a manifest that the log names, by their SHA-256."""
    database = raw.connect()
    try:
        found = tables.manifests(database, _published(slug).id).get(bytes.fromhex(digest))
    finally:
        database.close()
    if found is None:
        raise Http404
    return _answer(found, FOR_EVER, "application/json; charset=utf-8")


def tile(request: HttpRequest, slug: str, path: str) -> HttpResponse:
    """A tile of hashes or a bundle of entries, as far as the checkpoint reaches."""
    shown = _published(slug)
    try:
        asked = Tile.parse(f"tile/{path}")
    except Malformed:
        raise Http404 from None
    if not asked.is_within(shown.counts.log_size):
        raise Http404
    database = raw.connect()
    try:
        data = publication(shown).read(database, asked)
    finally:
        database.close()
    return _answer(data, FOR_EVER, "application/octet-stream")


def _published(slug: str) -> PetitionSnapshot:
    shown = snapshot.current().by_slug(slug)
    if shown is None or not shown.counts.checkpoint:
        raise Http404
    return shown


def _plain(body: bytes) -> HttpResponse:
    return _answer(body, NEWEST, "text/plain; charset=utf-8")


def _answer(body: bytes, cache: str, content_type: str) -> HttpResponse:
    response = HttpResponse(body, content_type=content_type)
    response["Cache-Control"] = cache
    response["Access-Control-Allow-Origin"] = "*"  # any page may check
    return response
