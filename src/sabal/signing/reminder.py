"""One reminder to people who did not confirm, if the form announced it. A guarded petition sends none.

When the mail server has accepted an email that asks to confirm, its body stays in the row of the pending signature,
encrypted under the mail key of its day. Confirming, "not me" and the last day delete this row, and the body with it.
The outbox gets a reference to the row, not a copy.
"""

from collections.abc import Sequence

from sabal import days, token
from sabal.database import Database
from sabal.mail import kinds
from sabal.mail.answers import Answer
from sabal.mail.claims import STAYS, Claimed
from sabal.mail.emails import Email, Site
from sabal.mail.ids import CONFIRM_SIGNATURE, REMINDER, SLOW, day_of, email_id, lane_range
from sabal.mail.message import Message
from sabal.mail.row import email_row, store
from sabal.petitions.definition import Definition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.signing import tidy
from sabal.signing.writer.rows import locked

AFTER_DAYS = 2  # whole days of UTC: no time of day is stored, and more than one day has passed
MORNING = 9 * 3_600  # seconds of the day before which none is sent
KEPT_DAYS = 4  # after signing, as the page about privacy says
CHUNK = 200  # queued at once, and the most that wait in the outbox
NETWORK = 1  # all reminders have one turn in the slow lane, so that other emails do not wait behind them

_SAME_ADDRESS = (
    "{0}.petition_id = p.petition_id AND {0}.pepper_epoch = p.pepper_epoch AND {0}.dedupe_tag = p.dedupe_tag"
)
# A click skips a form of the same address whose row we have locked at that moment. So a form can remain although its
# address has signed.
_HAS_SIGNED = f"EXISTS (SELECT 1 FROM signing_signature s WHERE {_SAME_ADDRESS.format('s')})"
_HAS_ANOTHER = (
    f"EXISTS (SELECT 1 FROM signing_pending o WHERE {_SAME_ADDRESS.format('o')}"
    " AND o.reminder_mail_day IS NOT NULL"
    " AND (o.remind_on IS NULL OR (o.remind_on, o.token_hash) < (p.remind_on, p.token_hash)))"
)
# The day of the mail key stays, so that no other form of this address gets a reminder.
_FORGET = "reminder = NULL, remind_on = NULL"


def note_accepted(database: Database, sent: Sequence[Claimed], today: int) -> None:
    """Note that the mail server took these emails: their links are valid for a week, and some are sent once more.

    `today` is in days since 1970. Runs inside the caller's transaction.
    """
    # The mail key of an older day is destroyed soon, so an email that was accepted late has no reminder.
    reminded = {
        hashed: email
        for email in sent
        if email.reminds and email.kind == CONFIRM_SIGNATURE and email.day >= today - 1
        if (hashed := _hash(email)) is not None
    }
    if reminded:
        # Lock all rows first, in the order of their key, as confirming does. `extend_pending` alone would lock only
        # some of them, and the two could deadlock.
        where, params = database.among("token_hash", [_hash(email) for email in sent])
        rows = f"SELECT 1 FROM signing_pending WHERE {where} ORDER BY token_hash{database.for_update}"
        database.query(rows, params)
    tidy.extend_pending(database, [email.token for email in sent if email.kind != REMINDER], today)
    for hashed, email in sorted(reminded.items()):
        database.execute(
            "UPDATE signing_pending SET reminder = ?, reminder_mail_day = ?, remind_on = ?"
            " WHERE token_hash = ? AND held = 0",
            (email.sealed, email.day, today + AFTER_DAYS, hashed),
        )


def queue_due(database: Database, snapshots: Snapshots, now: float) -> int:
    """Put reminders whose day it is into the outbox, and return how many. `now` is Unix time (seconds).

    At most `CHUNK` at once. What is kept for others that were due is deleted: they are late, their petition takes no
    signatures or has no reminders now, or their address has signed or has another reminder.
    """
    due, today = days.number_at(now - MORNING), days.number_at(now)
    first = (
        "SELECT token_hash FROM signing_pending WHERE reminder IS NOT NULL AND remind_on <= ?"
        f" ORDER BY remind_on LIMIT {CHUNK}"
    )
    hashes = [bytes(row[0]) for row in database.query(first, (due,))]
    if not hashes or _waiting(database) >= CHUNK:
        return 0
    with database.leader("reminders") as leads:  # of two forms of an address, two workers would queue both
        return _queue(database, snapshots, hashes, due, today) if leads else 0


