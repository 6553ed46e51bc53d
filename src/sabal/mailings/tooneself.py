"""A mailing sent to one person who works here, as a test: once in each language, as its readers will get it."""

from collections.abc import Callable

from sabal.database import Database
from sabal.mail.address import EmailAddress
from sabal.mail.answers import Answer, SendOutcome
from sabal.mail.transport import Transport
from sabal.mailings.rendered import RenderedEmails
from sabal.mailings.running import one

WITHIN = 3_600  # seconds; a test that could not be sent for so long is given up


def send(
    database: Database, emails: RenderedEmails, transport: Transport, clock: Callable[[], float]
) -> None:
    """Send the tests that wait. A crash may send one twice."""
    waiting = database.query(
        "SELECT id, mailing_id, email, asked_at FROM mailings_mailingtest WHERE ended_at IS NULL ORDER BY id"
    )
    for test, mailing, to, asked_at in waiting:
        refusal = _refusal(database, emails, transport, mailing, to, clock)
        if (
            refusal
            and clock() - asked_at < WITHIN
            and refusal.outcome in (SendOutcome.LATER, SendOutcome.UNSENT)
        ):
            continue
        database.execute(
            "UPDATE mailings_mailingtest SET ended_at = ?, refusal = ? WHERE id = ?",
            (int(clock()), refusal.reason if refusal else "", test),
        )


def _refusal(
    database: Database,
    emails: RenderedEmails,
    transport: Transport,
    mailing: int,
    to: str,
    clock: Callable[[], float],
) -> Answer | None:
    """Send a mailing in each of its languages; return the first answer that did not accept it."""
    try:
        address, found = EmailAddress.stored(to), one(database, mailing)
    except LookupError:
        return Answer(SendOutcome.NEVER, "the draft was deleted")
    except ValueError:  # people sign in with addresses that only the framework of the desk has checked
        return Answer(SendOutcome.NEVER, "this address cannot be used")
    for language in found.texts:
        try:
            message = emails.fill_test(emails.of(database, found, language), address, clock())
        except LookupError:
            return Answer(SendOutcome.NEVER, "the organisation or the petition is not published")
        answer = transport.send(message, address.wire)
        if answer.outcome is not SendOutcome.ACCEPTED:
            return answer
    return None
