"""Tell the team by email that a new key was asked for. The worker does it: only the server key opens the mail key."""

from contextlib import closing

from sabal import database as raw
from sabal.accounts import roles
from sabal.desk.amending import WAIT
from sabal.desk.models import Job
from sabal.desk.outgoing import email_rows
from sabal.mail.address import EmailAddress
from sabal.mail.ids import TEAM_NEW_KEY
from sabal.mail.row import store


def tell_team(job: Job) -> None:
    """Queue one email for everybody of the petition's team, once: a crash before the commit repeats all of it.

    Who lost their role shortly before is told too: else one owner could remove the others first.
    """
    team = roles.team_since(job.petition, job.asked_at - WAIT)
    to = [(EmailAddress.stored(user.email), user.language or "en") for user in team]
    with closing(raw.connect()) as database:
        rows = email_rows(database, job.petition.pk, TEAM_NEW_KEY, to)
        job_id = job.pk.hex if database.vendor == "sqlite" else job.pk
        with database.transaction():
            told = database.execute(
                "UPDATE desk_job SET told_at = CURRENT_TIMESTAMP WHERE id = ? AND told_at IS NULL", (job_id,)
            )
            if told:
                store(database, rows)
