"""Tell the team by email that a new key was asked for. The worker does it: only the server key opens the mail key."""

import time

from sabal import database as raw
from sabal import days
from sabal import token as tokens
from sabal.accounts import roles
from sabal.desk.amending import WAIT
from sabal.desk.models import Job
from sabal.keys.keystore import mail_key_name, open_keystore
from sabal.mail.address import EmailAddress
from sabal.mail.ids import NORMAL, TEAM_NEW_KEY, email_id
from sabal.mail.row import email_row, seal_body, store


def tell_team(job: Job) -> None:
    """Queue one email for everybody of the petition's team, once: a crash before the commit repeats all of it.

    Who lost their role shortly before is told too: else one owner could remove the others first.
    """
    database, today = raw.connect(), days.number_at(time.time())
    try:
        key = open_keystore().make(database, mail_key_name(today))
        rows = [
            email_row(
                email_id(NORMAL, today),
                job.petition.pk,
                TEAM_NEW_KEY,
                today,
                seal_body(key, EmailAddress.stored(user.email), user.language or "en", tokens.new()),
            )
            for user in roles.team_since(job.petition, job.asked_at - WAIT)
        ]
        job_id = job.pk.hex if database.vendor == "sqlite" else job.pk
        with database.transaction():
            told = database.execute(
                "UPDATE desk_job SET told_at = CURRENT_TIMESTAMP WHERE id = ? AND told_at IS NULL", (job_id,)
            )
            if told:
                store(database, rows)
    finally:
        database.close()
