"""Find what was published of restored logs (in the public folder, in mirrors, in emails), and let them adopt it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sabal import database as raw
from sabal import days, erasure_journal, settings
from sabal.checking.copy import MOST_NOTE, CannotCheck, LogCopy, manifest_path, named_manifests
from sabal.checking.finding import MOST_BYTES, checkpoints_in
from sabal.checking.reading import logs_in, read, read_folder
from sabal.checking.web import files_at
from sabal.keys.keystore import open_keystore
from sabal.ledger import adopt as adopting
from sabal.ledger import tables
from sabal.ledger.adopt import Adopted, PublishedLog, SeenCheckpoint
from sabal.ledger.publication import CHECKPOINT, NoCopy, Publication, publication
from sabal.ledger.shown import shown_checkpoint
from sabal.ledger.tables import Log
from sabal.petitions import adopted, folder, lookup
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.refusal import Refusal
from sabal.signing.count import hide_names
from sabal.signing.writer.withdraw import erase_again
from tlog import TlogError, Verifier, checkpoint

CHUNK = 5_000
PATIENCE = 20.0  # seconds to wait for a worker that is counting


@dataclass(frozen=True)
class Given:
    """The logs, checkpoints and petition folders that the operator gave."""

    logs: tuple[PublishedLog, ...] = ()
    checkpoints: tuple[SeenCheckpoint, ...] = ()
    folders: tuple[dict[str, str], ...] = ()  # the files of petition folders, from which manifests were made
    never_shown: bool = False  # whether the operator confirms that no checkpoint of this log was published
    nothing_lost: bool = (
        False  # whether the operator confirms that the database lost nothing when it was moved
    )


@dataclass(frozen=True)
class AdoptionOutcome:
    """The result for one petition's log.

    `refused` says why the log stays read-only; it is empty if the log continues. `adopted` is None if nothing newer
    than the database is known.
    """

    slug: str
    adopted: Adopted | None
    refused: str = ""


@dataclass(frozen=True)
class _Known:
    """The whole copies and single checkpoints of one log that were found outside the database.

    `own` is the one from this server's public folder, and is also in `copies` or `checkpoints`. `shown` are those that
    public processes have shown: one may be ahead of the database, but none tells that it is the newest.
    """

    copies: tuple[PublishedLog, ...]
    checkpoints: tuple[SeenCheckpoint, ...]
    shown: tuple[SeenCheckpoint, ...]
    own: PublishedLog | SeenCheckpoint | None
    never_shown: bool
    nothing_lost: bool
    key: Verifier

    @property
    def size(self) -> int:
        """Return the size of the largest known checkpoint."""
        return max((one.open(self.key).size for one in self.seen()), default=0)

    @property
    def newest(self) -> PublishedLog | None:
        """Return the copy with the most entries."""
        return max(self.copies, key=lambda copy: copy.seen.open(self.key).size, default=None)

    def seen(self, but: PublishedLog | None = None) -> list[SeenCheckpoint]:
        """Return all checkpoints, without the one of the copy `but`."""
        return [*self.checkpoints, *self.shown, *(copy.seen for copy in self.copies if copy is not but)]

    def tells_newest(self, log: Log) -> bool:
        """Return whether something tells which checkpoint of the log is the newest.

        That is a checkpoint that the operator gave, or the one of the server's own folder if the folder is damaged and
        the checkpoint is not older than the database. (An intact folder would have been adopted.)
        """
        given = [one for one in self.checkpoints if one is not self.own]
        damaged = isinstance(self.own, SeenCheckpoint) and self.own.open(self.key).size >= log.published_size
        moved = self.nothing_lost and not log.read_only
        return bool(given) or damaged or moved or (self.never_shown and not log.published and not self.seen())


def gather(
    copies: Sequence[str],
    files: Sequence[Path],
    folders: Sequence[Path],
    *,
    never_shown: bool = False,
    nothing_lost: bool = False,
) -> Given:
    """Read logs (a mirror's folder or a URL), files with checkpoints, and petition folders. Nothing is verified yet.

    Raises CannotCheck and FolderError.
    """
    found = [PublishedLog(where, read(where)) for copy in copies for where in _each_log(copy)]
    seen = [SeenCheckpoint(str(path), note) for path in files for note in _checkpoints_in(path)]
    read_folders = tuple(folder.read(path) for path in folders)
    return Given(tuple(found), tuple(seen), read_folders, never_shown, nothing_lost)


def adopt_published(given: Given, slug: str | None, now: float) -> list[AdoptionOutcome]:
    """Let every log adopt what was found, if it is read-only or more was published than the database has.

    A log that cannot adopt stays read-only, and does not stop the others. Raises Refusal if something that was given
    belongs to no log of this server.
    """
    keystore = open_keystore()
    database = raw.connect()
    try:
        snapshots = Snapshots()
        snapshots.refresh(database, keystore)
        petitions = [lookup.published(database, keystore, slug)] if slug else snapshots.published()
        _refuse_foreign(given, {petition.origin for petition in petitions}, slug)
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


def erase_from_journal(database: raw.Database, commitments: list[bytes], reason: int) -> int:
    """Erase signatures that were withdrawn or dropped after the backup, and return their number.

    The next batch counts them as withdrawn or dropped. Runs inside the caller's transaction.
    """
    erased = 0
    for start in range(0, len(commitments), CHUNK):
        for petition_id, n in erase_again(database, commitments[start : start + CHUNK], reason).items():
            erased += n
            # The next batch shows names again, without the erased ones.
            hide_names(database, petition_id)
    return erased


def _adopt_if_needed(
    database: raw.Database, petition: PetitionSnapshot, given: Given, now: float
) -> AdoptionOutcome | None:
    log, files = tables.find(database, petition.id), publication(petition)
    if log is None:
        return None
    known = _known(petition, given, ask_site=log.moved)
    given_here = any(one is not known.own for one in (*known.copies, *known.checkpoints))
    doubtful = not log.writable or given_here or _is_ahead(known.own, log)
    if not (doubtful or _is_unknown(database, files, log)):
        return None
    try:
        if doubtful:
            adopting.make_read_only(database, petition.id, known.size)
        # A restore did this already, but not if the database file was replaced in another way.
        erased = _erased(petition)
        with database.transaction():
            for reason in sorted(set(erased.values())):
                erase_from_journal(database, [c for c in erased if erased[c] == reason], reason)
        newest = known.newest
        if newest is None or _is_outdated(newest, log, known):
            _continue(database, petition, log, known, now)
            done = None
        else:
            done = _adopt(database, petition, log, newest, known, given.folders, now)
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


def _known(petition: PetitionSnapshot, given: Given, *, ask_site: bool) -> _Known:
    files = publication(petition)
    own = _own_log(files)
    copies = [one for one in given.logs if _origin(one.seen) == petition.origin]
    checkpoints = [one for one in given.checkpoints if _origin(one) == petition.origin]
    if isinstance(own, PublishedLog):
        copies.append(own)
    elif own is not None:
        checkpoints.append(own)
    shown = [one for one in (_shown(files), _on_site(petition, files) if ask_site else None) if one]
    return _Known(
        tuple(copies), tuple(checkpoints), tuple(shown), own, given.never_shown, given.nothing_lost, files.key
    )


def _shown(files: Publication) -> SeenCheckpoint | None:
    """Return the newest checkpoint that a public process of this machine has shown."""
    note = shown_checkpoint(files.key)
    return SeenCheckpoint("the pages that this machine has shown", note) if note else None


def _on_site(petition: PetitionSnapshot, files: Publication) -> SeenCheckpoint | None:
    """Return the checkpoint at the public address, where processes on other machines may remember a newer one."""
    where = f"{settings.BASE_URL}/{petition.slug}/log"
    try:
        note = files_at(where)(CHECKPOINT, MOST_NOTE)
        checkpoint.open(note or b"", [files.key])
    except (CannotCheck, TlogError):
        return None  # the server is stopped, or somebody else answers there
    return SeenCheckpoint(where, note or b"")


def _is_outdated(newest: PublishedLog, log: Log, known: _Known) -> bool:
    """Return whether the newest copy is older than the database, and was not given as the newest."""
    older = newest.seen.open(known.key).size < log.published_size
    return older and (known.tells_newest(log) or newest is known.own)


def _continue(
    database: raw.Database, petition: PetitionSnapshot, log: Log, known: _Known, now: float
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
    known: _Known,
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
    return adopting.adopt(database, keystore, petition, newest, tally, _erased(petition), now)


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


def _erased(petition: PetitionSnapshot) -> dict[bytes, int]:
    return {
        one.hash: erasure_journal.ERASED[one.kind]
        for one in erasure_journal.read()
        if one.kind in erasure_journal.ERASED and one.petition_id == petition.id
    }


def _own_log(files: Publication) -> PublishedLog | SeenCheckpoint | None:
    """Return the log in this server's public folder or, if it is not whole, its checkpoint."""
    note = files.published()
    if note is None:
        return None
    try:
        return PublishedLog(str(files.folder), read_folder(files.folder))
    except (CannotCheck, OSError):
        return SeenCheckpoint(str(files.folder), note)


def _is_ahead(own: PublishedLog | SeenCheckpoint | None, log: Log) -> bool:
    seen = own.seen if isinstance(own, PublishedLog) else own
    return seen is not None and checkpoint.peek(seen.note).size > log.size


def _origin(seen: SeenCheckpoint) -> str:
    return checkpoint.peek(seen.note).origin


def _refuse_foreign(given: Given, origins: set[str], slug: str | None) -> None:
    """Raise Refusal for a file or copy without a checkpoint of a log of this server."""
    found: dict[str, set[str]] = {}
    for one in (*(published.seen for published in given.logs), *given.checkpoints):
        try:
            found.setdefault(one.where, set()).add(_origin(one))
        except TlogError as error:
            raise Refusal(
                f"{one.where} has no checkpoint that can be read. {error} Give another copy."
            ) from None
    for where, theirs in found.items():
        if not theirs & origins:
            of = f"not of {slug}'s" if slug else "which no petition here has"
            raise Refusal(f"{where} is of the log {', '.join(sorted(theirs))}, {of}. Leave it out.")


def _each_log(copy: str) -> list[str]:
    return [copy] if "://" in copy else [str(path) for path in logs_in(Path(copy))]


def _checkpoints_in(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            found = checkpoints_in(file.read(MOST_BYTES))
    except OSError as error:
        raise CannotCheck(f"{path} cannot be read: {error.strerror}.") from None
    if not found:
        raise CannotCheck(f"{path} holds no checkpoint. Was it saved whole?")
    return found


@contextmanager
def _as_leader(database: raw.Database) -> Iterator[None]:
    """Become the only process that changes logs; wait for a worker that is counting."""
    with raw.leading(database, "ledger", PATIENCE) as leads:
        if not leads:
            raise Refusal("A worker is still counting. Stop the server, and run this command again.")
        yield
