"""The outbox: emails are rows first, written in the same commit as what caused them, and sent from here.

A crash at any point costs at most a repeated email, never a lost one: a row goes only after the server has
taken its email.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sabal.database import Database
from sabal.keys.keystore import KeyMissing, KeyStore, mail_key_name
from sabal.mail import emails
from sabal.mail.answers import Answer, SendOutcome, Trouble
from sabal.mail.claims import GIVE_UP, Accepted, Claimed, claim, settle
from sabal.mail.ids import NORMAL, SLOW
from sabal.mail.row import open_body
from sabal.mail.traffic import End
from sabal.mail.transport import Transport
from sabal.petitions.snapshot import Snapshots

logger = logging.getLogger("sabal.mail")

CHUNK = 50  # emails claimed at once
CLAIM_LEFT = 60  # seconds; with less of the claim left than this, no further email is begun
SETTLE_EMAILS, SETTLE_SECONDS = 25, 0.25  # what a crash may repeat, against one flush for each email
# Emails lost or refused in a row, after which the server gets a rest. A refusal costs nobody any time, and
# one provider may refuse us while the others don't.
IN_A_ROW = {Trouble.LOST: 3, Trouble.REFUSED: 10}


@dataclass
class SendReport:
    """What one call of `send_due` did: emails by their end, how many answers said that the server won't have
    us, and the trouble that stopped it early (then the caller waits before it tries again). `reason` is the
    last trouble in a phrase of ours, without personal data."""

    ends: Counter[End] = field(default_factory=Counter)
    refused: int = 0
    trouble: Trouble = Trouble.NONE
    reason: str = ""

    @property
    def accepted(self) -> int:
        """Emails that the server took."""
        return self.ends[End.ACCEPTED]

    @property
    def handled(self) -> int:
        """Emails that were tried or ended; 0 means that nothing was due or nothing could be sent."""
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
    limit: int = 500,
    slow_limit: int = 50,
    should_stop: Callable[[], bool] = lambda: False,
    chance: Callable[[], float] = random.random,
    pause: Callable[[float], None] = time.sleep,
) -> SendReport:
    """Send what is due: at most `limit` emails of the normal lane, then at most `slow_limit` of the slow
    one.

    `clock` gives Unix time; `accepted` is told of every email that the server took, in the commit that takes
    its row; `should_stop` is asked before each email; `chance` gives numbers in [0, 1).
    Raises the driver's errors (what was claimed is free again when the claim has run out) and KeyMissing
    where the house key does not open a mail key that is there. Any number of workers may run this at once.
    """
    site = site or emails.Site()
    run = _Run(database, keystore, transport, clock, petitions, accepted, site, should_stop, chance, pause)
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
    should_stop: Callable[[], bool]
    chance: Callable[[], float]
    pause: Callable[[float], None]
    report: SendReport = field(default_factory=SendReport)
    keys: dict[int, bytes | None] = field(default_factory=dict)
    bad_in_a_row: int = 0
    stuck: bool = False  # nothing can be written down

    @property
    def over(self) -> bool:
        return self.report.trouble is not Trouble.NONE or self.should_stop()

    def deliver(self, claimed: Sequence[Claimed]) -> None:
        """Try one email after the other; whatever happens, what was accepted is settled and the rest
        freed."""
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
        """Open, render, send. Sets the email's end."""
        if email.attempts > GIVE_UP:
            # Only a row whose every attempt died with its process comes here.
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
            # Pushed ahead before anything else is done about it: one bad row stops no queue.
            self._settle([email])
            logger.error("an email cannot be sent: %s at %s", type(error).__name__, _raised_at(error))

    def _key(self, day: int) -> bytes | None:
        if day not in self.keys:
            try:
                self.keys[day] = self.keystore.mail_key(self.database, day)
            except KeyMissing:
                # With the row there it is the house key that is wrong, and the emails must wait for the
                # right one.
                if self.database.query("SELECT 1 FROM keys_key WHERE name = ?", (mail_key_name(day),)):
                    raise
                self.keys[day] = None
                logger.error("emails are dropped: the mail key of their day is gone")
        return self.keys[day]

    def _send(self, email: Claimed, key: bytes) -> None:
        opened = _open(email, key)
        petition = None
        if email.petition_id:  # 0, like no value, is the house itself
            published = self.petitions.by_id(email.petition_id)
            if published is None:
                raise LookupError("no such petition")
            petition = published.definition
            opened = replace(opened, checkpoint=published.counts.checkpoint.decode())
        message = emails.render(opened, petition, self.site, self.clock())
        answer = self.transport.send(message, opened.to.wire)
        email.end = End(answer.outcome.value)
        self._heed(answer)

    def _heed(self, answer: Answer) -> None:
        """Stop the run where the answer speaks of the way out, at once or when it goes on."""
        if answer.trouble is Trouble.NONE:
            self.bad_in_a_row = 0
            return
        self.bad_in_a_row += 1
        self.report.refused += answer.trouble is Trouble.REFUSED
        self.report.reason = answer.reason
        if answer.outcome is SendOutcome.UNSENT or self.bad_in_a_row >= IN_A_ROW.get(answer.trouble, 1):
            self.report.trouble = answer.trouble

    def _settle(self, done: Sequence[Claimed]) -> None:
        """Write down what became of the emails that are still ours."""
        ours = [email for email in done if email.until]
        if not ours:
            return
        for wait in (0.2, 2.0, None):
            try:
                settle(self.database, ours, self.clock(), self.chance, self.accepted)
                break
            except Exception:
                # Emails that were accepted go out again if this is not written, so it is worth some
                # patience.
                if wait is None:
                    self.stuck = True
                    raise
                self.pause(wait)
        for email in ours:
            self.report.ends[email.end] += 1
            email.until = 0


def _open(email: Claimed, key: bytes) -> emails.Email:
    """The email in clear; notes its provider and its token. Raises KeyMissing, ValueError, KeyError."""
    body = open_body(key, email.sealed)
    email.provider, email.token = body.to.provider, body.token
    return emails.Email(email.id, email.kind, body.to, body.language, body.token, body.unsubscribe)


def _raised_at(error: Exception) -> str:
    """File and line where it was raised, without its text: addresses stand in texts."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        "?" if trace is None else f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
    )
