"""One reminder to those who did not confirm, if the petition has it and the form said so. Never in a guarded petition.

When an email that asks to confirm was accepted, its body stays with the pending signature, locked under the mail key of
its day. Whatever deletes the pending signature deletes it too: the click that confirms, "not me", and the seventh day.
So an address is kept for this only while nobody has signed with it.
"""

from collections.abc import Sequence

from sabal import days, token
from sabal.database import Database
from sabal.mail import emails
from sabal.mail.answers import Answer
from sabal.mail.claims import Claimed
from sabal.mail.ids import CONFIRM_SIGNATURE, REMINDER, SLOW, email_id
from sabal.mail.message import Message
from sabal.mail.row import email_row, store
from sabal.petitions.definition import Definition
from sabal.petitions.snapshots import Snapshots
from sabal.signing import tidy

AFTER_DAYS = 2  # whole days of UTC: no time of day is stored, and at least one day has passed
MORNING = 9 * 3_600  # seconds of the day before which none is sent
LATE_DAYS = 2  # days after which one that was due is no longer sent
CHUNK = 200  # in one transaction

# An address that a form was sent with again is reminded once.
_ONE_FOR_AN_ADDRESS = (
    "NOT EXISTS (SELECT 1 FROM signing_pending o WHERE o.petition_id = signing_pending.petition_id"
    " AND o.pepper_epoch = signing_pending.pepper_epoch AND o.dedupe_tag = signing_pending.dedupe_tag"
    " AND o.remind_on IS NOT NULL)"
)
_DUE = "reminder IS NOT NULL AND remind_on <= ?"


def accepted(database: Database, sent: Sequence[Claimed], today: int) -> None:
    """Note that the mail server took these emails: their links are valid for a week, and some are sent once more.

    `today` is in days since 1970. Runs inside the caller's transaction.
    """
    tidy.extend_pending(database, [email.token for email in sent], today)
    again = [
        (hashed, email)
        for email in sent
        # A key is destroyed after some days. An email that was late needs no reminder.
        if email.reminds and email.kind == CONFIRM_SIGNATURE and email.day >= today - 1
        if (hashed := token.digest(token.decode(email.token) or b""))
    ]
    for hashed, email in sorted(again, key=lambda one: one[0]):
        database.execute(
            "UPDATE signing_pending SET reminder = ?, reminder_key = ?, remind_on = ?"
            f" WHERE token_hash = ? AND held = 0 AND {_ONE_FOR_AN_ADDRESS}",
            (email.sealed, email.day, today + AFTER_DAYS, hashed),
        )


def queue_due(database: Database, snapshots: Snapshots, now: float) -> int:
    """Put reminders whose day has come into the outbox, and return how many. `now` is Unix time (seconds).

    A petition that takes no signatures now, or has no reminders any more, sends none: what was kept for it is deleted.
    """
    due, today, queued = days.number_at(now - MORNING), days.number_at(now), 0
    first = (
        f"SELECT token_hash FROM signing_pending WHERE {_DUE} ORDER BY remind_on, token_hash LIMIT {CHUNK}"
    )
    while hashes := [bytes(row[0]) for row in database.query(first, (due,))]:
        where, params = database.among("token_hash", hashes)
        with database.transaction():
            rows = database.query(
                "SELECT token_hash, petition_id, reminder, reminder_key, remind_on FROM signing_pending"
                f" WHERE {where} AND {_DUE} ORDER BY token_hash{database.for_update_of_free}",
                [*params, due],
            )
            if not rows:
                break  # another worker has them
            again = [
                email_row(email_id(SLOW, today), petition_id, REMINDER, day, bytes(body))
                for _, petition_id, body, day, remind_on in rows
                if remind_on >= due - LATE_DAYS and _reminds(snapshots, petition_id, today)
            ]
            store(database, again)
            # That it was reminded stays known, by its day.
            where, params = database.among("token_hash", [bytes(row[0]) for row in rows])
            database.execute(
                f"UPDATE signing_pending SET reminder = NULL, reminder_key = NULL WHERE {where}", params
            )
        queued += len(again)
    return queued


def key_days(database: Database) -> set[int]:
    """Return the days (since 1970) whose mail keys are needed for reminders."""
    return {
        int(day)
        for (day,) in database.query(
            "SELECT DISTINCT reminder_key FROM signing_pending WHERE reminder IS NOT NULL"
        )
    }


def _reminds(snapshots: Snapshots, petition_id: int, today: int) -> bool:
    petition = snapshots.by_id(petition_id)
    return (
        petition is not None
        and petition.definition.reminder
        and not petition.profile.guarded
        and petition.takes_signatures(days.date_of(today))
    )


class Reminders:
    """Writes reminders (mail.writers.Writer), each only if its signature still waits when it is sent."""

    def begin(
        self,
        database: Database,
        email: emails.Email,
        petition: Definition | None,
        site: emails.Site,
        now: float,
    ) -> Message | None:
        """Return the email; None if the link has confirmed meanwhile, or somebody said that it was not them."""
        hashed = token.digest(token.decode(email.token) or b"")
        if not database.query("SELECT 1 FROM signing_pending WHERE token_hash = ?", (hashed,)):
            return None
        return emails.render(email, petition, site, now)

    def end(self, database: Database, email: Claimed, answer: Answer | None, now: float) -> None:
        """Keep nothing of the result."""
