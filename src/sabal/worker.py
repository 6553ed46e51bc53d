"""The worker: counts, sends mail, tidies. Any number may run; what one alone may do is done under a lock."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from types import FrameType

from sabal import settings
from sabal.database import Database, OperationalError, connect
from sabal.keys.house import House, KeyMissing, open_house
from sabal.keys.ring import Ring
from sabal.mail import outbox
from sabal.mail.answers import Trouble
from sabal.mail.letters import Letterhead
from sabal.mail.tidy import tidy_keys
from sabal.mail.transport import Transport, open_transport
from sabal.newsletter import subscription
from sabal.petitions.snapshot import Snapshots
from sabal.signing import retention, tidy
from sabal.signing.count import count

log = logging.getLogger(__name__)
PAUSE = 0.5  # seconds between two rounds when nothing was due
REST = 5.0  # seconds of rest after the database or the mail server gave trouble
MINUTE, HOUR = 60.0, 3_600.0


class Worker:
    """One worker process. `stop` is set by SIGTERM; what was begun is finished."""

    def __init__(self, house: House, transport: Transport, *, clock: Callable[[], float] = time.time) -> None:
        self.house, self.transport, self.clock = house, transport, clock
        self.stop = threading.Event()
        self.snapshots, self.ring = Snapshots(), Ring()
        self._minute = self._hour = float("-inf")
        self._mail_rests_until = 0.0

    def run(self) -> None:
        """Work until told to stop; a database that goes away is waited for."""
        while not self.stop.is_set():
            try:
                database = connect()
            except OperationalError as error:
                log.error("the database cannot be reached: %s", type(error).__name__)
                self.stop.wait(REST)
                continue
            try:
                while not self.stop.is_set():
                    if not self.round(database):
                        self.stop.wait(PAUSE)
            except (*OperationalError, KeyMissing) as error:
                log.error("the work was interrupted: %s", type(error).__name__)
                self.stop.wait(REST)
            finally:
                database.close()
        self.transport.close()

    def round(self, database: Database) -> bool:
        """One round of everything that is due; whether there was anything to do."""
        now = self.clock()
        self.snapshots.refresh(database, self.house)
        self.ring.refresh(database, self.house, int(now) // 86_400)
        busy = self._count(database, now)
        busy = self._send(database, now) or busy
        if not now - self._minute < MINUTE:
            self._minute = now
            database.checkpoint()
        if not now - self._hour < HOUR:
            self._hour = now
            self._tidy(database, int(now) // 86_400)
        return busy

    def _count(self, database: Database, now: float) -> bool:
        with database.leader("count") as leads:
            if not leads:
                return False
            counted = sum(count(database, p, now, settings.BATCH_EVERY) for p in self.snapshots.published())
            return counted > 0

    def _send(self, database: Database, now: float) -> bool:
        if now < self._mail_rests_until:
            return False
        report = outbox.send_due(
            database,
            self.house,
            self.transport,
            self.clock,
            petitions=self.snapshots,
            accepted=tidy.start_week,
            head=Letterhead(settings.BASE_URL, settings.MAIL_FROM),
            should_stop=self.stop.is_set,
        )
        if report.trouble is not Trouble.NONE:
            self._mail_rests_until = now + REST
        return report.handled > 0

    def _tidy(self, database: Database, today: int) -> None:
        with database.leader("tidy") as leads:
            if not leads:
                return
            expired = tidy.expire(database, today)
            subscription.expire(database, today)
            day = date(1970, 1, 1) + timedelta(days=today)
            for petition in self.snapshots.published():
                if tidy.close_due(database, petition, day):
                    log.info("a petition's last day has passed: it is closed")
                if ended := retention.end(database, petition, day):
                    log.info("a petition's retention day has passed: %d records are gone", ended)
                if tidy.end_last_era(database, self.house, petition, day):
                    log.info("a closed petition's pepper and tags are gone")
                if tidy.forget_old_eras(database, self.house, petition):
                    log.info("an old pepper that a crash had left is gone")
                if tidy.renew_era(database, self.house, petition, today):
                    log.info("a new era began: the old pepper and its tags are gone")
            days = tidy_keys(database, self.house, today)
            log.info("tidied: %d pending expired, %d mail keys destroyed", expired, len(days))


def main() -> None:
    """Run a worker until SIGTERM or SIGINT."""
    transport = open_transport(
        settings.MAIL_URL, folder=settings.DATA / "mail", helo=Letterhead(settings.BASE_URL, "").host
    )
    worker = Worker(open_house(), transport)

    def end(_signal: int, _frame: FrameType | None) -> None:
        worker.stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    worker.run()
