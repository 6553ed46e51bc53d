"""Send mailings: one round after the other, in a thread of the worker of its own, with connections of its own.

Emails that ask to confirm come first: while many of them wait, no mailing is sent.
"""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sabal.database import Database
from sabal.keys.keyring import SUBSCRIBERS
from sabal.keys.keystore import KeyStore
from sabal.mail.answers import Trouble
from sabal.mail.emails import Site
from sabal.mail.ids import NORMAL, lane_range
from sabal.mail.transport import Transport
from sabal.mailings import audience, claims, tooneself
from sabal.mailings.claims import ClaimedRecipient
from sabal.mailings.delivering import Delivery
from sabal.mailings.journal import Journal, left_behind
from sabal.mailings.rendered import RenderedEmails
from sabal.mailings.rendering import Rendered
from sabal.mailings.running import Running, close, running, stop_cancelled
from sabal.mailings.states import State
from sabal.petitions.snapshots import Snapshots

logger = logging.getLogger("sabal.mailings")

FEWEST, MOST = 8, 200  # recipients claimed at once: about as many as are sent in `SPAN`
SPAN = 0.5  # seconds
QUEUED = 5_000  # recipients that a round queues before it sends some
BACKLOG = 300  # emails that ask to confirm; while more wait that were never tried, mailings wait
SAY_AGAIN = 60  # seconds after which the log says again that a mailing waits
PAUSE, REST = 0.5, 5.0  # seconds between rounds if nothing was due, and after trouble with the mail server
_BACKLOG = (
    "SELECT COUNT(*) FROM (SELECT 1 FROM mail_email WHERE id BETWEEN ? AND ? AND attempts = 0"
    f" LIMIT {BACKLOG + 1}) AS waiting"
)


@dataclass
class MailingSender:
    """Sends the mailings of one process. As many emails are sent at the same time as there are `transports`.

    `limits` are the most emails a minute, by provider and for pace.SITE. `data` is the data folder.
    """

    transports: list[Transport]
    data: Path
    limits: Mapping[str, int] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random
    should_stop: Callable[[], bool] = lambda: False
    _most: int = FEWEST
    _emails: RenderedEmails | None = None
    _journal: Journal | None = None
    _unsettled: list[ClaimedRecipient] = field(default_factory=list)
    _said: dict[int, float] = field(default_factory=dict)  # when the log last said that a mailing waits

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(len(self.transports), thread_name_prefix="mailing")

    def round(self, database: Database, keystore: KeyStore, snapshots: Snapshots, site: Site) -> float:
        """Do a part of the work of every mailing. Return the seconds to wait before the next round.

        Raises the driver's errors, and KeyMissing if the server's key does not open the subscribers' key.
        """
        self._store_what_was_sent(database)
        stop_cancelled(database, int(self.clock()))  # this needs no key
        if self._emails is None:
            self._emails = RenderedEmails(keystore.find(database, SUBSCRIBERS), snapshots, site)
        tooneself.send(database, self._emails, self.transports[0], self.clock)
        busy = False
        for mailing in running(database):
            done = self._work_on(database, mailing, self._emails)
            if done is None:
                return REST
            busy = busy or done
        return 0.0 if busy else PAUSE

    def close(self) -> None:
        """End the connections. The journal stays if the database does not have all of it."""
        self._threads.shutdown()
        for transport in self.transports:
            transport.close()
        if self._journal is not None and not self._unsettled:
            self._journal.close()
        self._journal = None

    def _work_on(self, database: Database, mailing: Running, emails: RenderedEmails) -> bool | None:
        """Queue and send some emails of a mailing. Return whether there is more to do now; None: trouble."""
        try:
            rendered = {language: emails.of(database, mailing, language) for language in mailing.texts}
        except LookupError as error:
            self._say_that_it_waits(mailing.id, error)
            return False
        all_queued = audience.queue(database, mailing.audience, emails.key, int(self.clock()), most=QUEUED)
        if self.should_stop() or self._backlog(database):
            return False
        claimed = claims.claim(database, mailing.id, self._most, self.clock, self.limits)
        if not claimed:
            if all_queued:
                close(database, mailing.id, int(self.clock()))
            return not all_queued
        begun = time.monotonic()
        delivery = self._delivery(database, emails, rendered, claimed)
        try:
            delivery.deliver(self._threads, self.transports)
        finally:
            self._unsettled += delivery.unsettled
        self._clear()
        self._most = max(FEWEST, min(MOST, int(len(claimed) * SPAN / max(time.monotonic() - begun, 0.001))))
        if delivery.trouble is not Trouble.NONE:
            logger.warning("mailings wait: %s", delivery.reason)
            return None
        return True

    def _say_that_it_waits(self, mailing: int, error: LookupError) -> None:
        """Log it at most once a minute: a round takes half a second, and a mailing may wait for days."""
        now, last = self.clock(), self._said.get(mailing)
        if last is None or not 0 <= now - last < SAY_AGAIN:
            self._said[mailing] = now
            logger.error("mailing %d waits: %s", mailing, error)

    def _delivery(
        self,
        database: Database,
        emails: RenderedEmails,
        rendered: Mapping[str, Rendered],
        claimed: Sequence[ClaimedRecipient],
    ) -> Delivery:
        assert self._journal is not None
        return Delivery(
            database,
            emails,
            rendered,
            emails.readers(database, claimed),
            deque(claimed),
            self._journal,
            self.clock,
            self.chance,
            self.limits,
            self.should_stop,
        )

    def _store_what_was_sent(self, database: Database) -> None:
        """Store results that the database did not take, and those of processes that died."""
        if self._unsettled:
            claims.settle(database, self._unsettled, self.clock(), self.chance, self.limits)
            self._unsettled.clear()
            self._clear()
        if self._journal is None:
            with left_behind(self.data) as recipients:
                for start in range(0, len(recipients), audience.CHUNK):
                    ends = dict.fromkeys(recipients[start : start + audience.CHUNK], State.ACCEPTED)
                    with database.transaction():
                        claims.end(database, ends)
            self._journal = Journal(self.data)

    def _clear(self) -> None:
        if self._journal is not None:
            self._journal.clear()

    def _backlog(self, database: Database) -> bool:
        return int(database.query(_BACKLOG, lane_range(NORMAL))[0][0]) > BACKLOG
