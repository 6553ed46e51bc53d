"""A test of the email that asks to confirm, to the person who asks. The worker sends it, as it has the mail key."""

import time
from contextlib import closing

from sabal import database as raw
from sabal import days
from sabal import token as tokens
from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.desk.models import Job
from sabal.desk.titles import definition_of
from sabal.keys.keystore import mail_key_name, open_keystore
from sabal.mail.address import EmailAddress
from sabal.mail.ids import CONFIRM_SIGNATURE, NORMAL, email_id
from sabal.mail.row import email_row, seal_body, store

KIND = "test-email"
MOST = 12  # languages


def send(job: Job) -> None:
    """Queue the email once in each language. Its link is invented: it confirms nothing.

    After a crash between the commit and the end of the task, it is sent again.
    """
    definition = definition_of(job.petition)
    if definition is None or Act.EDIT not in roles.in_petition(job.user, job.petition):
        return
    to, today = EmailAddress.stored(job.user.email), days.number_at(time.time())
    with closing(raw.connect()) as database:
        key = open_keystore().make(database, mail_key_name(today))
        rows = [
            email_row(
                email_id(NORMAL, today),
                job.petition.pk,
                CONFIRM_SIGNATURE,
                today,
                seal_body(key, to, language, tokens.new()),
            )
            for language in definition.languages[:MOST]
        ]
        with database.transaction():
            store(database, rows)
