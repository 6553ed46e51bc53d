"""The worker: one thread counts and tidies, one sends emails, one sends mailings, and two do what the desk asks for.

So neither a slow mail server nor a long task delays counting, no newsletter delays the email that asks to confirm, and
no import delays a publication.

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
from types import FrameType

from django.db.utils import OperationalError as DjangoError

from sabal import days, settings
from sabal.bounces import collector
from sabal.configuration.errors import SettingError
from sabal.database import Database, OperationalError, connect, settle
from sabal.delivery.outgoing import DeliveryEmails
from sabal.desk import newsletters, transferring
from sabal.desk.delivering import Dispatching
from sabal.desk.working import Tasks
from sabal.dossier.offering import Offering
from sabal.elsewhere.inviting import queue_due
from sabal.keys.keyring import SUBSCRIBERS
from sabal.keys.keystore import KeyMissing, KeyStore, open_keystore
from sabal.ledger.sequencer import Sequencer
from sabal.ledger.witnesses import Witnesses
from sabal.logs import where
from sabal.mail import outbox, relay
from sabal.mail.answers import Trouble
from sabal.mail.emails import Site
from sabal.mail.ids import DELIVERY, REMINDER
from sabal.mail.providers import OTHER, PROVIDERS
from sabal.mail.transport import Transport, open_transport
from sabal.mail.verp import Verp
from sabal.mail.writers import Writers
from sabal.mailings.forgetting import Forgetting
from sabal.mailings.pace import SITE
from sabal.mailings.sending import MailingSender
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.refusal import Refusal
from sabal.signing import reminder
from sabal.tidying import Tidying
from sabal.updates import emailing
from sabal.witness.network import NetworkSettings

logger = logging.getLogger(__name__)
PAUSE = 0.5  # seconds between two rounds if nothing was due
REST = 5.0  # seconds to wait after an error of the database or the mail server
TASK_ENDS_WITHIN = 5.0  # seconds that a stop waits for the task in progress
MAIL_ENDS_WITHIN = 3.0  # seconds that a stop waits for the mail server
MAILING_CONNECTIONS = 4  # to the mail server, for mailings alone
PLANS_EVERY = 2.0  # seconds between two looks for mailings whose time has come
RESUMED_EVERY = 15.0  # seconds between two looks for transfers of lists that were interrupted
WAL_CHECKPOINT_EVERY = 2.0  # seconds
MINUTE, HOUR = 60.0, 3_600.0
WRITERS: Writers = {DELIVERY: DeliveryEmails(), REMINDER: reminder.Reminders()}


class Worker:
    """One worker process. SIGTERM sets `stop`; the work in progress is finished.

    `clock` returns Unix time (seconds) and decides what is due. `ticks` is monotonic and paces the regular work.
    """

    def __init__(
        self,
        keystore: KeyStore,
        transport: Transport,
        *,
        mailings: MailingSender | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keystore, self.transport, self.clock, self.ticks = keystore, transport, clock, ticks
        self.mailings = mailings
        self.sequencer = Sequencer(
            keystore, Witnesses(NetworkSettings(allow_private=settings.WITNESS_PRIVATE))
        )
        self._deliveries = Dispatching(keystore, ticks)
        self._bundles, self._forgetting = Offering(ticks, clock), Forgetting()
        name = f"{socket.gethostname()[:40]}-{os.getpid()}"
        self._tasks, self._lists = Tasks(name), Tasks(name, transferring.QUEUE)
        self._tidying = Tidying(keystore, self.sequencer, self._tasks.forget_old, self._isolated)
        self.stop = threading.Event()
        self._broken = False
        self._stored_greeting: bool | None = None  # as in the database
        self._reported_at: dict[int, float] = {}
        self._failed_at: dict[str, float] = {}  # when an error of that work was reported
        self._next_wal_checkpoint = self._next_wal_truncation = self._next_tidy = float("-inf")
        self._next_greeting = self._next_answers_due = self._next_plans = float("-inf")
        self._next_resumption = float("-inf")

    def run(self) -> bool:
        """Work until told to stop. Return False if an unexpected error ended one thread, and with it the others."""
        mail = threading.Thread(target=self._repeat, args=("mail", self._send), name="mail", daemon=True)
        mail.start()
        tasks = threading.Thread(
            target=self._repeat, args=("tasks", self._do_tasks), name="tasks", daemon=True
        )
        tasks.start()
        lists = threading.Thread(
            target=self._repeat, args=("lists", self._do_lists), name="lists", daemon=True
        )
        lists.start()
        if settings.BOUNCE_ADDRESS:
            name = "bounces"
            threading.Thread(
                target=self._repeat, args=(name, self._read_bounces), name=name, daemon=True
            ).start()
        mailings = threading.Thread(
            target=self._repeat, args=("mailings", self._send_mailings), name="mailings", daemon=True
        )
        if self.mailings is not None:
            self.mailings.should_stop = self.stop.is_set
            mailings.start()
        self._repeat("counting", self._count_and_tidy)
        tasks.join(TASK_ENDS_WITHIN)  # one that is cut off is done again at the next start
        lists.join(TASK_ENDS_WITHIN)
        mail.join(MAIL_ENDS_WITHIN)
        if (
            not mail.is_alive()
        ):  # otherwise the mail server does not answer: its email is sent again, with the same id
            self.transport.close()
        if self.mailings is not None:
            mailings.join(MAIL_ENDS_WITHIN)
            if not mailings.is_alive():
                self.mailings.close()
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
            accepted=reminder.note_accepted,
            site=self._site(database),
            writers=WRITERS,
            should_stop=self.stop.is_set,
        )
        self._store_greeting(database)
        with self._beside("reminders to signers"):
            reminder.queue_due(database, snapshots, self.clock())
        with self._beside("invitations"):
            queue_due(database, self.keystore, snapshots, self.clock())
        if report.trouble is not Trouble.NONE:
            return REST
        return 0.0 if report.handled else PAUSE

    def _site(self, database: Database) -> Site:
        """Return the site that sends. Without the subscribers' key there are no lists, and so no bounces of theirs."""
        key = settings.BOUNCE_ADDRESS and self.keystore.find_or_none(database, SUBSCRIBERS)
        verp = Verp.of(settings.BOUNCE_ADDRESS, key) if key else None
        return Site(settings.BASE_URL, settings.MAIL_FROM, verp)

    def _send_mailings(self, database: Database, snapshots: Snapshots) -> float:
        """Delete a part of the record of who got which mailing, then send. Return the seconds to wait."""
        assert self.mailings is not None
        has_more, wait = False, REST
        with self._beside("deletions of recipients"):
            has_more = self._forgetting.part(database, self.clock())
        with self._beside("mailings"):
            wait = self.mailings.round(database, self.keystore, snapshots, self._site(database))
        # After trouble with the mail server both wait.
        return 0.0 if has_more and wait <= PAUSE else wait

    def _do_lists(self, database: Database, snapshots: Snapshots) -> float:
        """Import and export lists: minutes of work, beside what people wait for."""
        if (ticks := self.ticks()) >= self._next_resumption:
            self._next_resumption = ticks + RESUMED_EVERY
            with self._beside("interrupted transfers"):
                transferring.resume(database)
        return 0.0 if self._lists.work(database) else PAUSE

    def _do_tasks(self, database: Database, snapshots: Snapshots) -> float:
        worked = self._tasks.work(database)
        if (ticks := self.ticks()) >= self._next_answers_due:
            self._next_answers_due = ticks + MINUTE
            with self._beside("answers that are due"):
                self._tasks.remind(days.date_of(days.number_at(self.clock())))
        if ticks >= self._next_plans:
            self._next_plans = ticks + PLANS_EVERY
            with self._beside("newsletters"):
                newsletters.begin_due(int(self.clock()))
            with self._beside("updates"):
                emailing.email_due(int(self.clock()))
        with self._beside("bundles"):
            self._bundles.work(database, snapshots)
        with self._beside("deliveries"):
            self._deliveries.work(database, snapshots, self.clock())
        return 0.0 if worked else PAUSE

    @contextmanager
    def _beside(self, work: str) -> Iterator[None]:
        """Keep an error in work that no signer waits for from ending the worker. It is tried again with the next round.

        So one row that cannot be used never stops counting and confirming. It is reported once a minute.
        """
        try:
            yield
        except (*OperationalError, DjangoError):
            raise
        except Exception as error:
            ticks = self.ticks()
            if ticks >= self._failed_at.get(work, float("-inf")) + MINUTE:
                self._failed_at[work] = ticks
                logger.critical("%s have failed and are tried again: %s", work, where(error))

    def _read_bounces(self, database: Database, snapshots: Snapshots) -> float:
        with self._beside("bounces"):
            subscribers = self.keystore.find(database, SUBSCRIBERS)
            return collector.round_of(database, subscribers, days.number_at(self.clock()))
        return MINUTE

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
            done = self._tidying.round(database, snapshots, now)
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


