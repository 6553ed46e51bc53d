"""One petition as a process knows it: frozen, and read with raw SQL. `snapshots.py` has those of a process."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple

import agefile
from sabal import days, settings
from sabal.database import Database, Row
from sabal.keys.keystore import KeyStore, bucket_key_name, pepper_name
from sabal.keys.signer import promise_key_name
from sabal.petitions import folder, manifest
from sabal.petitions.consent import consent_text
from sabal.petitions.counts import Counts
from sabal.petitions.definition import Definition, FolderError
from sabal.petitions.ending import Ending, parse_ending
from sabal.petitions.growth import Totals, complete
from sabal.petitions.history import PublishedVersion
from sabal.petitions.identity import Identity, identity_of
from sabal.petitions.issues import NONE, PublicNewsletter
from sabal.petitions.profile import PROFILES, Profile
from sabal.petitions.progress import Progress
from tlog import Signer, promise_key


@dataclass(frozen=True)
class PetitionSnapshot:
    """One petition at one revision."""

    id: int
    slug: str
    state: str  # draft, open, paused, closed, finalised
    revision: int
    version_id: int
    pepper_epoch: int
    origin: str  # the name of its public log
    manifest: bytes
    definition: Definition
    organiser_keys: tuple[agefile.Recipient, ...]
    manifest_names: frozenset[str]  # the log's file names of all published manifests
    promise_key: Signer | None = field(repr=False)  # None: missing, so no promise can be signed
    pepper: bytes | None  # None: missing (signing is refused), or not used (dedupe = "offline")
    opened_on: date | None
    closed_on: date | None
    amended_on: date | None  # when the current version was published, if it is not the first
    consent: Mapping[str, str]  # by language, from the manifest
    versions: tuple[PublishedVersion, ...] = field(default=(), repr=False)  # published ones, oldest first
    bucket_key: bytes | None = field(default=None, repr=False)  # None: missing, so countries stay unknown
    counts: Counts = field(default_factory=Counts)
    organisation: str = ""  # the key of its organisation; empty for a draft
    history: tuple[Totals, ...] = field(
        default=(), repr=False
    )  # empty if the profile keeps it from the public
    identity: Identity | None = None  # how the organisation that owns it on the desk looks
    ending: Ending | None = None
    finalise_early: bool = False
    progress: Progress = field(default_factory=Progress, repr=False)
    newsletter: PublicNewsletter = field(default=NONE, repr=False)  # that of its organisation

    @cached_property
    def manifest_hash(self) -> bytes:
        """Return the SHA-256 of the manifest's bytes."""
        return hashlib.sha256(self.manifest).digest()

    @property
    def version(self) -> str:
        """Return the version in the form: the first 16 hex digits of the manifest's hash."""
        return self.manifest_hash.hex()[:16]

    @property
    def profile(self) -> Profile:
        """Return the numbers of this petition's profile."""
        return PROFILES[self.definition.profile]

    @property
    def gathering(self) -> bool:
        """Return whether too few have signed to show a number. In development every number is shown."""
        return settings.BATCH_EVERY is None and self.counts.counted < self.profile.gathering_below

    def takes_signatures(self, today: date) -> bool:
        """Return whether people can sign on that day (UTC). After the last day they cannot, even before a close."""
        return self.state == "open" and today <= self.definition.last_day

    def ended_on(self, today: date) -> date | None:
        """Return the day on which the petition ended. None: it takes signatures, or is paused.

        After its last day it has ended, even if no worker has closed it yet.
        """
        if self.state in ("open", "paused") and today > self.definition.last_day:
            return self.definition.last_day
        return self.closed_on if self.state in ("closed", "finalised") else None

    def grown(self, today: date) -> tuple[Totals, ...]:
        """Return the totals by day that the public may see, up to that day or to the end. Empty: it may see none."""
        if not self.profile.public_history:
            return ()
        return complete(self.history, self.counts, self.opened_on, self.ended_on(today) or today)

    @property
    def ready_to_sign(self) -> bool:
        """Return whether the keys for new signatures are present."""
        return bool(self.organiser_keys) and (self.pepper is not None or self.definition.dedupe == "offline")


def draft(definition: Definition, identity: Identity | None = None) -> PetitionSnapshot:
    """Return the snapshot of a definition that is not published, as a preview shows it. It takes no signatures."""
    return PetitionSnapshot(
        id=0,
        slug=definition.slug,
        state="draft",
        revision=0,
        version_id=0,
        pepper_epoch=0,
        origin="",
        manifest=b"",
        definition=definition,
        organiser_keys=(),
        manifest_names=frozenset(),
        promise_key=None,
        pepper=None,
        opened_on=None,
        closed_on=None,
        amended_on=None,
        consent=_draft_consent(definition),
        identity=identity,
    )


