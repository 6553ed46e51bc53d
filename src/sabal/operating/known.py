"""What is known of one log outside the database: given by the operator, published, or shown by public processes."""

from dataclasses import dataclass

from sabal import settings
from sabal.checking.copy import MOST_NOTE, CannotCheck
from sabal.checking.reading import read_folder
from sabal.checking.web import files_at
from sabal.ledger.adopt import PublishedLog, SeenCheckpoint
from sabal.ledger.log import Log
from sabal.ledger.publication import CHECKPOINT, Publication, publication
from sabal.ledger.shown import shown_checkpoint
from sabal.operating.given import Given
from sabal.petitions.snapshot import PetitionSnapshot
from tlog import TlogError, Verifier, checkpoint


@dataclass(frozen=True)
class KnownLog:
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
    def is_given(self) -> bool:
        """Return whether the operator gave something of this log."""
        return any(one is not self.own for one in (*self.copies, *self.checkpoints))

    def is_ahead(self, log: Log) -> bool:
        """Return whether this server has published more than the database has."""
        own = self.own.seen if isinstance(self.own, PublishedLog) else self.own
        return own is not None and checkpoint.peek(own.note).size > log.size

    def to_adopt(self, log: Log) -> PublishedLog | None:
        """Return the copy with the most entries, which the log is to adopt.

        None if there is no copy, or if it is older than the database and was not given as the newest.
        """
        newest = max(self.copies, key=lambda copy: copy.seen.open(self.key).size, default=None)
        if newest is not None and newest.seen.open(self.key).size < log.published_size:
            return None if self.tells_newest(log) or newest is self.own else newest
        return newest

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


def known_log(petition: PetitionSnapshot, given: Given, *, ask_site: bool) -> KnownLog:
    """Return what is known of the log of a petition. With `ask_site`, ask the public address too."""
    files = publication(petition)
    own = _own_log(files)
    copies = [one for one in given.logs if one.seen.origin == petition.origin]
    checkpoints = [one for one in given.checkpoints if one.origin == petition.origin]
    if isinstance(own, PublishedLog):
        copies.append(own)
    elif own is not None:
        checkpoints.append(own)
    shown = [one for one in (_shown(files), _on_site(petition, files) if ask_site else None) if one]
    return KnownLog(
        tuple(copies), tuple(checkpoints), tuple(shown), own, given.never_shown, given.nothing_lost, files.key
    )


def _own_log(files: Publication) -> PublishedLog | SeenCheckpoint | None:
    """Return the log in this server's public folder or, if it is not whole, its checkpoint."""
    note = files.published()
    if note is None:
        return None
    try:
        return PublishedLog(str(files.folder), read_folder(files.folder))
    except (CannotCheck, OSError):
        return SeenCheckpoint(str(files.folder), note)


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
