"""The petitions of a process, refreshed once a second.

Every publish, amend, pause, close and import bumps a petition's `revision`. A process reloads a petition if its
revision has changed, and reads again what happened to it if its `progress` has. Sign and confirm check the state again
inside their commit.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace

from sabal.database import Database
from sabal.keys.keystore import KeyStore, NoKeys
from sabal.petitions.counts import Counts, all_counts
from sabal.petitions.definition import FolderError
from sabal.petitions.growth import history_of
from sabal.petitions.issues import NONE, Newsletters, PublicNewsletter
from sabal.petitions.progress import progress_of
from sabal.petitions.snapshot import PetitionSnapshot, load

logger = logging.getLogger(__name__)


class Snapshots:
    """The petitions that one process knows. `refresh` runs in one thread; any thread may read."""

    def __init__(self) -> None:
        self._by_id: dict[int, PetitionSnapshot] = {}
        self._by_slug: dict[str, PetitionSnapshot] = {}
        self._unreadable: set[tuple[int, int]] = set()  # (id, revision) already reported
        self._newsletters = Newsletters()

    def by_slug(self, slug: str) -> PetitionSnapshot | None:
        """Return the petition of that slug, drafts included."""
        return self._by_slug.get(slug)

    def by_id(self, petition_id: int) -> PetitionSnapshot | None:
        """Return the petition of that id, drafts included."""
        return self._by_id.get(petition_id)

    def published(self) -> list[PetitionSnapshot]:
        """Return every petition except drafts, the newest first."""
        return [p for _, p in sorted(self._by_id.items(), reverse=True) if p.state != "draft"]

    def refresh(self, database: Database, keystore: KeyStore) -> None:
        """Load the changed petitions.

        Raises the database driver's OperationalError. The old snapshots then stay.
        """
        numbers = database.query("SELECT id, revision, progress FROM petitions_petition")
        known = dict(self._by_id)
        fresh: dict[int, PetitionSnapshot] = {}
        for petition_id, revision, _ in numbers:
            old = known.get(petition_id)
            # A key that was missing may have been put back without a new revision.
            if old and old.revision == revision and (old.ready_to_sign or old.state == "draft"):
                fresh[petition_id] = old
            elif (loaded := self._load_or_none(database, keystore, petition_id, revision) or old) is not None:
                fresh[petition_id] = loaded
        progress = {row[0]: row[2] for row in numbers}
        fresh = {i: _with_progress(database, p, progress[i]) for i, p in fresh.items()}
        counts = all_counts(database)
        fresh = {i: _with_numbers(database, p, counts.get(i, Counts())) for i, p in fresh.items()}
        newsletters = self._newsletters.refresh(database)
        fresh = {i: _with_newsletter(p, newsletters.get(p.organisation, NONE)) for i, p in fresh.items()}
        self.know(fresh.values())

    def _load_or_none(
        self, database: Database, keystore: KeyStore, petition_id: int, revision: int
    ) -> PetitionSnapshot | None:
        """Load one petition, or return None and write to the journal if this version of Sabal refuses its files.

        The other petitions continue.
        """
        try:
            return load(database, keystore, petition_id)
        except FolderError as error:
            if (petition_id, revision) not in self._unreadable:
                self._unreadable.add((petition_id, revision))
                logger.error("petition %d cannot be read: %s", petition_id, error.problems[0])
            return None

    def know(self, petitions: Iterable[PetitionSnapshot]) -> None:
        """Replace all snapshots with these."""
        self._by_id = {petition.id: petition for petition in petitions}
        self._by_slug = {petition.slug: petition for petition in self._by_id.values()}


def published(database: Database, slug: str) -> PetitionSnapshot | None:
    """Return a petition as its public pages show it, for processes without the server key. It takes no signatures.

    None if there is no published petition of that slug.
    """
    rows = database.query("SELECT id FROM petitions_petition WHERE slug = ? AND state != 'draft'", (slug,))
    found = load(database, NoKeys(), rows[0][0]) if rows else None
    return _with_numbers(database, found, all_counts(database).get(found.id, Counts())) if found else None


def _with_progress(database: Database, petition: PetitionSnapshot, number: int) -> PetitionSnapshot:
    """Return the petition with what happened to it, which is read only if it has changed."""
    if petition.progress.number == number:
        return petition
    return replace(petition, progress=progress_of(database, petition.id, number))


def _with_newsletter(petition: PetitionSnapshot, newsletter: PublicNewsletter) -> PetitionSnapshot:
    return petition if petition.newsletter is newsletter else replace(petition, newsletter=newsletter)


def _with_numbers(database: Database, petition: PetitionSnapshot, counts: Counts) -> PetitionSnapshot:
    """Return the petition with these numbers. Its history is read only if a batch was published since."""
    history = petition.history
    if petition.profile.public_history and petition.counts.checkpoint != counts.checkpoint:
        history = history_of(database, petition.id)
    return replace(petition, counts=counts, history=history)
