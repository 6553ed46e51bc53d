"""Let restored logs adopt what was published of them (found in the public folder, in mirrors, in emails)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from sabal import database as raw
from sabal import days
from sabal.checking.copy import LogCopy, manifest_path, named_manifests
from sabal.keys.keystore import open_keystore
from sabal.ledger import adopt as adopting
from sabal.ledger import tables
from sabal.ledger.adopt import Adopted, PublishedLog
from sabal.ledger.log import Log
from sabal.ledger.publication import NoCopy, Publication, publication
from sabal.operating import erasures
from sabal.operating.given import Given, refuse_foreign
from sabal.operating.known import KnownLog, known_log
from sabal.petitions import adopted, lookup
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.refusal import Refusal

PATIENCE = 20.0  # seconds to wait for a worker that is counting


@dataclass(frozen=True)
class AdoptionOutcome:
    """The result for one petition's log.

    `refused` says why the log stays read-only; it is empty if the log continues. `adopted` is None if nothing newer
    than the database is known.
    """

    slug: str
    adopted: Adopted | None
    refused: str = ""


def adopt_published(given: Given, slug: str | None, now: float) -> list[AdoptionOutcome]:
    """Let every log adopt what was found, if it is read-only or more was published than the database has.

    A log that cannot adopt stays read-only, and does not stop the others. Raises Refusal if something that was given
    belongs to no log of this server.
    """
    keystore = open_keystore()
    database = raw.connect()
    try:
        petitions = (
            [lookup.published(database, keystore, slug)] if slug else lookup.all_published(database, keystore)
        )
        refuse_foreign(given, {petition.origin for petition in petitions}, slug)
        with _as_leader(database):
            return [
                one for petition in petitions if (one := _adopt_if_needed(database, petition, given, now))
            ]
    finally:
        database.close()


def make_all_read_only(database: raw.Database) -> None:
    """Make every log read-only, in the caller's transaction, because more may have been published after the backup.

    This includes a log without a published checkpoint in the backup: its first may have been published a moment later.
    """
    for (petition_id,) in database.query("SELECT petition_id FROM ledger_log ORDER BY petition_id"):
        if log := tables.find(database, petition_id, lock=True):
            tables.make_read_only(database, log, 0)


def _adopt_if_needed(
    database: raw.Database, petition: PetitionSnapshot, given: Given, now: float
) -> AdoptionOutcome | None:
    log, files = tables.find(database, petition.id), publication(petition)
    if log is None:
        return None
    known = known_log(petition, given, ask_site=log.moved)
    doubtful = not log.writable or known.is_given or known.is_ahead(log)
    if not (doubtful or _is_unknown(database, files, log)):
        return None
    try:
        if doubtful:
            adopting.make_read_only(database, petition.id, known.size)
        # A restore did this already, but not if the database file was replaced in another way.
        with database.transaction():
            erasures.erase(database, erasures.reasons(petition.id))
        copy = known.to_adopt(log)
        if copy is None:
            _continue(database, petition, log, known, now)
            done = None
        else:
            done = _adopt(database, petition, log, copy, known, given.folders, now)
        files.claim()
        return AdoptionOutcome(petition.slug, done)
    except Refusal as refusal:
        return AdoptionOutcome(petition.slug, None, str(refusal))


def _is_unknown(database: raw.Database, files: Publication, log: Log) -> bool:
    """Return whether no worker may continue the log here, because this machine has no copy of it."""
    try:
        files.refuse_unknown(database, log)
    except NoCopy:
        return True
    return False


def _continue(
    database: raw.Database, petition: PetitionSnapshot, log: Log, known: KnownLog, now: float
) -> None:
    """Let the log continue from the database if it is known that no more was published. Raises Refusal."""
    if not known.tells_newest(log):
        raise _nothing_found(petition, log)
    adopting.verify_seen(database, log, known.key, known.seen())
    adopting.end_read_only(database, petition.id, now)


def _adopt(
    database: raw.Database,
    petition: PetitionSnapshot,
    log: Log,
    newest: PublishedLog,
    known: KnownLog,
    folders: Sequence[dict[str, str]],
    now: float,
) -> Adopted:
    """Adopt the newest copy after verifying it against everything else that is known. Raises Refusal."""
    tally = adopting.verify(database, newest, log, known.key, known.seen(but=newest))
    _take_manifests(database, petition, newest, folders, now)
    keystore = open_keystore()
    petition = lookup.petition(database, keystore, petition.slug)
    # Before the log continues, so that a crash between the two does not leave the petition open for signatures.
    if tally.closed:
        adopted.close(petition.slug, days.date_of(days.number_at(now)))
    return adopting.adopt(database, keystore, petition, newest, tally, erasures.reasons(petition.id), now)


def _nothing_found(petition: PetitionSnapshot, log: Log) -> Refusal:
    again = f"sabal restore --adopt {petition.slug}"
    never = (
        "; or, if you are certain that no checkpoint of it was ever shown to readers or to witnesses (the backup"
        f" knows of none): {again} --never-shown"
    )
    return Refusal(
        f"Nothing newer than the backup was found of {petition.slug}'s public log, neither in"
        f" {publication(petition).folder} nor elsewhere. It is read-only until you bring a copy: {again} --copy"
        " FOLDER or ADDRESS; or, if there is no copy anywhere, a file with the newest checkpoint that anybody"
        f" has, such as an email: {again} --checkpoint FILE{'' if log.published else never}"
    )


def _take_manifests(
    database: raw.Database,
    petition: PetitionSnapshot,
    published: PublishedLog,
    folders: Sequence[dict[str, str]],
    now: float,
) -> None:
    """Store every manifest that the log names, before any entry is adopted. Raises Refusal."""
    slug, copy, log = petition.slug, published.copy, (petition.origin, str(publication(petition).key))
    known = tables.manifests(database, petition.id)
    for index, digest in named_manifests(copy.entries):
        if digest in known:
            continue
        data = _manifest(copy, digest)
        if data is None or not adopted.take_manifest(
            slug, data, log, folders, days.date_of(days.number_at(now))
        ):
            adopted.pause(slug)
            lacks = "is not there" if data is None else "cannot be made of the backup's files"
            raise Refusal(
                f"Entry {index:,} of {slug}'s log names a text, {manifest_path(digest)}, that {lacks} (the log is"
                f" in {published.where}). {slug} is paused and its log is read-only. Bring the petition folder"
                f" that the text was published from: sabal restore --adopt {slug} --copy FOLDER or ADDRESS"
                " --folder FOLDER"
            )
        known[digest] = data


def _manifest(copy: LogCopy, digest: bytes) -> bytes | None:
    data = copy.manifests.get(digest)
    return data if data is not None and sha256(data).digest() == digest else None


@contextmanager
def _as_leader(database: raw.Database) -> Iterator[None]:
    """Become the only process that changes logs; wait for a worker that is counting."""
    with raw.leading(database, "ledger", PATIENCE) as leads:
        if not leads:
            raise Refusal("A worker is still counting. Stop the server, and run this command again.")
        yield
