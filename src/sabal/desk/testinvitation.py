"""A test of an invitation, to the person who asks. The worker sends it, as it has the mail key."""

from contextlib import closing

from sabal import database as raw
from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.desk.models import Job
from sabal.desk.outgoing import email_rows
from sabal.desk.titles import public_definition_of
from sabal.elsewhere.models import InvitationList
from sabal.mail.address import EmailAddress
from sabal.mail.ids import INVITATION
from sabal.mail.row import Origin, store

KIND = "test-invitation"
MOST = 12  # languages


def send(job: Job) -> None:
    """Queue the invitation once in each language. Its link to refuse is invented.

    After a crash between the commit and the end of the task, it is sent again.
    """
    made = InvitationList.objects.filter(pk=job.details["list"], petition=job.petition).first()
    definition = public_definition_of(job.petition)
    if made is None or definition is None or Act.SEND not in roles.in_petition(job.user, job.petition):
        return
    to = EmailAddress.stored(job.user.email)
    with closing(raw.connect()) as database:
        rows = email_rows(
            database,
            job.petition.pk,
            INVITATION,
            [(to, one) for one in definition.languages[:MOST]],
            origin=Origin(made.platform, made.title),
        )
        with database.transaction():
            store(database, rows)