def main() -> None:
    """Run a worker until SIGTERM or SIGINT. Raises SettingError if no email could be sent."""
    if not settings.MAIL_URL.scheme:
        raise SettingError(
            "SABAL_MAIL_URL is not set.", "The worker sends the emails through that mail server."
        )
    if not settings.MAIL_FROM.address:
        raise SettingError("SABAL_MAIL_FROM is not set.", "It is the sender of every email.")
    if unknown := sorted({*settings.MAILING_RATE} - {SITE, *PROVIDERS, OTHER}):
        raise SettingError(
            f"SABAL_MAILING_RATE names the provider {unknown[0]}, which is not known.",
            f"Known are: {', '.join(sorted(PROVIDERS))}, {OTHER}.",
        )
    transport, *others = (
        open_transport(
            settings.MAIL_URL, folder=settings.DATA / "mail", helo=Site(settings.BASE_URL).mail_domain
        )
        for _ in range(1 + MAILING_CONNECTIONS)
    )
    mailings = MailingSender(others, settings.DATA, settings.MAILING_RATE)
    worker = Worker(open_keystore(), transport, mailings=mailings)

    def end(_signal: int, _frame: FrameType | None) -> None:
        # In a thread: the main thread may hold the lock of the event at this moment, while waiting for it.
        threading.Thread(target=worker.stop.set).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    whole = worker.run()
    settle()
    if not whole:
        sys.exit(1)
