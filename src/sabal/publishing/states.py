"""Pause, resume, close and finalise a published petition."""

from datetime import date, timedelta

from django.db.models import F
from django.utils.translation import gettext_noop

from sabal.petitions.ending import Ending
from sabal.petitions.models import Petition
from sabal.petitions.profile import REOPEN_DAYS, first_day
from sabal.publishing.drafts import find, published_definition
from sabal.refusal import Refusal

State = Petition.State
_ONLY_WHILE: dict[tuple[str, ...], str] = {
    (State.OPEN,): gettext_noop("Only an open petition can be paused."),
    (State.PAUSED, State.CLOSED): gettext_noop("Only a paused or closed petition can be opened again."),
    (State.OPEN, State.PAUSED): gettext_noop("Only an open or paused petition can be closed."),
    (State.CLOSED, State.FINALISED): gettext_noop("Closing words are for a petition that is closed."),
    (State.CLOSED,): gettext_noop("Only a closed petition can be finalised."),
}


def pause(slug: str) -> None:
    """Stop taking signatures for now. Emails already sent can still be confirmed."""
    _set_state(slug, (State.OPEN,), state=State.PAUSED)


def resume(slug: str, today: date) -> None:
    """Take signatures again after a pause, or after a close at most 14 days ago. An amendment stays unpublished."""
    petition = find(slug)
    if petition.state not in (State.PAUSED, State.CLOSED):
        raise Refusal("Only a paused or closed petition can be opened again.")
    if petition.closed_on and today > petition.closed_on + timedelta(days=REOPEN_DAYS):
        raise Refusal(
            "%(slug)s was closed on %(day)s. It can be opened again for %(most)d days only.",
            slug=slug,
            day=petition.closed_on,
            most=REOPEN_DAYS,
        )
    if petition.finalise_early:
        raise Refusal("%(slug)s is being finalised, as was asked for. It cannot be opened again.", slug=slug)
    if today > (last := published_definition(petition).last_day):
        raise Refusal(
            "The last day for signing %(slug)s was %(day)s, as its terms say. It cannot be opened again.",
            slug=slug,
            day=last,
        )
    _set_state(slug, (State.PAUSED, State.CLOSED), state=State.OPEN, closed_on=None)


def close(slug: str, today: date, ending: Ending | None = None) -> None:
    """Stop taking signatures. Emails already sent can be confirmed for 7 days; reopening is possible for 14 days.

    `ending` is what pages say about the end. None leaves what was said before.
    """
    said = {} if ending is None else {"ending": ending.as_json()}
    _set_state(slug, (State.OPEN, State.PAUSED), state=State.CLOSED, closed_on=today, **said)


def say_how_it_ended(slug: str, ending: Ending) -> None:
    """Change what pages say about the end of a petition that is over."""
    _set_state(slug, (State.CLOSED, State.FINALISED), ending=ending.as_json())


def first_day_to_finalise(petition: Petition) -> date:
    """Return the first day on which a closed petition can be finalised: no email can be confirmed then."""
    assert petition.closed_on is not None
    return first_day(petition.closed_on)


def finalise_early(slug: str, today: date) -> None:
    """Give up opening a closed petition again, so that the worker finalises it within the hour. This cannot be undone.

    Raises Refusal while emails that were sent can still be confirmed.
    """
    petition = find(slug)
    if petition.state == State.CLOSED and today < (first := first_day_to_finalise(petition)):
        raise Refusal(
            "%(slug)s can be finalised from %(day)s: until then, emails that were sent are confirmed.",
            slug=slug,
            day=first,
        )
    _set_state(slug, (State.CLOSED,), finalise_early=True)


def _set_state(slug: str, before: tuple[str, ...], **values: object) -> None:
    petition = find(slug)
    changed = Petition.objects.filter(pk=petition.pk, state__in=before).update(
        revision=F("revision") + 1, **values
    )
    if not changed:
        raise Refusal(_ONLY_WHILE[before])
