"""Remind the team by email that an answer was due. The worker does it: only the server key opens the mail key."""

from contextlib import closing
from datetime import date

from django.db.models import F

from sabal import database as raw
from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.database import Database
from sabal.delivery.rows import Step
from sabal.desk.outgoing import email_rows
from sabal.mail.address import EmailAddress
from sabal.mail.ids import TEAM_ANSWER_DUE
from sabal.mail.row import store
from sabal.petitions.deliveries import StepKind, deliveries_of
from sabal.petitions.models import Petition
from sabal.petitions.standing import contacts_of


def remind(today: date) -> int:
    """Queue one email for everybody who may send, for each answer that was due before today. Return how many are due.

    What was due already when it was recorded needs no email. A crash before a commit repeats that one alone.
    """
    due = Step.objects.filter(
        kind=StepKind.ASKED, due_on__lt=today, made_at__date__lte=F("due_on"), reminder=None
    ).select_related("petition")
    told = 0
    with closing(raw.connect()) as database:
        for step in due.order_by("pk"):
            told += _tell(database, step)
    return told


def _tell(database: Database, step: Step) -> int:
    """Note that this answer was due, and tell the team unless it came, or was asked for again."""
    contact = contacts_of(deliveries_of(database, step.petition_id)).get(step.recipient)
    waits = contact is not None and contact.asked is not None and contact.asked.id == step.pk
    to = _readers(step.petition) if waits else []
    rows = email_rows(database, step.petition_id, TEAM_ANSWER_DUE, to)
    with database.transaction():
        noted = database.execute(
            "INSERT INTO delivery_reminder (step_id, told_at) VALUES (?, CURRENT_TIMESTAMP)"
            " ON CONFLICT (step_id) DO NOTHING",
            (step.pk,),
        )
        if noted and rows:
            store(database, rows)
    return int(noted > 0 and waits)


def _readers(petition: Petition) -> list[tuple[EmailAddress, str]]:
    team = [user for user in roles.team(petition) if Act.SEND in roles.in_petition(user, petition)]
    return [(EmailAddress.stored(user.email), user.language or "en") for user in team]
