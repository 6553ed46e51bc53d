"""A test of the email that asks to confirm, to the person who asks. The worker sends it, as it has the mail key."""

from contextlib import closing

from sabal import database as raw
from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.desk.models import Job
from sabal.desk.outgoing import email_rows
from sabal.desk.titles import definition_of
from sabal.mail.address import EmailAddress
from sabal.mail.ids import CONFIRM_TEST
from sabal.mail.row import store

KIND = "test-email"
MOST = 12  # languages


def send(job: Job) -> None:
    """Queue the email once in each language. Its link is invented: it confirms nothing.

    After a crash between the commit and the end of the task, it is sent again.
    """
    definition = definition_of(job.petition)
    if definition is None or Act.EDIT not in roles.in_petition(job.user, job.petition):
        return
    to = EmailAddress.stored(job.user.email)
    with closing(raw.connect()) as database:
        rows = email_rows(
            database, job.petition.pk, CONFIRM_TEST, [(to, one) for one in definition.languages[:MOST]]
        )
        with database.transaction():
            store(database, rows)
