"""Send the emails of some claimed recipients on several connections at once, and store the results as they come."""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, wait
from dataclasses import dataclass, field

from sabal.database import Database
from sabal.logs import where
from sabal.mail.address import EmailAddress
from sabal.mail.answers import TEMPORARY, Answer, SendOutcome, Trouble
from sabal.mail.transport import Transport
from sabal.mailings import claims
from sabal.mailings.claims import ClaimedRecipient
from sabal.mailings.journal import Journal
from sabal.mailings.rendered import RenderedEmails
from sabal.mailings.rendering import Rendered
from sabal.mailings.states import State

logger = logging.getLogger("sabal.mailings")

SETTLE = 0.25  # seconds between two commits of results
STALE = 2.0  # seconds after which a recipient's subscription is read again before they are emailed
CLAIM_LEFT = 60  # seconds of a claim below which no email is begun
# The number of lost or refused emails in a row after which sending stops, as in the outbox.
IN_A_ROW = {Trouble.LOST: 3, Trouble.REFUSED: 10}
TOO_FAST = {TEMPORARY[code] for code in ("4.7.0", "4.7.1", "450", "451")}
_ENDS = {
    SendOutcome.ACCEPTED: State.ACCEPTED,
    SendOutcome.LATER: State.DEFERRED,
    SendOutcome.NEVER: State.REFUSED,
    SendOutcome.UNSENT: None,
}


@dataclass
class Delivery:
    """The emails of some recipients of one mailing. Threads take recipients from `waiting` and put them into `done`.

    Only `deliver` uses the database, in its own thread.
    """

    database: Database
    emails: RenderedEmails
    by_language: Mapping[str, Rendered]
    readers: Mapping[int, EmailAddress | None]
    waiting: deque[ClaimedRecipient]
    journal: Journal
    clock: Callable[[], float]
    chance: Callable[[], float]
    limits: Mapping[str, int]
    should_stop: Callable[[], bool]
    done: deque[ClaimedRecipient] = field(default_factory=deque)
    unsettled: list[ClaimedRecipient] = field(default_factory=list)
    read_at: float = field(default_factory=time.monotonic)
    tried: int = 0
    trouble: Trouble = Trouble.NONE
    reason: str = ""
    _bad_in_a_row: int = 0

    def deliver(self, threads: Executor, transports: list[Transport]) -> None:
        """Send them all, or as many as can be sent now. The others are due again at once.

        If the database fails, its error is raised. `unsettled` then has what the caller must settle later.
        """
        open_threads = {threads.submit(self._work, transport) for transport in transports}
        try:
            while open_threads:
                ended, open_threads = wait(open_threads, timeout=SETTLE)
                self._settle()
                for one in ended:
                    one.result()
        finally:
            rest = [*self.waiting]
            self.waiting.clear()  # ends the threads
            wait(open_threads)
            self.unsettled += [*self._taken(), *rest]
        self._settle()

    def _settle(self) -> None:
        """Store the results so far."""
        self.unsettled += self._taken()
        if self.unsettled:
            claims.settle(self.database, self.unsettled, self.clock(), self.chance, self.limits)
            self.unsettled.clear()

    def _taken(self) -> list[ClaimedRecipient]:
        return [self.done.popleft() for _ in range(len(self.done))]

    def _work(self, transport: Transport) -> None:
        """Send one email after the other, in one of the threads."""
        while self.trouble is Trouble.NONE and not self.should_stop():
            try:
                one = self.waiting.popleft()
            except IndexError:
                return
            try:
                self._try(one, transport)
            except Exception as error:
                self._note_failure(one, error)
            finally:
                self.done.append(one)

    def _note_failure(self, one: ClaimedRecipient, error: Exception) -> None:
        if one.end is State.ACCEPTED:
            # It must not go again. The others wait until the journal can be written.
            self.trouble, self.reason = Trouble.DOWN, "the journal of accepted emails cannot be written"
            logger.error("%s: %s", self.reason, where(error))
        else:
            one.end = State.DEFERRED  # one that cannot be sent does not stop the others
            logger.error("an email of a mailing cannot be sent: %s", where(error))

    def _try(self, one: ClaimedRecipient, transport: Transport) -> None:
        if time.monotonic() - self.read_at > STALE or self.clock() > one.until - CLAIM_LEFT:
            return  # it is claimed again, and the subscription read again
        if one.subscription_id not in self.readers:
            one.end = State.LEFT
            return
        to = self.readers[one.subscription_id]
        one.end = State.UNREADABLE
        if to is None:
            return
        try:
            message = self.emails.fill(self.by_language[one.language], one, to, self.clock())
        except ValueError:
            return
        self.tried += 1
        answer = transport.send(message, to.wire)
        one.end, one.reason = _ENDS[answer.outcome], answer.reason
        one.too_fast = answer.outcome is SendOutcome.LATER and answer.reason in TOO_FAST
        if one.end is State.ACCEPTED:
            self.journal.write(one.id)
        self._note_trouble(answer)

    def _note_trouble(self, answer: Answer) -> None:
        if answer.trouble is Trouble.NONE:
            self._bad_in_a_row = 0
            return
        self._bad_in_a_row += 1
        self.reason = answer.reason
        if answer.outcome is SendOutcome.UNSENT or self._bad_in_a_row >= IN_A_ROW.get(answer.trouble, 1):
            self.trouble = answer.trouble
