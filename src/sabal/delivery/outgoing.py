"""Emails to recipients, as the outbox sends them: raw SQL, in the mail thread of the worker.

Before the mail server is told of an email, its row says so, in a commit of its own. So after a crash in the middle it
is known that it may have arrived: it is not sent again by itself, and the desk says so. That is the opposite of an
email that asks to confirm, of which a second copy does no harm.
"""

import logging
from datetime import UTC, datetime, time
from typing import NamedTuple

from sabal import days
from sabal.database import Database
from sabal.delivery.hours import OfficeHours
from sabal.delivery.sendings import Dispatch, Occasion
from sabal.logs import where
from sabal.mail.answers import Answer
from sabal.mail.claims import Claimed
from sabal.mail.correspondence import Correspondence
from sabal.mail.emails import Email, Site
from sabal.mail.headers import CannotCompose
from sabal.mail.message import Message, make_message_id
from sabal.mail.traffic import End
from sabal.mail.verp import DELIVERY, Sent
from sabal.petitions.definition import Definition

State = Dispatch.State
NOT_COMPOSED = "not-composed"  # for a reason that has no code of its own
logger = logging.getLogger("sabal.mail")
_COLUMNS = (
    *("d.id", "d.state", "d.email", "d.subject", "d.text", "d.language", "d.sender_name", "d.reply_to"),
    *("o.cancelled", "c.key", 'c."group"', "c.email", "c.days", "c.opens", "c.closes", "c.zone"),
    *("e.name", "e.data", "o.kind"),
)
_ROW = (
    f"SELECT {', '.join(_COLUMNS)} FROM delivery_dispatch d"
    " JOIN delivery_occasion o ON o.id = d.occasion_id JOIN delivery_contact c ON c.id = d.contact_id"
    " LEFT JOIN delivery_enclosure e ON e.id = d.enclosure_id WHERE d.token = ?"
)
_MOVE = (
    "UPDATE delivery_dispatch SET state = ?, reason = ?, begun = ?, ended = ? WHERE token = ? AND state = ?"
)


class _Row(NamedTuple):
    """The columns of `_ROW`."""

    id: int
    state: str
    email: str
    subject: str
    text: str
    language: str
    sender_name: str
    reply_to: str
    cancelled: int
    key: str
    group: str
    address_now: str
    days: str
    opens: str | time
    closes: str | time
    zone: str
    file_name: str | None
    file: bytes | None
    kind: str

    @property
    def hours(self) -> OfficeHours:
        """Return the office hours. SQLite has times as text."""
        opens, closes = (time.fromisoformat(str(one)) for one in (self.opens, self.closes))
        return OfficeHours(frozenset(self.days.split()), opens, closes, self.zone)


class DeliveryEmails:
    """Writes the emails of the kind `mail.ids.DELIVERY` (mail.writers.Writer)."""

    def sealed(self, database: Database, email: Claimed) -> bytes | None:
        """Return the body in the row itself."""
        return email.sealed

    def begin(
        self, database: Database, email: Email, petition: Definition | None, site: Site, now: float
    ) -> Message | None:
        """Return the email, after its row says that sending it has begun; None if it is not to be sent now."""
        rows = database.query(_ROW, (email.token,))
        if not rows or petition is None:
            return None
        row = _Row(*rows[0])
        if row.state != State.QUEUED:
            if row.state == State.BEGUN:
                _move(database, email.token, State.BEGUN, State.UNCLEAR, now)
            return None
        try:
            instead = _instead(row, petition, now)
            message = _message(row, email, site, now) if instead is None else None
        except Exception as error:
            # The mail server was told nothing, and another try would fail in the same way: a person can mend it.
            logger.error("an email to a recipient cannot be composed: %s", where(error))
            reason = error.code if isinstance(error, CannotCompose) else NOT_COMPOSED
            _move(database, email.token, State.QUEUED, State.FAILED, now, reason)
            return None
        if instead is not None:
            _move(database, email.token, State.QUEUED, instead, now)
            return None
        return message if _move(database, email.token, State.QUEUED, State.BEGUN, now) else None

    def end(self, database: Database, email: Claimed, answer: Answer | None, now: float) -> None:
        """Keep the result of an email whose sending had begun. Another state stays as it is."""
        reason = answer.reason if answer else ""
        state = State.BEGUN
        if email.end is End.ACCEPTED:
            state = State.ACCEPTED
        elif email.end is End.UNREADABLE or (answer is not None and answer.maybe):
            state = State.UNCLEAR
        elif email.end is End.NEVER:
            state = State.REFUSED
        elif email.end in (End.LATER, End.UNSENT):
            state = State.QUEUED
        elif email.end is End.GIVEN_UP:
            state = State.GIVEN_UP
        if state is not State.BEGUN:
            _move(database, email.token, State.BEGUN, state, now, reason)


def _move(database: Database, token: str, before: State, after: State, now: float, reason: str = "") -> bool:
    """Change the state of an email in one statement, unless it was changed meanwhile."""
    waits = after in (State.WAITING, State.QUEUED, State.BEGUN)
    begun = int(now) if after is State.BEGUN else 0
    values = (after.value, reason, begun, 0 if waits else int(now), token, before.value)
    return database.execute(_MOVE, values) == 1


def _instead(row: _Row, petition: Definition, now: float) -> State | None:
    """Return the state of an email that is not to be sent now; None if it is."""
    if row.cancelled:
        return State.CANCELLED
    if row.kind == Occasion.Kind.TEST:
        return None
    if (row.group or row.key) not in {one.key for one in petition.recipients}:
        return State.REMOVED
    if row.email != row.address_now or not row.hours.are_at(datetime.fromtimestamp(now, UTC)):
        return State.WAITING  # it is made anew, to the new address or in the next office hours
    return None


def _message(row: _Row, email: Email, site: Site, now: float) -> Message:
    message_id = make_message_id(email.id, site.mail_domain)
    bounces_to = site.sender.address
    if site.verp is not None:
        bounces_to = site.verp.sender(Sent(row.id, DELIVERY, days.number_at(now)))
    return Correspondence(
        to=email.to.wire,
        sender=site.sender.address,
        sender_name=row.sender_name,
        reply_to=row.reply_to,
        subject=row.subject,
        text=row.text,
        language=row.language,
        file_name=row.file_name or "",
        file=bytes(row.file or b""),
    ).message(message_id, now, bounces_to)
