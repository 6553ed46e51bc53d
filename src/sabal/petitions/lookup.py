"""A petition by its slug, for commands: found, or refused with the next step."""

from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.refusal import Refusal


def id_of(database: Database, slug: str) -> int:
    """The id under which that petition's rows stand; raises Refusal."""
    found = database.query("SELECT id FROM petitions_petition WHERE slug = ?", (slug,))
    if not found:
        raise not_here(slug)
    return int(found[0][0])


def petition(database: Database, keystore: KeyStore, slug: str) -> PetitionSnapshot:
    """That petition as this house has it, drafts included; raises Refusal."""
    snapshots = Snapshots()
    snapshots.refresh(database, keystore)
    found = snapshots.by_slug(slug)
    if found is None:
        raise not_here(slug)
    return found


def published(database: Database, keystore: KeyStore, slug: str) -> PetitionSnapshot:
    """That petition, which has a log by now; raises Refusal, for drafts too."""
    found = petition(database, keystore, slug)
    if found.state == "draft":
        raise Refusal(f"{slug} is a draft. Publish it first: sabal publish {slug}")
    return found


def not_here(slug: str) -> Refusal:
    """The refusal for a slug that this house does not know."""
    return Refusal(f"There is no petition {slug!r} here. To list the petitions: sabal petitions")
