"""Finds what was published of restored logs, and lets them adopt it: in the public folder, in mirrors, in letters."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sabal import database as raw
from sabal import days, erasure_journal
from sabal.checking.copy import CannotCheck, LogCopy, manifest_path, named_manifests
from sabal.checking.finding import MOST_BYTES, checkpoints_in
from sabal.checking.reading import logs_in, read, read_folder
from sabal.keys.keystore import open_keystore
from sabal.ledger import adopt as adopting
from sabal.ledger import tables
from sabal.ledger.adopt import Adopted, Published, Seen
from sabal.ledger.publication import Publication, publication
from sabal.ledger.tables import Log
from sabal.petitions import adopted, folder, lookup
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.refusal import Refusal
from sabal.signing.count import hide_names
from sabal.signing.writer.leave import erase_again
from tlog import TlogError, Verifier, checkpoint

CHUNK = 5_000
PATIENCE = 20.0  # seconds for a worker that counts at this moment


@dataclass(frozen=True)
class Given:
    """What the operator brought from elsewhere."""

    logs: tuple[Published, ...] = ()
    checkpoints: tuple[Seen, ...] = ()
    folders: tuple[dict[str, str], ...] = ()  # petition folders, by whose files a manifest was made
    never_shown: bool = False  # the operator's word that nobody has seen a checkpoint of this log


@dataclass(frozen=True)
class Outcome:
    """What became of one petition's log: `refused` says why it stays read-only, empty where it goes on.

    `adopted` is None where nothing newer was known than the database holds.
    """

    slug: str
    adopted: Adopted | None
    refused: str = ""


@dataclass(frozen=True)
class _Known:
    """What is known of one log outside the database: whole copies, and checkpoints by themselves.

    `own` is what lies in this house's public folder, and is among them too.
    """

    copies: tuple[Published, ...]
    checkpoints: tuple[Seen, ...]
    own: Published | Seen | None
    never_shown: bool
    key: Verifier

    @property
    def size(self) -> int:
        """How many entries were published, as far as this tells."""
        return max((one.open(self.key).size for one in self.seen()), default=0)

    @property
    def newest(self) -> Published | None:
        """The copy with the most entries."""
        return max(self.copies, key=lambda copy: copy.seen.open(self.key).size, default=None)

    def seen(self, but: Published | None = None) -> list[Seen]:
        """Every checkpoint, that of one copy left out."""
        return [*self.checkpoints, *(copy.seen for copy in self.copies if copy is not but)]

    def tells_the_end(self, log: Log) -> bool:
        """Whether somebody's word is here for how far the log was published.

        That is an operator's checkpoint, or our own folder's where its files are damaged and it is not older than the
        database: an intact folder would have been adopted.
        """
        brought = [one for one in self.checkpoints if one is not self.own]
        damaged = isinstance(self.own, Seen) and self.own.open(self.key).size >= log.published_size
        return bool(brought) or damaged or (self.never_shown and not log.published and not self.seen())


def gather(
    places: Sequence[str], files: Sequence[Path], folders: Sequence[Path], *, never_shown: bool = False
) -> Given:
    """Read logs (a mirror's folder or an address), files with checkpoints, petition folders; nothing is believed yet.

    Raises CannotCheck and FolderError.
    """
    found = [Published(where, read(where)) for place in places for where in _each_log(place)]
    seen = [Seen(str(path), note) for path in files for note in _checkpoints_in(path)]
    return Given(tuple(found), tuple(seen), tuple(folder.read(path) for path in folders), never_shown)


def adopt_published(given: Given, slug: str | None, now: float) -> list[Outcome]:
    """Let every log that is held, or that was published further than the database knows, adopt what is found.

    One that cannot stays read-only and keeps back no other. Raises Refusal where what was given is of no log here.
    """
    keystore = open_keystore()
    database = raw.connect()
    try:
        snapshots = Snapshots()
        snapshots.refresh(database, keystore)
        petitions = [lookup.published(database, keystore, slug)] if slug else snapshots.published()
        _refuse_strangers(given, {petition.origin for petition in petitions}, slug)
        with _leading(database):
            return [one for petition in petitions if (one := _settle(database, petition, given, now))]
    finally:
        database.close()


def hold_all(database: raw.Database) -> None:
    """Let every log be read-only, in the caller's transaction: it may have gone on since.

    Also one of which the backup knows no checkpoint that was shown: the first may have been shown a moment later.
    """
    for (petition_id,) in database.query("SELECT petition_id FROM ledger_log ORDER BY petition_id"):
        if log := tables.find(database, petition_id, lock=True):
            tables.hold(database, log, 0)


def erase_suppressed(database: raw.Database, commitments: list[bytes], reason: int) -> int:
    """Erase who withdrew or was dropped after the backup; they count as that with the next batch. How many these were.

    Inside the caller's transaction.
    """
    erased = 0
    for start in range(0, len(commitments), CHUNK):
        for petition_id, n in erase_again(database, commitments[start : start + CHUNK], reason).items():
            erased += n
            # Names that are shown come back with the next batch, without those that went.
            hide_names(database, petition_id)
    return erased


def _settle(database: raw.Database, petition: PetitionSnapshot, given: Given, now: float) -> Outcome | None:
    log, known = tables.find(database, petition.id), _known(petition, given)
    if log is None:
        return None
    brought = any(one is not known.own for one in (*known.copies, *known.checkpoints))
    if not (log.read_only or brought or _is_ahead(known.own, log)):
        return None
    try:
        adopting.hold(database, petition.id, known.size)
        # A restore has done so; a database that fell back by itself has not.
        erased = _erased(petition)
        with database.transaction():
            for reason in sorted(set(erased.values())):
                erase_suppressed(database, [c for c in erased if erased[c] == reason], reason)
        newest = known.newest
        if newest is None or _is_needless(newest, log, known):
            _go_on(database, petition, log, known, now)
            return Outcome(petition.slug, None)
        return Outcome(petition.slug, _adopt(database, petition, log, newest, known, given.folders, now))
    except Refusal as refusal:
        return Outcome(petition.slug, None, str(refusal))


def _known(petition: PetitionSnapshot, given: Given) -> _Known:
    files = publication(petition)
    own = _own(files)
    copies = [one for one in given.logs if _origin(one.seen) == petition.origin]
    checkpoints = [one for one in given.checkpoints if _origin(one) == petition.origin]
    if isinstance(own, Published):
        copies.append(own)
    elif own is not None:
        checkpoints.append(own)
    return _Known(tuple(copies), tuple(checkpoints), own, given.never_shown, files.key)


def _is_needless(newest: Published, log: Log, known: _Known) -> bool:
    """Whether the newest copy is older than the database, and nobody brought it for the newest."""
    older = newest.seen.open(known.key).size < log.published_size
    return older and (known.tells_the_end(log) or newest is known.own)


def _go_on(database: raw.Database, petition: PetitionSnapshot, log: Log, known: _Known, now: float) -> None:
    """Let the log go on from what the database has, where it is told that nobody saw more. Raises Refusal."""
    if not known.tells_the_end(log):
        raise _nothing_found(petition, log)
    adopting.verify_seen(database, log, known.key, known.seen())
    adopting.let_go_on(database, petition.id, now)


def _adopt(
    database: raw.Database,
    petition: PetitionSnapshot,
    log: Log,
    newest: Published,
    known: _Known,
    folders: Sequence[dict[str, str]],
    now: float,
) -> Adopted:
    """Take the newest copy, once it fits all else that is known. Raises Refusal."""
    tally = adopting.verify(database, newest, log, known.key, known.seen(but=newest))
    _take_manifests(database, petition, newest, folders, now)
    petition = lookup.petition(database, open_keystore(), petition.slug)
    if tally.closed:  # before the log goes on: a crash between the two must not leave it open for signatures
        adopted.end(petition.slug, days.date_of(days.number_at(now)))
    return adopting.adopt(database, petition, newest, tally, _erased(petition), now)


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
    published: Published,
    folders: Sequence[dict[str, str]],
    now: float,
) -> None:
    """Have every manifest that the log names, before a single entry is taken. Raises Refusal."""
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


def _own(files: Publication) -> Published | Seen | None:
    """The log in this house's public folder; where it is not whole, the checkpoint that it had."""
    note = files.shown()
    if note is None:
        return None
    try:
        return Published(str(files.folder), read_folder(files.folder))
    except (CannotCheck, OSError):
        return Seen(str(files.folder), note)


def _is_ahead(own: Published | Seen | None, log: Log) -> bool:
    seen = own.seen if isinstance(own, Published) else own
    return seen is not None and checkpoint.peek(seen.note).size > log.size


def _origin(seen: Seen) -> str:
    return checkpoint.peek(seen.note).origin


def _refuse_strangers(given: Given, origins: set[str], slug: str | None) -> None:
    """Of a file that holds several checkpoints one is enough that is of a log here."""
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


def _each_log(place: str) -> list[str]:
    return [place] if "://" in place else [str(path) for path in logs_in(Path(place))]


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
def _leading(database: raw.Database) -> Iterator[None]:
    """Alone with the logs: a worker that counts at this moment is waited for."""
    until = time.monotonic() + PATIENCE
    while True:
        with database.leader("ledger") as leads:
            if leads:
                yield
                return
        if time.monotonic() > until:
            raise Refusal("A worker is still counting. Stop the server, and run this command again.")
        time.sleep(0.1)
