"""Adopt: a database that was restored from a backup takes what its log had published since.

A log that went on from an old backup would show two histories under one name, and no checker would believe it again. So
it is held from the restore on (read_only), takes the published entries behind its own in transactions of at most 500,
and goes on in the last of them. A crash in between leaves it held; the same call goes on where that ended.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sabal import days
from sabal.checking.copy import LogCopy, entry_at
from sabal.checking.entries import walk
from sabal.database import Database
from sabal.ledger import tables
from sabal.ledger.tables import Log
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.refusal import Refusal
from sabal.signing import adopted, count
from sabal.signing.adopted import RevokeEntry, SignEntry
from sabal.signing.writer.log_index import CHUNK
from tlog import Checkpoint, Frontier, Tally, TlogError, Verifier, checkpoint, entry, leaf_hashes
from tlog.entry import Revoke, Sign

KEEP_BOTH = (
    "Two histories were published under one name. Start nothing, keep both, and find out which of them people"
    " have seen (in emails, at witnesses, in mirrors)."
)


@dataclass(frozen=True)
class Seen:
    """A checkpoint, and where it was found."""

    where: str
    note: bytes

    def open(self, key: Verifier) -> Checkpoint:
        """What the log signed. Raises Refusal where it did not."""
        try:
            return checkpoint.open(self.note, [key]).checkpoint
        except TlogError as error:
            raise Refusal(
                f"The checkpoint in {self.where} is not of this log. {error} Leave it out."
            ) from None


@dataclass(frozen=True)
class Published:
    """A copy of a log that was published, and where it was found."""

    where: str
    copy: LogCopy

    @property
    def seen(self) -> Seen:
        """Its checkpoint."""
        return Seen(self.where, self.copy.checkpoint)


@dataclass(frozen=True)
class Adopted:
    """What a log took: entries that the database lacked, and how many of its signatures count without a record."""

    entries: int
    size: int
    lost: int


def verify(
    database: Database, published: Published, log: Log, key: Verifier, others: Iterable[Seen]
) -> Tally:
    """Read all of a published log; what its entries come to.

    Raises Refusal where it is not signed by its key, not whole, out of order, older than what the database knows to
    be published, no continuation of the database's log, or not consistent with one of the `others`.
    """
    claim, where, copy = published.seen.open(key), published.where, published.copy
    seen = [(other.where, other.open(key)) for other in others]
    if copy.flaws or copy.size != claim.size:
        raise Refusal(f"{where} is not a whole log. {' '.join(copy.flaws)} Give another copy.")
    walked = walk(copy.entries, [claim.size, log.size, *(one.size for _, one in seen)], ())
    if walked.roots[claim.size] != claim.root:
        raise Refusal(
            f"The entries in {where} do not lead to its checkpoint: one was changed, left out or added. Give another"
            " copy."
        )
    if walked.disorder:
        raise Refusal(
            f"The log in {where} is signed, but its order is not valid. {walked.disorder} Ask for help."
        )
    shared = min(claim.size, log.size)
    if (walked.roots[shared] if shared == log.size else claim.root) != _root_at(database, log, shared):
        raise Refusal(f"{where} is another log than the {log.size:,} entries of this database. {KEEP_BOTH}")
    for other, shown in seen:
        _refuse_other(shown, other, where, claim.size, walked.roots.get(shown.size))
    if claim.size < (known := max(log.published_size, log.seen_size)):
        raise Refusal(
            f"{where} has {claim.size:,} entries, but {known:,} were published: it is an older copy. Give a newer"
            " one."
        )
    return walked.tally


def verify_seen(database: Database, log: Log, key: Verifier, seen: Iterable[Seen]) -> None:
    """Hold checkpoints that were seen elsewhere against the database's log, where no copy of the log was found.

    Raises Refusal where one is ahead of it or not of its history.
    """
    for one in seen:
        shown = one.open(key)
        root = _root_at(database, log, shown.size) if shown.size <= log.size else None
        _refuse_other(shown, one.where, "the database", log.size, root)
    if log.size < log.seen_size:
        raise Refusal(
            f"{log.seen_size:,} entries were published, but the database has {log.size:,}, so the entries"
            " themselves are needed. Give a copy of the log that has them (--copy FOLDER or ADDRESS)."
        )


def adopt(
    database: Database,
    petition: PetitionSnapshot,
    published: Published,
    tally: Tally,
    erased: Mapping[bytes, int],
    now: float,
) -> Adopted:
    """Take what a verified copy has and the database lacks, and let the log go on; `now` in Unix seconds.

    `erased`: C and reason of what the suppression file says was withdrawn or dropped. Only who leads may call this.
    Raises Overtaken, and the driver's OperationalError; the next call goes on where this ended.
    """
    copy, taken = published.copy, 0
    hold(database, petition.id, copy.size)
    while piece := _take(database, petition, copy, erased, days.number_at(now)):
        taken += piece
    with database.transaction():
        log = tables.get(database, petition.id, lock=True)
        newer = log.size == copy.size > log.published_size
        tables.go_on(database, log, copy.checkpoint, days.number_at(now))
        if newer:
            adopted.take_totals(database, petition.id, tally)
            count.end_batch(database, petition.id, now)
            count.publish_totals(database, petition, now)
    return Adopted(taken, log.size, tables.lost(database, petition.id))


def hold(database: Database, petition_id: int, seen_size: int = 0) -> None:
    """Let a log be read-only until all is here that was published of it: so many entries, as far as was seen."""
    with database.transaction():
        tables.hold(database, tables.get(database, petition_id, lock=True), seen_size)


def let_go_on(database: Database, petition_id: int, now: float) -> None:
    """End the hold of a log of which nothing newer is known."""
    with database.transaction():
        tables.go_on(database, tables.get(database, petition_id, lock=True), b"", days.number_at(now))


def _refuse_other(shown: Checkpoint, where: str, ours: str, size: int, root: bytes | None) -> None:
    if shown.size > size:
        raise Refusal(
            f"The checkpoint in {where} has {shown.size:,} entries, but {ours} {size:,}, so the entries themselves"
            " are needed. Give a copy of the log that has them (--copy FOLDER or ADDRESS)."
        )
    if root != shown.root:
        raise Refusal(
            f"The checkpoint in {where} shows other entries than the first {shown.size:,} of {ours}. {KEEP_BOTH}"
        )


def _root_at(database: Database, log: Log, size: int) -> bytes:
    if size == log.size:
        return log.root
    tree = Frontier()
    for piece in tables.entries(database, log.petition_id, 0, size) if size else ():
        tree.extend(leaf_hashes(tables.split(piece)))
    return tree.root()


def _take(
    database: Database, petition: PetitionSnapshot, copy: LogCopy, erased: Mapping[bytes, int], today: int
) -> int:
    """One transaction's worth: entries, rows and the log's own row move together. 0 where all is here."""
    with database.transaction():
        log = tables.get(database, petition.id, lock=True)
        new = [entry_at(copy.entries, at) for at in range(log.size, min(log.size + CHUNK, copy.size))]
        if new:
            numbered = [(entry.parse(one), log.size + at) for at, one in enumerate(new)]
            signed = [SignEntry(one.commitment, at) for one, at in numbered if isinstance(one, Sign)]
            lost = adopted.take_entries(database, petition, signed, erased, today) if signed else []
            revoked = list(_revocations((one for one, _ in numbered), copy))
            adopted.take_revocations(database, petition, revoked, erased)
            tables.adopt(database, log, new, lost)
        return len(new)


def _revocations(found: Iterable[entry.Entry], copy: LogCopy) -> Iterator[RevokeEntry]:
    for one in found:
        if isinstance(one, Revoke):
            yield RevokeEntry(entry_at(copy.entries, one.index)[2:], one.reason)
