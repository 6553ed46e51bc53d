"""Find petitions for commands: all, or one by its slug, or refuse with the next step."""

from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.refusal import Refusal


def id_of(database: Database, slug: str) -> int:
    """Return the petition's id in the database. Raises Refusal if there is none."""
    found = database.query("SELECT id FROM petitions_petition WHERE slug = ?", (slug,))
    if not found:
        raise unknown_slug(slug)
    return int(found[0][0])


def petition(database: Database, keystore: KeyStore, slug: str) -> PetitionSnapshot:
    """Return that petition of this server, drafts included. Raises Refusal if there is none."""
    snapshots = Snapshots()
    snapshots.refresh(database, keystore)
    found = snapshots.by_slug(slug)
    if found is None:
        raise unknown_slug(slug)
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


def unknown_slug(slug: str) -> Refusal:
    """Return the refusal for a slug that this server does not have."""
    return Refusal(f"There is no petition {slug!r} here. To list the petitions: sabal petitions")
