"""The worker: counts and tidies in one thread, sends mail in another, so that no mail server holds a count back.

Any number may run; what one alone may do is done under a lock.
"""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from types import FrameType

from sabal import days, settings
from sabal.database import Database, OperationalError, connect
from sabal.keys.keyring import was_up
from sabal.keys.keystore import KeyMissing, KeyStore, open_keystore
from sabal.ledger.finalise import finalise_due
from sabal.ledger.sequencer import Sequencer
from sabal.ledger.witnesses import Witnesses
from sabal.logs import where
from sabal.mail import outbox
from sabal.mail.answers import Trouble
from sabal.mail.emails import Site
from sabal.mail.tidy import tidy_keys
from sabal.mail.transport import Transport, open_transport
from sabal.newsletter import subscription
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.refusal import Refusal
from sabal.signing import drain, epochs, retention, tidy
from sabal.witness.network import Network

logger = logging.getLogger(__name__)
PAUSE = 0.5  # seconds between two rounds when nothing was due
REST = 5.0  # seconds of rest after the database or the mail server gave trouble
FOLD_EVERY = 2.0  # seconds
MINUTE, HOUR = 60.0, 3_600.0


class Worker:
    """One worker process. `stop` is set by SIGTERM; what was begun is finished.

    `clock` gives Unix time, which says what is due; `ticks` never go back, and pace what is done now and then.
    """

    def __init__(
        self,
        keystore: KeyStore,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keystore, self.transport, self.clock, self.ticks = keystore, transport, clock, ticks
        self.sequencer = Sequencer(keystore, Witnesses(Network(allow_private=settings.WITNESS_PRIVATE)))
        self.stop = threading.Event()
        self._broken = False
        self._complained: dict[int, float] = {}
        self._next_fold = self._next_cut = self._next_tidy = float("-inf")

    def run(self) -> bool:
        """Work until told to stop; False where something unforeseen ended one thread, and with it the other."""
        mail = threading.Thread(target=self._repeat, args=("mail", self._send), name="mail")
        mail.start()
        self._repeat("counting", self._count_and_tidy)
        mail.join()
        self.transport.close()
        return not self._broken

    def _repeat(self, what: str, one_round: Callable[[Database, Snapshots], float]) -> None:
        """Round after round of one thread; a database that goes away, or a key that is missing, is waited for."""
        snapshots = Snapshots()
        try:
            while not self.stop.is_set():
                try:
                    self._connected(one_round, snapshots)
                except (*OperationalError, KeyMissing) as error:
                    logger.error("%s is interrupted: %s", what, type(error).__name__)
                    self.stop.wait(REST)
        except BaseException:
            # Half a worker would go unnoticed; one that ends is started again.
            logger.critical("%s ends the worker", what, exc_info=True)
            self._broken = True
        finally:
            self.stop.set()

    def _connected(self, one_round: Callable[[Database, Snapshots], float], snapshots: Snapshots) -> None:
        """Rounds on one connection, with the pause that each asks for."""
        database = connect()
        try:
            while not self.stop.is_set():
                snapshots.refresh(database, self.keystore)
                self.stop.wait(one_round(database, snapshots))
        finally:
            database.close()

    def _send(self, database: Database, snapshots: Snapshots) -> float:
        report = outbox.send_due(
            database,
            self.keystore,
            self.transport,
            self.clock,
            petitions=snapshots,
            accepted=tidy.start_week,
            site=Site(settings.BASE_URL, settings.MAIL_FROM),
            should_stop=self.stop.is_set,
        )
        if report.trouble is not Trouble.NONE:
            return REST
        return 0.0 if report.handled else PAUSE

    def _count_and_tidy(self, database: Database, snapshots: Snapshots) -> float:
        now = self.clock()
        counted = self._sequence(database, snapshots, now)
        self._fold_log(database)
        ticks = self.ticks()
        if ticks >= self._next_tidy:
            self._repair(database, snapshots)
            done = self._tidy(database, snapshots, days.number_at(now))
            # Not before the work: what a lost connection broke off is done again.
            self._next_tidy = ticks + (HOUR if done else MINUTE)
        return 0.0 if counted else PAUSE

    def _fold_log(self, database: Database) -> None:
        ticks = self.ticks()
        cut = ticks >= self._next_cut
        if cut or ticks >= self._next_fold:
            database.checkpoint(cut=cut)
            self._next_fold = ticks + FOLD_EVERY
            if cut:
                self._next_cut = ticks + MINUTE

    def _sequence(self, database: Database, snapshots: Snapshots, now: float) -> int:
        """Every petition's batch if it is due, by one process of all; and the public files of this machine."""
        taken = 0
        with database.leader("ledger") as leads:
            for petition in snapshots.published():
                with self._apart(petition):
                    if leads:
                        taken += self.sequencer.sequence(database, petition, now, settings.BATCH_EVERY)
                    self.sequencer.publish_here(database, petition)
        return taken

    @contextmanager
    def _apart(self, petition: PetitionSnapshot) -> Iterator[None]:
        """One petition's log that cannot go on stops no other's: it is tried again, and said once a minute."""
        try:
            yield
        except (Refusal, OSError) as error:
            ticks = self.ticks()
            if ticks >= self._complained.get(petition.id, float("-inf")) + MINUTE:
                self._complained[petition.id] = ticks
                what = str(error) if isinstance(error, (Refusal, KeyMissing)) else where(error)
                logger.critical("the log of petition %d has stopped: %s", petition.id, what)

    def _tidy(self, database: Database, snapshots: Snapshots, today: int) -> bool:
        """What time takes away, by one process of all; False where a batch is under way elsewhere."""
        with database.leader("tidy") as leads, database.leader("ledger") as counts:
            if not leads:
                return True
            if not counts:  # ends of petitions go through the log, which is one process's at a time
                return False
            if not was_up(database, today - 1):
                # A clock that is far ahead would take every signature with it. A house that was away waits a day.
                logger.info(
                    "nothing is deleted today, because this server was not running yesterday (or its clock says so)"
                )
                return True
            expired = tidy.expire(database, today)
            subscription.expire(database, today)
            day = days.date_of(today)
            for petition in snapshots.published():
                if tidy.close_due(database, petition, day):
                    logger.info("a petition's last day has passed: it is closed")
                self._end_retention(database, petition, day)
                with self._apart(petition):
                    if finalise_due(database, self.keystore, self.sequencer, petition, day, self.clock()):
                        logger.info(
                            "a petition is finalised: its log is closed; its dedupe key, tags and w are deleted"
                        )
                if drained := drain.drain(database, petition.id, day):
                    logger.info("%d sealed records that the organiser holds are deleted", drained)
                if epochs.forget_old_epochs(database, self.keystore, petition):
                    logger.info("an old dedupe key that a crash had left is deleted")
                if epochs.renew_epoch(database, self.keystore, petition, today):
                    logger.info("a new dedupe period began: the old dedupe key and its tags are deleted")
            gone = tidy_keys(database, self.keystore, today)
            logger.info("tidied: %d pending expired, %d mail keys destroyed", expired, len(gone))
            return True

    def _repair(self, database: Database, snapshots: Snapshots) -> None:
        """Every machine's own files: what is missing or was changed is made again."""
        for petition in snapshots.published():
            with self._apart(petition):
                if mended := self.sequencer.repair(database, petition):
                    logger.error(
                        "%d public files of a log were missing or wrong, and were made again", len(mended)
                    )

    def _end_retention(self, database: Database, petition: PetitionSnapshot, day: date) -> None:
        if retention.is_over(database, petition, day):
            erased = retention.erase_records(database, petition.id)
            logger.info("a petition's retention day has passed: %d records are deleted", erased)
            with self._apart(petition):
                self.sequencer.sequence_all(database, petition, self.clock())
            # Whether that went well or not: the day was promised, and the log can go on with C alone.
            retention.end(database, petition)


def main() -> None:
    """Run a worker until SIGTERM or SIGINT."""
    transport = open_transport(
        settings.MAIL_URL, folder=settings.DATA / "mail", helo=Site(settings.BASE_URL, "").host
    )
    worker = Worker(open_keystore(), transport)

    def end(_signal: int, _frame: FrameType | None) -> None:
        # In a thread: this one may be holding the event's own lock right now, in the middle of waiting for it.
        threading.Thread(target=worker.stop.set).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if not worker.run():
        sys.exit(1)
