"""The worker: one thread counts and tidies, one sends emails, and one does what the desk asks for.

So neither a slow mail server nor a long task delays counting.

Several workers may run. Work that only one of them may do runs under a lock.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from types import FrameType

from django.db.utils import OperationalError as DjangoError

from sabal import days, settings
from sabal.configuration.errors import SettingError
from sabal.counted import counted
from sabal.database import Database, OperationalError, connect, settle
from sabal.desk.working import Tasks
from sabal.keys.keyring import is_first_day, was_up
from sabal.keys.keystore import KeyMissing, KeyStore, open_keystore
from sabal.ledger.finalise import finalise_due
from sabal.ledger.sequencer import Sequencer
from sabal.ledger.witnesses import Witnesses
from sabal.logs import where
from sabal.mail import outbox, relay
from sabal.mail.answers import Trouble
from sabal.mail.emails import Site
from sabal.mail.tidy import tidy_keys
from sabal.mail.transport import Transport, open_transport
from sabal.newsletter import subscription
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.refusal import Refusal
from sabal.signing import drain, epochs, late, retention, tidy
from sabal.witness.network import NetworkSettings

logger = logging.getLogger(__name__)
PAUSE = 0.5  # seconds between two rounds if nothing was due
REST = 5.0  # seconds to wait after an error of the database or the mail server
TASK_ENDS_WITHIN = 5.0  # seconds that a stop waits for the task in progress
MAIL_ENDS_WITHIN = 3.0  # seconds that a stop waits for the mail server
WAL_CHECKPOINT_EVERY = 2.0  # seconds
MINUTE, HOUR = 60.0, 3_600.0


class Worker:
    """One worker process. SIGTERM sets `stop`; the work in progress is finished.

    `clock` returns Unix time (seconds) and decides what is due. `ticks` is monotonic and paces the regular work.
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
        self.sequencer = Sequencer(
            keystore, Witnesses(NetworkSettings(allow_private=settings.WITNESS_PRIVATE))
        )
        self._tasks = Tasks(f"{socket.gethostname()[:40]}-{os.getpid()}")
        self.stop = threading.Event()
        self._broken = False
        self._stored_greeting: bool | None = None  # as in the database
        self._reported_at: dict[int, float] = {}
        self._rekeyed_on: dict[int, int] = {}  # the day (since 1970) by petition
        self._next_wal_checkpoint = self._next_wal_truncation = self._next_tidy = float("-inf")
        self._next_greeting = float("-inf")

    def run(self) -> bool:
        """Work until told to stop. Return False if an unexpected error ended one thread, and with it the others."""
        mail = threading.Thread(target=self._repeat, args=("mail", self._send), name="mail", daemon=True)
        mail.start()
        tasks = threading.Thread(
            target=self._repeat, args=("tasks", self._do_tasks), name="tasks", daemon=True
        )
        tasks.start()
        self._repeat("counting", self._count_and_tidy)
        tasks.join(TASK_ENDS_WITHIN)  # one that is cut off is done again at the next start
        mail.join(MAIL_ENDS_WITHIN)
        if (
            not mail.is_alive()
        ):  # otherwise the mail server does not answer: its email is sent again, with the same id
            self.transport.close()
        return not self._broken

    def _repeat(self, task: str, one_round: Callable[[Database, Snapshots], float]) -> None:
        """Run the rounds of one thread. If the database or a key is missing, log it, wait and try again."""
        snapshots = Snapshots()
        try:
            while not self.stop.is_set():
                try:
                    self._connected(one_round, snapshots)
                except (*OperationalError, DjangoError, KeyMissing) as error:
                    logger.error("%s is interrupted: %s", task, type(error).__name__)
                    self.stop.wait(REST)
        except BaseException:
            # A worker with one thread would go unnoticed; `serve` restarts a worker that ends.
            logger.critical("%s ends the worker", task, exc_info=True)
            self._broken = True
        finally:
            self.stop.set()

    def _connected(self, one_round: Callable[[Database, Snapshots], float], snapshots: Snapshots) -> None:
        """Run rounds on one connection. Each round returns the seconds to wait before the next."""
        database = connect()
        try:
            while not self.stop.is_set():
                snapshots.refresh(database, self.keystore)
                self.stop.wait(one_round(database, snapshots))
        finally:
            database.close()

    def _send(self, database: Database, snapshots: Snapshots) -> float:
        self._greet()
        report = outbox.send_due(
            database,
            self.keystore,
            self.transport,
            self.clock,
            petitions=snapshots,
            accepted=tidy.extend_pending,
            site=Site(settings.BASE_URL, settings.MAIL_FROM),
            should_stop=self.stop.is_set,
        )
        self._store_greeting(database)
        if report.trouble is not Trouble.NONE:
            return REST
        return 0.0 if report.handled else PAUSE

    def _do_tasks(self, database: Database, snapshots: Snapshots) -> float:
        return 0.0 if self._tasks.work(database) else PAUSE

    def _greet(self) -> None:
        """Ask the mail server what it takes, until it has said so: at most once a minute, as it may be down."""
        if self._stored_greeting is not None or self.transport.takes_international is not None:
            return
        ticks = self.ticks()
        if ticks >= self._next_greeting:
            self._next_greeting = ticks + MINUTE
            self.transport.greet()

    def _store_greeting(self, database: Database) -> None:
        """Let the forms know which addresses the mail server takes, if its greeting changed."""
        takes = self.transport.takes_international
        if takes is not None and takes != self._stored_greeting:
            relay.remember(database, takes)
            self._stored_greeting = takes

    def _count_and_tidy(self, database: Database, snapshots: Snapshots) -> float:
        now = self.clock()
        counted = self._sequence(database, snapshots, now)
        self._wal_checkpoint(database)
        ticks = self.ticks()
        if ticks >= self._next_tidy:
            self._repair(database, snapshots)
            done = self._tidy(database, snapshots, days.number_at(now))
            # Set after the work: if a lost connection interrupts it, it is done again.
            self._next_tidy = ticks + (HOUR if done else MINUTE)
        return 0.0 if counted else PAUSE

    def _wal_checkpoint(self, database: Database) -> None:
        ticks = self.ticks()
        truncate = ticks >= self._next_wal_truncation
        if truncate or ticks >= self._next_wal_checkpoint:
            database.wal_checkpoint(truncate=truncate)
            self._next_wal_checkpoint = ticks + WAL_CHECKPOINT_EVERY
            if truncate:
                self._next_wal_truncation = ticks + MINUTE

    def _sequence(self, database: Database, snapshots: Snapshots, now: float) -> int:
        """Write the batches that are due, in one process of all, and publish the log files on this machine."""
        sequenced = 0
        with database.leader("ledger") as leads:
            for petition in snapshots.published():
                with self._isolated(petition):
                    if leads:
                        sequenced += self.sequencer.sequence(database, petition, now, settings.BATCH_EVERY)
                    self.sequencer.publish_here(database, petition)
        return sequenced

    @contextmanager
    def _isolated(self, petition: PetitionSnapshot) -> Iterator[None]:
        """Keep an error of one petition's log from stopping the others. It is retried, and reported once a minute."""
        try:
            yield
        except (Refusal, OSError) as error:
            ticks = self.ticks()
            if ticks >= self._reported_at.get(petition.id, float("-inf")) + MINUTE:
                self._reported_at[petition.id] = ticks
                reason = str(error) if isinstance(error, (Refusal, KeyMissing)) else where(error)
                logger.critical("the log of petition %d has stopped: %s", petition.id, reason)

    def _tidy(self, database: Database, snapshots: Snapshots, today: int) -> bool:
        """Delete and close what is due today, in one process of all. Return False if another process writes a batch."""
        with database.leader("tidy") as leads, database.leader("ledger") as counts:
            if not leads:
                return True
            if not counts:  # finalising writes to the logs, which only one process may do at a time
                return False
            if not was_up(database, today - 1):
                # A clock that is far ahead would delete every signature. A server that was down waits a day.
                if not is_first_day(database, today):
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
                with self._isolated(petition):
                    if finalise_due(database, self.keystore, self.sequencer, petition, day, self.clock()):
                        logger.info(
                            "a petition is finalised: its log is closed; its keys, tags and w are deleted"
                        )
                self._rekey_late_links(database, petition, today)
                if drained := drain.drain(database, petition.id, day):
                    logger.info(
                        "deleted because the organiser holds them: %s", counted(drained, "sealed record")
                    )
                if epochs.forget_old_epochs(database, self.keystore, petition):
                    logger.info("an old dedupe key that a crash had left is deleted")
                if epochs.renew_epoch(database, self.keystore, petition, today):
                    logger.info("a new dedupe period began: the old dedupe key and its tags are deleted")
            self._tasks.forget_old()
            gone = tidy_keys(database, self.keystore, today)
            logger.info("tidied: %d pending expired, destroyed: %s", expired, counted(len(gone), "mail key"))
            return True

    def _rekey_late_links(self, database: Database, petition: PetitionSnapshot, today: int) -> None:
        """Search once a day: links become late with the day, and the search reads all signatures."""
        if self._rekeyed_on.get(petition.id) == today:
            return
        if rekeyed := late.rekey(database, petition, today):
            logger.info(
                "late, and now only for withdrawing: %s of a guarded petition", counted(rekeyed, "link")
            )
        self._rekeyed_on[petition.id] = today

    def _repair(self, database: Database, snapshots: Snapshots) -> None:
        """Restore the public files of this machine that are missing or changed."""
        for petition in snapshots.published():
            with self._isolated(petition):
                if restored := self.sequencer.repair(database, petition):
                    logger.error(
                        "missing or wrong, and made again: %s of a log", counted(len(restored), "public file")
                    )

    def _end_retention(self, database: Database, petition: PetitionSnapshot, day: date) -> None:
        if retention.is_over(database, petition, day):
            erased = retention.erase_records(database, petition.id)
            logger.info("a petition's retention day has passed. Deleted: %s", counted(erased, "record"))
            with self._isolated(petition):
                self.sequencer.sequence_all(database, petition, self.clock())
            # Also if that failed: the day was promised, and the log can continue with C alone.
            retention.erase_signers(database, self.keystore, petition)


def main() -> None:
    """Run a worker until SIGTERM or SIGINT. Raises SettingError if no email could be sent."""
    if not settings.MAIL_URL.scheme:
        raise SettingError(
            "SABAL_MAIL_URL is not set.", "The worker sends the emails through that mail server."
        )
    if not settings.MAIL_FROM.address:
        raise SettingError("SABAL_MAIL_FROM is not set.", "It is the sender of every email.")
    transport = open_transport(
        settings.MAIL_URL, folder=settings.DATA / "mail", helo=Site(settings.BASE_URL).mail_domain
    )
    worker = Worker(open_keystore(), transport)

    def end(_signal: int, _frame: FrameType | None) -> None:
        # In a thread: the main thread may hold the lock of the event at this moment, while waiting for it.
        threading.Thread(target=worker.stop.set).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    whole = worker.run()
    settle()
    if not whole:
        sys.exit(1)