def forget(database: Database, snapshots: Snapshots, today: int) -> None:
    """Delete the bodies of reminders that will not be sent. `today` is in days since 1970.

    They are too old, their petition takes no signatures or has no reminders now, their address has signed, or the clock
    was ahead.
    """
    reminding = [one.id for one in snapshots.published() if _reminds(one, today)]
    of_these, params = database.among("p.petition_id", reminding)
    needless = (
        "SELECT p.token_hash FROM signing_pending p WHERE p.reminder IS NOT NULL"
        f" AND (p.reminder_mail_day <= ? OR p.remind_on > ? OR NOT ({of_these}) OR {_HAS_SIGNED}) LIMIT {CHUNK}"
    )
    limits = today - KEPT_DAYS, today + AFTER_DAYS + 1
    while hashes := [bytes(row[0]) for row in database.query(needless, (*limits, *params))]:
        with database.transaction():
            _change(database, hashes, _FORGET)


def mail_days(database: Database) -> set[int]:
    """Return the days (since 1970) whose mail keys are needed for reminders."""
    rows = database.query("SELECT DISTINCT reminder_mail_day FROM signing_pending WHERE reminder IS NOT NULL")
    return {int(day) for (day,) in rows}


class Reminders:
    """Writes reminders (mail.writers.Writer), each only if it is still wanted when it is sent."""

    def sealed(self, database: Database, email: Claimed) -> bytes | None:
        """Return the body in the row of the pending signature; None if it has gone, or the address has signed."""
        rows = database.query(
            "SELECT p.reminder FROM signing_pending p JOIN petitions_petition t ON t.id = p.petition_id"
            f" WHERE p.token_hash = ? AND p.reminder IS NOT NULL AND t.state = 'open' AND NOT {_HAS_SIGNED}",
            (email.sealed,),
        )
        return bytes(rows[0][0]) if rows else None

    def begin(
        self,
        database: Database,
        email: Email,
        petition: Definition | None,
        site: Site,
        now: float,
    ) -> Message | None:
        """Return the email; None if its day is over, or the petition has no reminders any more."""
        is_late = days.number_at(now - MORNING) > day_of(email.id)
        if is_late or petition is None or not petition.reminder:
            return None
        return kinds.render(email, petition, site, now)

    def end(self, database: Database, email: Claimed, answer: Answer | None, now: float) -> None:
        """Delete the body, unless the email is tried again."""
        if email.end not in STAYS:
            database.execute(
                f"UPDATE signing_pending SET {_FORGET} WHERE token_hash = ? AND reminder IS NOT NULL",
                (email.sealed,),
            )


def _queue(database: Database, snapshots: Snapshots, hashes: list[bytes], due: int, today: int) -> int:
    where, params = database.among("p.token_hash", hashes)
    with database.transaction():
        rows = database.query(
            "SELECT p.token_hash, p.petition_id, p.reminder_mail_day, p.remind_on,"
            f" {_HAS_SIGNED} OR {_HAS_ANOTHER} FROM signing_pending p"
            f" WHERE {where} AND p.reminder IS NOT NULL AND p.remind_on IS NOT NULL"
            f" ORDER BY p.token_hash{database.for_update_of_free}",
            params,
        )
        # The day in the id says for how long it may be sent.
        queued = {
            bytes(hashed): email_row(email_id(SLOW, due), petition_id, REMINDER, day, bytes(hashed), NETWORK)
            for hashed, petition_id, day, remind_on, needless in rows
            if remind_on == due and not needless and _reminds(snapshots.by_id(petition_id), today)
        }
        store(database, list(queued.values()))
        _change(database, list(queued), "remind_on = NULL")
        _change(database, [bytes(row[0]) for row in rows if bytes(row[0]) not in queued], _FORGET)
    return len(queued)


def _change(database: Database, hashes: Sequence[bytes], values: str) -> None:
    if hashes:
        where, params = database.among("token_hash", hashes)
        chosen = locked(database, "signing_pending", where)
        database.execute(f"UPDATE signing_pending SET {values} WHERE {chosen}", params)


def _waiting(database: Database) -> int:
    """Return how many reminders are in the outbox, at most `CHUNK`."""
    some = f"SELECT 1 FROM mail_email WHERE id BETWEEN ? AND ? AND kind = {REMINDER} LIMIT {CHUNK}"
    return int(database.query(f"SELECT COUNT(*) FROM ({some}) AS w", lane_range(SLOW))[0][0])


def _reminds(petition: PetitionSnapshot | None, today: int) -> bool:
    return (
        petition is not None
        and petition.definition.reminder
        and not petition.profile.guarded
        and petition.takes_signatures(days.date_of(today))
    )


def _hash(email: Claimed) -> bytes | None:
    """Return the token hash of the email's link; None if it is no token."""
    t = token.decode(email.token)
    return None if t is None else token.digest(t)
