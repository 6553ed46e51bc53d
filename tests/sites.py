"""A site for tests: a fresh database of either kind, in which the example petition can be published."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.db import connections

import agefile
from sabal import database as raw
from sabal import settings
from sabal.keys.keyring import Keyring
from sabal.keys.keystore import KeyStore
from sabal.ledger.sequencer import Sequencer
from sabal.petitions import folder
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.publishing import drafts, versions
from sabal.signing.writer import Writer
from templates import put_rows

TODAY = date(2026, 11, 24)
DAY_NUMBER = (TODAY - date(1970, 1, 1)).days
NOW = DAY_NUMBER * 86_400 + 43_200
BASE_URL = settings.BASE_URL  # a test that changes it gets petitions with another origin
EXAMPLE = Path(__file__).parent.parent / "petitions" / "stop-forced-repatriation"


@dataclass
class SiteOfTests:
    """A site on a database of its own."""

    url: str
    data: Path
    database: raw.Database
    keystore: KeyStore
    keyring: Keyring
    snapshots: Snapshots
    identity: agefile.Identity
    example: Path | None = None  # rows of the published example, made once for all tests

    @property
    def vendor(self) -> str:
        return self.database.vendor

    @property
    def writer(self) -> Writer:
        """Return the writer of a process with these snapshots and this keyring."""
        return Writer(self.snapshots, self.keyring)

    def connect(self) -> raw.Database:
        return raw.connect(self.url)

    def refresh(self) -> None:
        self.snapshots.refresh(self.database, self.keystore)
        self.keyring.refresh(self.database, self.keystore, DAY_NUMBER)

    def publish(self, *, show_names: bool = False, **changes: str) -> PetitionSnapshot:
        """Publish the example petition to the site's identity. `changes` replace values in its petition.toml.

        If nothing is changed and there is no petition yet, insert the rows of an earlier publication, which is faster.
        """
        unchanged = not show_names and not changes and settings.BASE_URL == BASE_URL
        if self.example and unchanged and self.rows("petitions_petition") == 0:
            put_rows(self.database, self.example)
            # The rows are of another database, where a log could not continue.
            self.database.execute(f"UPDATE ledger_log SET written_in = {self.database.identity}")
            return self.petition()
        files = folder.read(EXAMPLE)
        if show_names:
            files["petition.toml"] = files["petition.toml"].replace("display = false", "display = true")
        for key, value in changes.items():
            files["petition.toml"] = replace_key(files["petition.toml"], key, value)
        files = {
            name: text.replace("TO BE COMPLETED BEFORE PUBLISHING", "of the tests")
            for name, text in files.items()
        }
        petition = drafts.import_files(files)
        drafts.use_keys(petition.slug, (str(self.identity.recipient),))
        sealed = drafts.key_check(petition.slug)
        drafts.answer_key_check(petition.slug, agefile.decrypt(sealed, [self.identity]).decode())
        versions.publish(petition.slug, self.keystore, TODAY, NOW)
        return self.petition(petition.slug)

    def petition(self, slug: str = "stop-forced-repatriation") -> PetitionSnapshot:
        """Return the petition as it is now."""
        self.refresh()
        snapshot = self.snapshots.by_slug(slug)
        assert snapshot is not None
        return snapshot

    def sequence(
        self,
        petition: PetitionSnapshot,
        now: float,
        every: float | None = None,
        database: raw.Database | None = None,
    ) -> int:
        """Do one round of the worker for one petition's log. Return the number of new entries."""
        database, sequencer = database or self.database, Sequencer(self.keystore)
        taken = sequencer.sequence(database, petition, now, every)
        sequencer.publish_here(database, petition)
        return taken

    def close(self, petition: PetitionSnapshot, now: float) -> None:
        """Close the petition's log after all waiting entries."""
        Sequencer(self.keystore).close(self.database, petition, now)

    def publish_again(self, slug: str) -> PetitionSnapshot:
        """Publish a paused petition again, to a new organiser key."""
        self.identity = agefile.generate()
        drafts.use_keys(slug, (str(self.identity.recipient),))
        code = agefile.decrypt(drafts.key_check(slug), [self.identity]).decode()
        drafts.answer_key_check(slug, code)
        versions.publish(slug, self.keystore, TODAY, NOW)
        return self.petition(slug)

    def rows(self, table: str) -> int:
        return int(self.database.query(f"SELECT COUNT(*) FROM {table}")[0][0])


def replace_key(toml: str, key: str, value: str) -> str:
    """Set a top-level key of a TOML text to a raw value."""
    lines = [line for line in toml.splitlines() if not line.startswith(f"{key} =")]
    return "\n".join([f"{key} = {value}", *lines]) + "\n"


def point_django_at(url: str) -> None:
    """Connect Django's default connection to `url`."""
    connections["default"].close()
    connections.databases["default"] = {**connections.databases["default"], **settings._django_database(url)}
    del connections["default"]
