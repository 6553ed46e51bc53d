"""The sequencer: what was confirmed becomes entries of the public log, in batches, by one process at a time.

Three words: sequenced (it has a place in the log, for good), signed (a checkpoint of ours commits to it), published or
shown (that checkpoint is what pages and files show). The steps, and what a crash after each leaves:

1. transactions of at most 500 entries: rows get indexes, entries and totals move with the tree. The next run goes on.
2. the checkpoint is signed and stored. Ed25519 signs the same bytes again; the next run goes on with 3.
3. tiles are written. They are a cache: written again, the same.
4. witnesses are asked. Asked again, they answer again.
5. the checkpoint and the numbers of pages are shown, in one transaction. The next run writes the file.
6. the file `checkpoint` is written.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from sabal import days
from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.ledger import tables
from sabal.ledger.policy import policy_of
from sabal.ledger.publication import CHECKPOINT, POLICY, Publication, WouldFork, manifest_name, publication
from sabal.ledger.tables import ALL, Log
from sabal.ledger.witnesses import Witnesses, has_all
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import count
from sabal.signing.held import release
from tlog import Signer, entry

ASK_AGAIN = 600  # seconds
ASK_STOPPED = 60


class _Stop(NamedTuple):
    """A witness stopped a log: when (Unix seconds), who was asked then (lines of a policy), and why it stopped."""

    at: float
    asked: str
    why: WouldFork


@dataclass(frozen=True)
class Sequencer:
    """What sequencing needs; one a process. Only who leads (database.leader) may call its verbs."""

    keystore: KeyStore
    witnesses: Witnesses = field(default_factory=Witnesses)
    _asked: dict[int, float] = field(
        init=False, default_factory=dict
    )  # when a log's witnesses were asked last
    _stopped: dict[int, _Stop] = field(init=False, default_factory=dict)

    def sequence(
        self, database: Database, petition: PetitionSnapshot, now: float, every: float | None = None
    ) -> int:
        """Take a petition's batch if one is due or was begun, and publish it; returns how many signatures it took.

        `now` in Unix seconds; `every` (development only) replaces the profile's rules. Raises WouldFork, ReadOnly,
        OSError, KeyMissing, Overtaken, and the driver's OperationalError; after each the next call goes on where this
        ended.
        """
        log = self._log(database, petition, now)
        begun = log.size > log.signed_size
        due = begun or count.batch_is_due(database, petition, now, every)
        if not due and log.signed_size == log.published_size:
            count.restart_wait(database, petition, now)
            self._ask_again(database, petition, log, now)
            return 0
        return self._advance(database, petition, log, now, take=due)

    def sequence_all(self, database: Database, petition: PetitionSnapshot, now: float) -> None:
        """A petition's last batch: everything that waits, held or not, and every withdrawal."""
        log = self._log(database, petition, now)
        release(database, petition.id)
        self._advance(database, petition, log, now, take=True)

    def close(self, database: Database, petition: PetitionSnapshot, now: float) -> None:
        """Let nothing but revocations follow in the log, after everything that waits; harmless when done already."""
        key, closed = self._key(database, petition), False
        while not closed:
            self.sequence_all(database, petition, now)
            with database.transaction():
                log = tables.get(database, petition.id, lock=True)
                # A click may have come meanwhile.
                closed = log.closed or not count.is_waiting(database, petition.id)
                if closed and not log.closed:
                    tables.close(database, log, key, days.number_at(now))
        self._advance(database, petition, self._log(database, petition, now), now, take=False)

    def publish_here(self, database: Database, petition: PetitionSnapshot) -> None:
        """Let this machine's files show what the database says is shown. Raises WouldFork, OSError.

        Not those of a log that is held since a restore: others have seen more, and files of old would pass for new.
        """
        log = tables.find(database, petition.id)
        if log is not None and log.published and not log.read_only:
            files = publication(petition)
            if files.shown() != log.published:
                files.refuse_ahead(database, log)
                self._write_files(database, petition, files, log.published_size)
                files.write_checkpoint(log.published)

    def repair(self, database: Database, petition: PetitionSnapshot) -> list[str]:
        """Hold this machine's public files against the database; the paths of those that were made again."""
        log = tables.find(database, petition.id)
        if log is None or not log.published:
            return []
        files = publication(petition)
        files.refuse_ahead(database, log)
        mended = self._write_others(database, petition, files) + files.repair(database, log.published_size)
        if files.shown() is None:
            files.write_checkpoint(log.published)
            mended.append(CHECKPOINT)
        return mended

    def _log(self, database: Database, petition: PetitionSnapshot, now: float) -> Log:
        log = tables.find(database, petition.id)
        if log is None:  # published before there were logs, or by a hand in the database
            with database.transaction():
                key = self._key(database, petition)
                log = tables.follow(database, petition.id, petition.manifest_hash, key, days.number_at(now))
        log.refuse_read_only()
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
            if not log.closed:  # after its end there are revocations alone
                taken = self._take_signatures(database, petition, now)
            self._take_revoked(database, petition)
            with database.transaction():
                log = tables.get(database, petition.id, lock=True)
                log = tables.sign(database, log, self._key(database, petition), days.number_at(now))
                count.end_batch(database, petition.id, now)
        self._publish(database, petition, files, log, now)
        return taken

    def _take_signatures(self, database: Database, petition: PetitionSnapshot, now: float) -> int:
        """In the order of C, which tells nothing of the order of signing, from where a crash may have left it."""
        taken = 0
        while True:
            with database.transaction():
                log = tables.get(database, petition.id, lock=True)
                if log.reached == ALL:
                    return taken
                new = count.take_signatures(database, petition.id, now, after=log.reached, first=log.size)
                if new.reached is None and log.size == log.signed_size:
                    return taken  # nothing waited
                # Where no more wait, nothing is appended but ALL is stored: a run after a crash goes on from here.
                entries = [entry.Sign(c).encode() for c in new.commitments]
                tables.append(database, log, entries, reached=new.reached or ALL)
                taken += len(entries)

    def _take_revoked(self, database: Database, petition: PetitionSnapshot) -> None:
        while True:
            with database.transaction():
                # Locked before the look at what it is to revoke: of two processes one finds nothing left.
                log = tables.get(database, petition.id, lock=True)
                revoked = count.take_revoked(database, petition.id)
                if not revoked:
                    return
                entries = [entry.Revoke(one.index, entry.Reason(one.reason)).encode() for one in revoked]
                tables.append(database, log, entries, reached=ALL)

    def _publish(
        self, database: Database, petition: PetitionSnapshot, files: Publication, log: Log, now: float
    ) -> None:
        self._write_files(database, petition, files, log.signed_size)
        note = self._ask(petition, files, log, now)
        with database.transaction():
            log = tables.show(database, log, note, days.number_at(now))
            count.publish_totals(database, petition, now)
        files.write_checkpoint(note)

    def _ask(self, petition: PetitionSnapshot, files: Publication, log: Log, now: float) -> bytes:
        """The checkpoint with its witnesses' lines; one that stopped the log is not asked again for a minute."""
        stop = self._stopped.get(petition.id)
        if stop and stop.asked == log.witnesses and 0 <= now - stop.at < ASK_STOPPED:
            raise stop.why
        self._asked[petition.id] = now
        try:
            return self.witnesses.ask(log, files)
        except WouldFork as error:
            self._stopped[petition.id] = _Stop(now, log.witnesses, error)
            raise

    def _ask_again(self, database: Database, petition: PetitionSnapshot, log: Log, now: float) -> None:
        """What was shown without all its witnesses gets their lines when they answer."""
        files = publication(petition)
        if abs(now - self._asked.get(petition.id, 0.0)) < ASK_AGAIN or has_all(log, files):
            return
        note = self._ask(petition, files, log, now)
        if note != log.published:
            with database.transaction():
                tables.show(database, log, note, days.number_at(now))
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
