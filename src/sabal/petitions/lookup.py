"""Find petitions for commands: all, or one by its slug, or refuse with the next step."""

from collections.abc import Iterable

from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.nearest import did_you_mean
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.refusal import Refusal


def id_of(database: Database, slug: str) -> int:
    """Return the petition's id in the database. Raises Refusal if there is none."""
    found = database.query("SELECT id FROM petitions_petition WHERE slug = ?", (slug,))
    if not found:
        raise _unknown(database, slug)
    return int(found[0][0])


def petition(database: Database, keystore: KeyStore, slug: str) -> PetitionSnapshot:
    """Return that petition of this server, drafts included. Raises Refusal if there is none."""
    snapshots = Snapshots()
    snapshots.refresh(database, keystore)
    found = snapshots.by_slug(slug)
    if found is None:
        raise _unknown(database, slug)
    return found


def published(database: Database, keystore: KeyStore, slug: str) -> PetitionSnapshot:
    """Return that petition, which must have a log. Raises Refusal if there is none or it is a draft."""
    found = petition(database, keystore, slug)
    if found.state == "draft":
        raise Refusal(f"{slug} is a draft. Publish it first: sabal publish {slug}")
    return found


def all_published(database: Database, keystore: KeyStore) -> list[PetitionSnapshot]:
    """Return every petition of this server except drafts, the newest first."""
    snapshots = Snapshots()
    snapshots.refresh(database, keystore)
    return snapshots.published()


def unknown_slug(slug: str, known: Iterable[str]) -> Refusal:
    """Return the refusal for a slug that this server does not have. `known` are those that it has."""
    sentences = (
        f"There is no petition {slug!r} here.",
        did_you_mean(slug, known, "'{}'"),
        "To list the petitions: sabal petitions",
    )
    return Refusal(" ".join(filter(None, sentences)))


def _unknown(database: Database, slug: str) -> Refusal:
    return unknown_slug(slug, [row[0] for row in database.query("SELECT slug FROM petitions_petition")])
