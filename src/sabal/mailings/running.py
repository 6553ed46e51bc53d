"""The mailings that the worker sends now, read without the ORM; and how they end."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sabal.database import Database, Row
from sabal.mailings import claims
from sabal.mailings.audience import CHUNK, Audience
from sabal.mailings.rendering import MailingWords
from sabal.mailings.states import State
from sabal.newsletter.lists import MailingList

_COLUMNS = "id, organisation, petition_id, fallback, readers, number"
_RUNNING = (
    f"SELECT {_COLUMNS} FROM mailings_mailing WHERE begun_at IS NOT NULL AND paused_at IS NULL"
    " AND cancelled_at IS NULL AND ended_at IS NULL ORDER BY begun_at, id"
)
_CLOSE = (
    "UPDATE mailings_mailing SET ended_at = ? WHERE id = ? AND ended_at IS NULL"
    " AND (queued_at IS NOT NULL OR cancelled_at IS NOT NULL)"
    " AND NOT EXISTS (SELECT 1 FROM mailings_recipient WHERE mailing_id = ? AND state < 2)"
)


@dataclass(frozen=True)
class Running:
    """One mailing: its readers, its words by language, and its number among the newsletters of its organisation."""

    id: int
    audience: Audience
    texts: Mapping[str, MailingWords]
    number: int | None


def running(database: Database) -> Iterator[Running]:
    """Yield the mailings that have begun and neither ended nor are stopped, the oldest first."""
    for row in database.query(_RUNNING):
        yield _read(database, row)


def one(database: Database, mailing: int) -> Running:
    """Return a mailing, whatever its state. Raises LookupError."""
    rows = database.query(f"SELECT {_COLUMNS} FROM mailings_mailing WHERE id = ?", (mailing,))
    if not rows:
        raise LookupError("no such mailing")
    return _read(database, rows[0])


def _read(database: Database, row: Row) -> Running:
    mailing, organisation, petition_id, fallback, readers, number = row
    texts = database.query(
        "SELECT language, subject, body, digest FROM mailings_mailingtext WHERE mailing_id = ?", (mailing,)
    )
    of = MailingList(organisation, petition_id or 0)
    wanted = json.loads(readers) if isinstance(readers, str) else readers
    audience = Audience(mailing, of, {t[0]: t[3] for t in texts}, fallback, tuple(wanted))
    return Running(mailing, audience, {t[0]: MailingWords(*t[:3]) for t in texts}, number)


def close(database: Database, mailing: int, now: int) -> None:
    """Note that a mailing has ended, if all its recipients are queued and none is still to be sent."""
    database.execute(_CLOSE, (now, mailing, mailing))


def stop_cancelled(database: Database, now: int) -> None:
    """Give the recipients of cancelled mailings that did not get their email that state, and end these mailings."""
    cancelled = "SELECT id FROM mailings_mailing WHERE cancelled_at IS NOT NULL AND ended_at IS NULL"
    for (mailing,) in database.query(cancelled):
        still = "SELECT id FROM mailings_recipient WHERE mailing_id = ? AND state < 2 ORDER BY id LIMIT ?"
        while ids := [row[0] for row in database.query(still, (mailing, CHUNK))]:
            with database.transaction():
                claims.end(database, dict.fromkeys(ids, State.CANCELLED))
        close(database, mailing, now)


def cancel_unended(database: Database, now: int) -> None:
    """Cancel what was being sent when a backup was made, and make what was planned a draft again.

    A restored database does not know what was sent after the backup, so nothing is sent again by itself. Runs inside
    the caller's transaction.
    """
    database.execute(
        "UPDATE mailings_mailing SET cancelled_at = ?, ended_at = ?"
        " WHERE begun_at IS NOT NULL AND ended_at IS NULL AND cancelled_at IS NULL",
        (now, now),
    )
    database.execute("UPDATE mailings_mailing SET planned_for = NULL WHERE begun_at IS NULL")
