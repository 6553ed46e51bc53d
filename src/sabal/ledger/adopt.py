"""Adopt the entries that a log published after the backup from which its database was restored.

A log that continued from an old backup would have two histories under one name, and no checker would accept it again.
So a restore makes the log read-only. Adopting appends the published entries that the database lacks, in transactions of
at most 500 entries, and ends the read-only state in the last transaction. After a crash the log is still read-only, and
the same call continues.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sabal import days
from sabal.checking.copy import LogCopy, entry_at
from sabal.checking.entries import walk
from sabal.counted import counted, some_entries
from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.ledger import bundles, tables
from sabal.ledger.log import Log
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.refusal import Refusal
from sabal.signing import adopted, count
from sabal.signing.adopted import RevokeEntry, SignEntry
from sabal.signing.buckets import Buckets
from sabal.signing.writer.log_index import CHUNK
from tlog import Checkpoint, Frontier, Tally, TlogError, Verifier, checkpoint, entry, leaf_hashes
from tlog.entry import Revoke, Sign

KEEP_BOTH = (
    "Two histories were published under one name. Start nothing, keep both, and find out which of them people"
    " have seen (in emails, at witnesses, in mirrors)."
)


@dataclass(frozen=True)
class SeenCheckpoint:
    """A checkpoint that was found outside the database, and the place where it was found."""

    where: str
    note: bytes

    @property
    def origin(self) -> str:
        """Return the name of the log, as the checkpoint says it. Raises TlogError."""
        return checkpoint.peek(self.note).origin

    def open(self, key: Verifier) -> Checkpoint:
        """Return the signed checkpoint. Raises Refusal if the log did not sign it."""
        try:
            return checkpoint.open(self.note, [key]).checkpoint
        except TlogError as error:
            raise Refusal(
                f"The checkpoint in {self.where} is not of this log. {error} Leave it out."
            ) from None


@dataclass(frozen=True)
class PublishedLog:
    """A copy of a published log, and the place where it was found."""

    where: str
    copy: LogCopy

    @property
    def seen(self) -> SeenCheckpoint:
        """Return the checkpoint of the copy."""
        return SeenCheckpoint(self.where, self.copy.checkpoint)


@dataclass(frozen=True)
class Adopted:
    """The number of adopted entries, the size of the log, and the number of signatures that count without a record."""

    entries: int
    size: int
    lost: int


def verify(
    database: Database, published: PublishedLog, log: Log, key: Verifier, others: Iterable[SeenCheckpoint]
) -> Tally:
    """Verify all of a published log, and return the tally of its entries.

    Raises Refusal if the log is not signed by its key, is not whole, is out of order, is older than what the database
    knows to be published, does not continue the database's log, or is not consistent with one of the `others`.
    """
    claim, where, copy = published.seen.open(key), published.where, published.copy
    opened = [(other.where, other.open(key)) for other in others]
    if copy.flaws or copy.size != claim.size:
        raise Refusal(f"{where} is not a whole log. {' '.join(copy.flaws)} Give another copy.")
    walked = walk(copy.entries, [claim.size, log.size, *(one.size for _, one in opened)], ())
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
        raise Refusal(
            f"{where} is another log than the {some_entries(log.size)} of this database. {KEEP_BOTH}"
        )
    for other, seen in opened:
        _refuse_other(seen, other, where, claim.size, walked.roots.get(seen.size))
    if claim.size < (known := max(log.published_size, log.seen_size)):
        raise Refusal(
            f"{where} has {some_entries(claim.size)}, but {known:,} were published: it is an older copy. Give a newer"
            " one."
        )
    return walked.tally


def verify_seen(database: Database, log: Log, key: Verifier, seen: Iterable[SeenCheckpoint]) -> None:
    """Compare checkpoints that were seen elsewhere with the database's log, if no copy of the log was found.

    Raises Refusal if a checkpoint is ahead of the database's log or has another history.
    """
    for one in seen:
        opened = one.open(key)
        root = _root_at(database, log, opened.size) if opened.size <= log.size else None
        _refuse_other(opened, one.where, "the database", log.size, root)
    if log.size < log.seen_size:
        raise Refusal(
            f"{counted(log.seen_size, 'entry was', 'entries were')} published, but the database has {log.size:,}, so"
            " the entries"
            " themselves are needed. Give a copy of the log that has them (--copy FOLDER or ADDRESS)."
        )


def adopt(
    database: Database,
    keystore: KeyStore,
    petition: PetitionSnapshot,
    published: PublishedLog,
    tally: Tally,
    erased: Mapping[bytes, int],
    now: float,
) -> Adopted:
    """Append the entries of a verified copy that the database lacks, and end the log's read-only state.

    `erased` maps the commitments of signatures that the erasure journal has as withdrawn or dropped to their reasons.
    `now` is Unix time (seconds). Only the leader (database.leader) may call this. Raises Overtaken, and the driver's
    OperationalError; the next call continues where this one ended.
    """
    copy, taken, buckets = published.copy, 0, Buckets.of(database, keystore, petition.id)
    make_read_only(database, petition.id, copy.size)
    while count_taken := _take(database, petition, copy, erased, days.number_at(now), buckets):
        taken += count_taken
    with database.transaction():
        log = tables.get(database, petition.id, lock=True)
        newer = log.size == copy.size > log.published_size
        tables.end_read_only(database, log, copy.checkpoint, days.number_at(now))
        if newer:
            adopted.take_totals(database, petition.id, tally)
            count.end_batch(database, petition.id, now)
            count.publish_totals(database, petition, now)
    return Adopted(taken, log.size, tables.lost(database, petition.id))


def make_read_only(database: Database, petition_id: int, seen_size: int = 0) -> None:
    """Make a log read-only until the database has every published entry. At least `seen_size` were published.

    A log whose database is another one is read-only already, and keeps that reason.
    """
    with database.transaction():
        log = tables.get(database, petition_id, lock=True)
        tables.see(database, log, seen_size) if log.moved else tables.make_read_only(database, log, seen_size)


def end_read_only(database: Database, petition_id: int, now: float) -> None:
    """End the read-only state of a log of which nothing newer is known."""
    with database.transaction():
        tables.end_read_only(database, tables.get(database, petition_id, lock=True), b"", days.number_at(now))


def _refuse_other(seen: Checkpoint, where: str, ours: str, size: int, root: bytes | None) -> None:
    if seen.size > size:
        raise Refusal(
            f"The checkpoint in {where} has {some_entries(seen.size)}, but {ours} {size:,}, so the entries themselves"
            " are needed. Give a copy of the log that has them (--copy FOLDER or ADDRESS)."
        )
    if root != seen.root:
        raise Refusal(
            f"The checkpoint in {where} shows other entries than the first {seen.size:,} of {ours}. {KEEP_BOTH}"
        )


def _root_at(database: Database, log: Log, size: int) -> bytes:
    if size == log.size:
        return log.root
    tree = Frontier()
    for data in bundles.entries(database, log.petition_id, 0, size) if size else ():
        tree.extend(leaf_hashes(bundles.split(data)))
    return tree.root()


def _take(
    database: Database,
    petition: PetitionSnapshot,
    copy: LogCopy,
    erased: Mapping[bytes, int],
    today: int,
    buckets: Buckets,
) -> int:
    """Append some entries, and change rows and the log's own row in the same transaction.

    Returns the number of entries; 0 if the database has them all.
    """
    with database.transaction():
        log = tables.get(database, petition.id, lock=True)
        new = [entry_at(copy.entries, at) for at in range(log.size, min(log.size + CHUNK, copy.size))]
        if new:
            numbered = [(entry.parse(one), log.size + at) for at, one in enumerate(new)]
            signed = [SignEntry(one.commitment, at) for one, at in numbered if isinstance(one, Sign)]
            lost = adopted.take_entries(database, petition, signed, erased, today, buckets) if signed else []
            revoked = list(_revocations((one for one, _ in numbered), copy))
            adopted.take_revocations(database, petition, revoked, erased, buckets)
            tables.adopt(database, log, new, lost)
        return len(new)


def _revocations(found: Iterable[entry.Entry], copy: LogCopy) -> Iterator[RevokeEntry]:
    for one in found:
        if isinstance(one, Revoke):
            yield RevokeEntry(one.index, entry_at(copy.entries, one.index)[2:], one.reason)