_QUERY = (
    "SELECT p.id, p.slug, p.state, p.revision, v.id, p.pepper_epoch, p.origin, v.manifest, v.files, p.opened_on,"
    " p.closed_on, v.number, v.published_on, p.organisation, p.ending,"
    " p.finalise_early"
    " FROM petitions_petition p JOIN petitions_version v ON v.id = p.version_id WHERE p.id = ?"
)


class _Columns(NamedTuple):
    """The columns of `_QUERY`."""

    id: int
    slug: str
    state: str
    revision: int
    version_id: int
    pepper_epoch: int
    origin: str
    manifest: bytes
    files: str
    opened_on: str | date | None
    closed_on: str | date | None
    number: int
    published_on: str | date | None
    organisation: str
    ending: str
    finalise_early: bool


def load(database: Database, keystore: KeyStore, petition_id: int) -> PetitionSnapshot | None:
    """Read one petition from the database. Return None if it is not there."""
    rows = database.query(_QUERY, (petition_id,))
    if not rows:
        return None
    return replace(
        _snapshot(_Columns(*rows[0]), database, keystore), identity=identity_of(database, petition_id)
    )


def _snapshot(row: _Columns, database: Database, keystore: KeyStore) -> PetitionSnapshot:
    definition = folder.parse(json.loads(row.files))
    manifest_bytes = bytes(row.manifest)
    published = _published(database, row.id)
    return PetitionSnapshot(
        id=row.id,
        slug=row.slug,
        state=row.state,
        revision=row.revision,
        version_id=row.version_id,
        pepper_epoch=row.pepper_epoch,
        origin=row.origin,
        manifest=manifest_bytes,
        definition=definition,
        organiser_keys=_organiser_keys(manifest_bytes, definition),
        manifest_names=_manifest_names(published),
        promise_key=_promise_key(database, keystore, row.id, row.origin) if row.origin else None,
        pepper=_pepper(database, keystore, row, definition),
        opened_on=days.from_column(row.opened_on),
        closed_on=days.from_column(row.closed_on),
        amended_on=days.from_column(row.published_on) if row.number > 1 else None,
        consent=manifest.consent_of(manifest_bytes) if manifest_bytes else _draft_consent(definition),
        versions=tuple(_versions(published)),
        organisation=row.organisation,
        ending=parse_ending(row.ending),
        finalise_early=bool(row.finalise_early),
        bucket_key=keystore.find_or_none(database, bucket_key_name(row.id)),
    )


def _organiser_keys(manifest_bytes: bytes, definition: Definition) -> tuple[agefile.Recipient, ...]:
    # Seal to the published keys that signers agreed to, even if the files in the database name other keys.
    keys = manifest.organiser_keys_of(manifest_bytes) if manifest_bytes else definition.organiser_keys
    return tuple(agefile.parse_recipient(key) for key in keys)


def _promise_key(database: Database, keystore: KeyStore, petition_id: int, origin: str) -> Signer | None:
    seed = keystore.find_or_none(database, promise_key_name(petition_id))
    return promise_key(origin, seed) if seed else None


def _pepper(database: Database, keystore: KeyStore, row: _Columns, definition: Definition) -> bytes | None:
    if not row.pepper_epoch or definition.dedupe == "offline":
        return None
    return keystore.find_or_none(database, pepper_name(row.id, row.pepper_epoch))


def _published(database: Database, petition_id: int) -> list[Row]:
    return database.query(
        "SELECT number, published_on, manifest, files FROM petitions_version"
        " WHERE petition_id = ? AND published_on IS NOT NULL ORDER BY number",
        (petition_id,),
    )


def _versions(rows: Iterable[Row]) -> Iterator[PublishedVersion]:
    picture = None
    for number, published_on, manifest_bytes, files in rows:
        # A version that this Sabal refuses, from an older one, is only in the log.
        with suppress(FolderError):
            definition = folder.parse(json.loads(files))
            if definition.picture == picture:
                definition = replace(definition, picture=picture)  # the same bytes are in memory once
            picture = definition.picture
            yield PublishedVersion(
                number=number,
                published_on=days.from_column(published_on) or date.min,
                manifest_hash=hashlib.sha256(bytes(manifest_bytes)).hexdigest(),
                definition=definition,
                consent=manifest.consent_of(bytes(manifest_bytes)),
                organiser_keys=manifest.organiser_keys_of(bytes(manifest_bytes)),
                amendment=manifest.amendment_of(bytes(manifest_bytes)),
            )


def _manifest_names(rows: Iterable[Row]) -> frozenset[str]:
    return frozenset(f"manifests/{hashlib.sha256(bytes(row[2])).hexdigest()}.json" for row in rows)


def _draft_consent(definition: Definition) -> dict[str, str]:
    return {language: consent_text(definition, language) for language in definition.languages}
