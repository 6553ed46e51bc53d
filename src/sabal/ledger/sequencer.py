"""The sequencer: it appends confirmed signatures to the public log, in batches, in one process at a time.

Three words: an entry is *sequenced* when it has its final index in the log, *signed* when a checkpoint of this log
commits to it, and *published* when pages and files show that checkpoint. The steps, and the recovery from a crash after
each of them:

1. Transactions of at most 500 entries give rows their indexes, and change entries, totals and the tree. After a crash
   the next run continues.
2. The checkpoint is signed and stored. After a crash the next run continues with 3. (Ed25519 signs the same text with
   the same bytes.)
3. Tiles are written. They are a cache: after a crash they are written again with the same bytes.
4. Witnesses are asked. After a crash they are asked again, and answer again.
5. The checkpoint and the numbers on pages are published in one transaction. After a crash the next run writes the file.
6. The file `checkpoint` is written.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from sabal import days
from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.ledger import tables
from sabal.ledger.log import ALL, Log
from sabal.ledger.policy import policy_of
from sabal.ledger.publication import CHECKPOINT, POLICY, Publication, WouldFork, manifest_name, publication
from sabal.ledger.witnesses import Witnesses, has_all
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import count
from sabal.signing.buckets import Buckets
from sabal.signing.held import release
from tlog import Signer, entry

ASK_AGAIN = 600  # seconds
ASK_STOPPED = 60  # seconds


class _Stop(NamedTuple):
    """A log that a witness stopped: Unix time (seconds), the policy lines of the witnesses asked, and the reason."""

    at: float
    witnesses: str
    reason: WouldFork


@dataclass(frozen=True)
class Sequencer:
    """The state of sequencing, one object in each process. Only the leader (database.leader) may call its methods."""

    keystore: KeyStore
    witnesses: Witnesses = field(default_factory=Witnesses)
    # By petition: when its witnesses were last asked, in Unix time (seconds).
    _asked: dict[int, float] = field(init=False, default_factory=dict)
    _stopped: dict[int, _Stop] = field(init=False, default_factory=dict)

    def sequence(
        self, database: Database, petition: PetitionSnapshot, now: float, every: float | None = None
    ) -> int:
        """Take a petition's batch if one is due or was begun, publish it, and return its number of signatures.

        `now` is Unix time (seconds); `every` (development only) replaces the profile's rules. Raises WouldFork,
        ReadOnly, OSError, KeyMissing, Overtaken, and the driver's OperationalError. After each of these the next call
        continues where this one ended.
        """
        log = self._log(database, petition, now)
        begun = log.size > log.signed_size
        due = begun or count.batch_is_due(database, petition, now, every)
        if not due and log.signed_size == log.published_size:
            count.restart_wait(database, petition, now)
            count.publish_late_countries(database, petition, now)
            self._ask_again(database, petition, log, now)
            return 0
        return self._advance(database, petition, log, now, take=due)

    def sequence_all(self, database: Database, petition: PetitionSnapshot, now: float) -> None:
        """Take a petition's last batch: all waiting signatures, held or not, and all withdrawals."""
        log = self._log(database, petition, now)
        release(database, petition.id)
        self._advance(database, petition, log, now, take=True)

    def close(self, database: Database, petition: PetitionSnapshot, now: float) -> None:
        """Append all that waits, then close the log, so that only revocations can follow. Can be repeated."""
        key, closed = self._key(database, petition), False
        while not closed:
            self.sequence_all(database, petition, now)
            with database.transaction():
                log = tables.get(database, petition.id, lock=True)
                # Someone may have confirmed meanwhile.
                closed = log.closed or not count.is_waiting(database, petition.id)
                if closed and not log.closed:
                    tables.close(database, log, key, days.number_at(now))
        self._advance(database, petition, self._log(database, petition, now), now, take=False)

    def publish_here(self, database: Database, petition: PetitionSnapshot) -> None:
        """Write this machine's files of the checkpoint that the database has as published. Raises WouldFork, OSError.

        A log that is read-only is left out: more may have been published, and old files would look new.
        """
        log = tables.find(database, petition.id)
        if log is not None and log.published and log.writable:
            files = publication(petition)
            files.refuse_unknown(database, log)
            if files.published() != log.published:
                files.refuse_ahead(database, log)
                self._write_files(database, petition, files, log.published_size)
                files.write_checkpoint(log.published)
            database.vouch(files.voucher)

    def repair(self, database: Database, petition: PetitionSnapshot) -> list[str]:
        """Repair this machine's public files from the database, and return the paths of the repaired files."""
        log = tables.find(database, petition.id)
        if log is None or not log.published or not log.writable:
            return []
        files = publication(petition)
        files.refuse_unknown(database, log)
        files.refuse_ahead(database, log)
        repaired = self._write_others(database, petition, files) + files.repair(database, log.published_size)
        if files.published() is None:
            files.write_checkpoint(log.published)
            repaired.append(CHECKPOINT)
        return repaired

    def _log(self, database: Database, petition: PetitionSnapshot, now: float) -> Log:
        log = tables.find(database, petition.id)
        if log is None:  # published before logs existed, or by an edit of the database
            with database.transaction():
                key = self._key(database, petition)
                log = tables.enter_manifest(
                    database, petition.id, petition.manifest_hash, key, days.number_at(now)
                )
        log.refuse_read_only()
        publication(petition).refuse_unknown(database, log)
        return log

    def _key(self, database: Database, petition: PetitionSnapshot) -> Signer:
        return tables.key_of(database, self.keystore, petition.id, petition.origin)

    def _advance(
        self, database: Database, petition: PetitionSnapshot, log: Log, now: float, *, take: bool
    ) -> int:
        files = publication(petition)
        files.refuse_ahead(database, log)
        taken = 0
        if take:
            if not log.closed:  # a closed log takes revocations only
                taken = self._take_signatures(database, petition, now)
            self._take_withdrawals(database, petition)
            with database.transaction():
                log = tables.get(database, petition.id, lock=True)
                log = tables.sign(database, log, self._key(database, petition), days.number_at(now))
                count.end_batch(database, petition.id, now)
        self._publish(database, petition, files, log, now)
        return taken

    def _take_signatures(self, database: Database, petition: PetitionSnapshot, now: float) -> int:
        """Append signatures in the order of their commitments, which does not reveal the order of signing.

        Continues after the last commitment that a crashed run reached.
        """
        taken, buckets = 0, Buckets.of(database, self.keystore, petition.id)
        while True:
            with database.transaction():
                log = tables.get(database, petition.id, lock=True)
                if log.reached == ALL:
                    return taken
                new = count.take_signatures(
                    database, petition.id, now, buckets, after=log.reached, first=log.size
                )
                if new.reached is None and log.size == log.signed_size:
                    return taken  # nothing waited
                # At the end nothing is appended, but ALL is stored, so that a run after a crash continues from here.
                entries = entry.sign_entries(new.commitments)
                tables.append(database, log, entries, reached=new.reached or ALL)
                taken += len(entries)

    def _take_withdrawals(self, database: Database, petition: PetitionSnapshot) -> None:
        buckets = Buckets.of(database, self.keystore, petition.id)
        while True:
            with database.transaction():
                # Lock the log before reading the withdrawals, so that two processes do not revoke the same entries.
                log = tables.get(database, petition.id, lock=True)
                revoked = count.take_revoked(database, petition.id, buckets)
                if not revoked:
                    return
                entries = [entry.Revoke(one.index, entry.Reason(one.reason)).encode() for one in revoked]
                tables.append(database, log, entries, reached=ALL)

    def _publish(
        self, database: Database, petition: PetitionSnapshot, files: Publication, log: Log, now: float
    ) -> None:
        self._write_files(database, petition, files, log.signed_size)
        note = self._ask(petition, files, log, now)
        files.claim()
        with database.transaction():
            log = tables.publish(database, log, note, days.number_at(now))
            count.publish_totals(database, petition, now)
        files.write_checkpoint(note)

    def _ask(self, petition: PetitionSnapshot, files: Publication, log: Log, now: float) -> bytes:
        """Return the checkpoint with its witnesses' lines. For a minute after a witness stopped the log, ask none."""
        stop = self._stopped.get(petition.id)
        if stop and stop.witnesses == log.witnesses and 0 <= now - stop.at < ASK_STOPPED:
            raise stop.reason
        self._asked[petition.id] = now
        try:
            return self.witnesses.ask(log, files)
        except WouldFork as error:
            self._stopped[petition.id] = _Stop(now, log.witnesses, error)
            raise

    def _ask_again(self, database: Database, petition: PetitionSnapshot, log: Log, now: float) -> None:
        """Ask the witnesses whose lines the published checkpoint lacks, and add the lines of those that answer."""
        files = publication(petition)
        if abs(now - self._asked.get(petition.id, 0.0)) < ASK_AGAIN or has_all(log, files):
            return
        note = self._ask(petition, files, log, now)
        if note != log.published:
            with database.transaction():
                tables.publish(database, log, note, days.number_at(now))
            files.write_checkpoint(note)

    def _write_files(
        self, database: Database, petition: PetitionSnapshot, files: Publication, size: int
    ) -> None:
        self._write_others(database, petition, files)
        files.write_tiles(database, size)

    def _write_others(self, database: Database, petition: PetitionSnapshot, files: Publication) -> list[str]:
        manifests = tables.manifests(database, petition.id)
        others = {manifest_name(digest): data for digest, data in manifests.items()}
        others[POLICY] = policy_of(petition)
        return [name for name, data in others.items() if files.write_other(name, data)]
