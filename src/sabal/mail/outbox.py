"""The outbox: send the emails that other packages stored as rows, in the commits of the actions that caused them.

A crash at any point may repeat an email, but never loses one: a row is deleted only after the server has accepted its
email.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sabal.database import Database
from sabal.keys.keystore import KeyMissing, KeyStore, mail_key_name
from sabal.mail import emails, kinds
from sabal.mail.answers import Answer, SendOutcome, Trouble
from sabal.mail.claims import GIVE_UP, Accepted, Claimed, claim, settle
from sabal.mail.ids import NORMAL, SLOW
from sabal.mail.message import Message
from sabal.mail.row import open_body
from sabal.mail.traffic import End
from sabal.mail.transport import Transport
from sabal.mail.writers import NONE, Writers
from sabal.petitions.definition import Definition
from sabal.petitions.snapshots import Snapshots

logger = logging.getLogger("sabal.mail")

CHUNK = 50  # emails claimed at once
CLAIM_LEFT = 60  # seconds; no further email is begun if less of the claim is left
# Results are stored after so many emails or seconds. A crash may repeat this many emails; storing each result by itself
# would cost a flush each.
SETTLE_EMAILS, SETTLE_SECONDS = 25, 0.25
# The number of lost or refused emails in a row after which sending stops. More refusals are allowed, because a refusal
# costs little time, and one provider may refuse us while the others do not.
IN_A_ROW = {Trouble.LOST: 3, Trouble.REFUSED: 10}


@dataclass
class SendReport:
    """The result of one call of `send_due`.

    `ends` counts the emails by their end. `refused` counts the answers that refused us as the sender. `trouble` is the
    trouble that stopped the call early; the caller then waits before it tries again. `reason` is the last trouble in
    our own words, without personal data.
    """

    ends: Counter[End] = field(default_factory=Counter)
    refused: int = 0
    trouble: Trouble = Trouble.NONE
    reason: str = ""

    @property
    def accepted(self) -> int:
        """Return the number of emails that the server accepted."""
        return self.ends[End.ACCEPTED]

    @property
    def handled(self) -> int:
        """Return the number of emails that were tried or ended; 0: nothing was due, or nothing could be sent."""
        return sum(n for end, n in self.ends.items() if end is not End.UNSENT)


def send_due(
    database: Database,
    keystore: KeyStore,
    transport: Transport,
    clock: Callable[[], float],
    *,
    petitions: Snapshots,
    accepted: Accepted,
    site: emails.Site | None = None,
    writers: Writers = NONE,
    limit: int = 500,
    slow_limit: int = 50,
    should_stop: Callable[[], bool] = lambda: False,
    chance: Callable[[], float] = random.random,
    pause: Callable[[float], None] = time.sleep,
) -> SendReport:
    """Send at most `limit` due emails of the normal lane, then at most `slow_limit` of the slow lane.

    `clock` returns Unix time (seconds). `accepted` is called for every accepted email, in the commit that deletes its
    row. `writers` have the kinds of emails that other packages write. `should_stop` is called before each email.
    `chance` returns numbers in [0, 1).

    Raises the driver's errors; claimed emails are then free again when the claim ends. Raises KeyMissing if the
    server's key does not open a stored mail key. Any number of workers may run this at once.
    """
    site = site or emails.Site()
    run = _Run(
        database, keystore, transport, clock, petitions, accepted, site, writers, should_stop, chance, pause
    )
    for lane, left in ((NORMAL, limit), (SLOW, slow_limit)):
        while left > 0 and not run.over:
            if not (claimed := claim(database, lane, min(CHUNK, left), clock, chance)):
                break
            run.deliver(claimed)
            left -= len(claimed)
    if run.report.refused:
        logger.error("mail server refused: %s; emails wait until this is corrected", run.report.reason)
    elif run.report.trouble is not Trouble.NONE:
        logger.warning("email cannot be sent: %s", run.report.reason)
    return run.report


@dataclass
class _Run:
    """One call of `send_due`."""

    database: Database
    keystore: KeyStore
    transport: Transport
    clock: Callable[[], float]
    petitions: Snapshots
    accepted: Accepted
    site: emails.Site
    writers: Writers
    should_stop: Callable[[], bool]
    chance: Callable[[], float]
    pause: Callable[[float], None]
    report: SendReport = field(default_factory=SendReport)
    keys: dict[int, bytes | None] = field(default_factory=dict)
    bad_in_a_row: int = 0
    stuck: bool = False  # results cannot be stored

    @property
    def over(self) -> bool:
        return self.report.trouble is not Trouble.NONE or self.should_stop()

    def deliver(self, claimed: Sequence[Claimed]) -> None:
        """Try one email after the other. In any case, settle the emails that were tried and free the rest."""
        done: list[Claimed] = []
        settled_at, tried = self.clock(), 0
        try:
            for email in claimed:
                if self.over or self.clock() > email.until - CLAIM_LEFT:
                    break
                tried += 1
                done.append(email)
                self._try(email)
                if len(done) >= SETTLE_EMAILS or self.clock() - settled_at >= SETTLE_SECONDS:
                    self._settle(done)
                    done, settled_at = [], self.clock()
        finally:
            if not self.stuck:
                self._settle([*done, *claimed[tried:]])

    def _try(self, email: Claimed) -> None:
        """Open, render and send the email, and set its end."""
        if email.attempts > GIVE_UP:
            # This happens only if the process died at every attempt.
            email.end = End.GIVEN_UP
            return
        key = self._key(email.day)
        if key is None:
            email.end = End.LOST_KEY
            return
        email.end = End.UNREADABLE
        try:
            self._send(email, key)
        except Exception as error:
            # Postpone it before anything else is done, so that one bad row does not stop the queue.
            self._settle([email])
            logger.error("an email cannot be sent: %s at %s", type(error).__name__, _raised_at(error))

    def _key(self, day: int) -> bytes | None:
        if day not in self.keys:
            try:
                self.keys[day] = self.keystore.mail_key(self.database, day)
            except KeyMissing:
                # If the row exists, the server's key is wrong, and the emails must wait for the right one.
                if self.database.query("SELECT 1 FROM keys_key WHERE name = ?", (mail_key_name(day),)):
                    raise
                self.keys[day] = None
                logger.error("emails are dropped: the mail key of their day is gone")
        return self.keys[day]

    def _send(self, email: Claimed, key: bytes) -> None:
        writer = self.writers.get(email.kind)
        sealed = writer.sealed(self.database, email) if writer else email.sealed
        if sealed is None:
            email.end = End.WITHDRAWN
            return
        opened = _open(email, sealed, key)
        petition = None
        if email.petition_id:  # 0 and None mean the site itself
            published = self.petitions.by_id(email.petition_id)
            if published is None:
                raise LookupError("no such petition")
            petition = published.definition
            opened = replace(opened, checkpoint=published.counts.checkpoint.decode())
        message = self._message(opened, petition)
        if message is None:
            email.end = End.WITHDRAWN
            return
        answer = email.answer = self.transport.send(message, opened.to.wire)
        email.end = End(answer.outcome.value)
        self._note_trouble(answer)

    def _message(self, email: emails.Email, petition: Definition | None) -> Message | None:
        if writer := self.writers.get(email.kind):
            return writer.begin(self.database, email, petition, self.site, self.clock())
        return kinds.render(email, petition, self.site, self.clock())

    def _ended(self, database: Database, email: Claimed, now: float) -> None:
        if writer := self.writers.get(email.kind):
            writer.end(database, email, email.answer, now)

    def _note_trouble(self, answer: Answer) -> None:
        """Stop the run if the answer shows trouble with the transport, at once or after several such answers."""
        if answer.trouble is Trouble.NONE:
            self.bad_in_a_row = 0
            return
        self.bad_in_a_row += 1
        self.report.refused += answer.trouble is Trouble.REFUSED
        self.report.reason = answer.reason
        if answer.outcome is SendOutcome.UNSENT or self.bad_in_a_row >= IN_A_ROW.get(answer.trouble, 1):
            self.report.trouble = answer.trouble

    def _settle(self, done: Sequence[Claimed]) -> None:
        """Store the results of the emails that are still claimed."""
        claimed = [email for email in done if email.until]
        if not claimed:
            return
        for wait in (0.2, 2.0, None):
            try:
                settle(self.database, claimed, self.clock(), self.chance, self.accepted, self._ended)
                break
            except Exception:
                # Accepted emails are sent again if this is not stored, so try three times.
                if wait is None:
                    self.stuck = True
                    raise
                self.pause(wait)
        for email in claimed:
            self.report.ends[email.end] += 1
            email.until = 0


def _open(email: Claimed, sealed: bytes, key: bytes) -> emails.Email:
    """Decrypt the email, and set its provider, its token, and whether it may be sent again as a reminder.

    Raises KeyMissing, ValueError or KeyError.
    """
    body = open_body(key, sealed)
    email.provider, email.token, email.reminds = body.to.provider, body.token, body.reminds
    return emails.Email(
        email.id,
        email.kind,
        body.to,
        body.language,
        body.token,
        body.unsubscribe,
        list=body.list,
        origin=body.origin,
    )


def _raised_at(error: Exception) -> str:
    """Return the file and line where the error was raised, without its text, which may contain addresses."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        "?" if trace is None else f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
    )
