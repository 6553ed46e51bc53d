"""Pause, resume and close a published petition."""

from datetime import date, timedelta

from django.db.models import F

from sabal.petitions.models import Petition
from sabal.petitions.profile import REOPEN_DAYS
from sabal.publishing.drafts import definition_of, find, newest
from sabal.refusal import Refusal

State = Petition.State


def pause(slug: str) -> None:
    """Stop taking signatures for now. Emails already sent can still be confirmed."""
    _set_state(slug, (State.OPEN,), state=State.PAUSED)


def resume(slug: str, today: date) -> None:
    """Take signatures again after a pause, or after a close at most 14 days ago."""
    petition = find(slug)
    if petition.state not in (State.PAUSED, State.CLOSED):
        raise Refusal(f"{slug} is {petition.state}. Only a paused or closed petition can be resumed.")
    if petition.closed_on and today > petition.closed_on + timedelta(days=REOPEN_DAYS):
        raise Refusal(
            f"{slug} was closed on {petition.closed_on}. It can be reopened for {REOPEN_DAYS} days only."
        )
    if today > (last := definition_of(petition).last_day):
        raise Refusal(
            f"The last day for signing {slug} was {last}, as its terms say. It cannot be opened again."
        )
    if petition.state == State.PAUSED and newest(petition).published_on is None:
        raise Refusal(
            f"{slug} has a new version that is not published. To publish it: sabal publish {slug}. To delete it:"
            f" sabal discard {slug}"
        )
    _set_state(slug, (State.PAUSED, State.CLOSED), state=State.OPEN, closed_on=None)


def close(slug: str, today: date) -> None:
    """Stop taking signatures. Emails already sent can be confirmed for 7 days; reopening is possible for 14 days."""
    _set_state(slug, (State.OPEN, State.PAUSED), state=State.CLOSED, closed_on=today)


def _set_state(slug: str, before: tuple[str, ...], **values: object) -> None:
    petition = find(slug)
    changed = Petition.objects.filter(pk=petition.pk, state__in=before).update(
        revision=F("revision") + 1, **values
    )
    if not changed:
        raise Refusal(f"{slug} is {petition.state}. For this it must be {' or '.join(before)}.")
