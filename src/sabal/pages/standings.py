"""The words and signs for where a demand is, and the short forms beside the demands and recipients of a petition."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sabal.petitions.countries import day_in_full
from sabal.petitions.deliveries import Deliveries, DemandState, StepKind, Way
from sabal.petitions.history import PublishedVersion
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.standing import Progressed, RecipientSteps, SignedVersion, Standing, progressed

LABELS = {
    Standing.MET: _("Met"),
    Standing.PARTLY: _("Partly met"),
    Standing.PROMISED: _("Promised"),
    Standing.ANSWERED: _("Answered"),
    Standing.NO_ANSWER: _("No answer"),
    Standing.REFUSED: _("Refused"),
    Standing.REVERSED: pgettext_lazy("demand", "Taken back"),
    Standing.NOT_DELIVERED: _("Not delivered yet"),
    Standing.NOT_ASKED: _("Not asked of them"),
}
SIGNS = {
    Standing.MET: "✓",
    Standing.PARTLY: "◐",
    Standing.PROMISED: "◇",
    Standing.ANSWERED: "✉",
    Standing.NO_ANSWER: "…",
    Standing.REFUSED: "✕",
    Standing.REVERSED: "↺",
    Standing.NOT_DELIVERED: "○",
    Standing.NOT_ASKED: "–",
}
"""Never colour alone: each has a sign of its own, and its words."""
STATES: dict[DemandState, object] = {
    state: LABELS[Standing(state.value)] for state in DemandState if state is not DemandState.MISTAKE
}
KINDS = {
    StepKind.DELIVERED: _("Delivered"),
    StepKind.REFUSED: _("Receipt refused"),
    StepKind.RETURNED: _("Came back"),
    StepKind.ACKNOWLEDGED: _("Receipt confirmed"),
    StepKind.ASKED: _("Asked for an answer"),
    StepKind.ANSWERED: _("Answered"),
    StepKind.MISTAKE: _("Recorded by mistake"),
}
WAYS = {
    Way.HAND: _("Handed over"),
    Way.POST: _("Sent by post"),
    Way.EMAIL: _("Sent by email"),
    Way.FORM: _("Sent with a web form"),
    Way.MISSION: _("Delivered by an embassy or mission"),
    Way.THROUGH: _("Delivered through another organisation"),
}


class Short(NamedTuple):
    """The short form beside a demand or a recipient."""

    standing: Standing
    sign: str
    words: str


def of_snapshot(snapshot: PetitionSnapshot) -> Progressed:
    """Return where each demand of a published petition is."""
    if snapshot.versions:
        return _progressed(snapshot.progress.deliveries, snapshot.versions)
    # Without a readable version there is still the text that is shown.
    return progressed(snapshot.progress.deliveries, [SignedVersion(1, snapshot.definition)])


@lru_cache(maxsize=64)
def _progressed(deliveries: Deliveries, versions: tuple[PublishedVersion, ...]) -> Progressed:
    """Both arguments stay the same objects until something happens."""
    return progressed(deliveries, [SignedVersion(one.number, one.definition) for one in versions])


def short_forms(snapshot: PetitionSnapshot) -> dict[str, Mapping[str, Short]] | None:
    """Return the short forms in the active language, by anchor and by recipient; None if nothing was delivered yet."""
    if not snapshot.progress.deliveries:
        return None
    found = of_snapshot(snapshot)
    return {
        "demands": {one.anchor: short for one in found.demands if (short := _of_demand(found, one.anchor))},
        "recipients": {
            key: short for key in found.recipients if (short := _of_contact(found.contacts.get(key)))
        },
    }


def with_day(standing: Standing, since: date | None) -> str:
    """Return where a demand is, and since when, in the active language."""
    if since is None or standing is Standing.NOT_ASKED:
        return str(LABELS[standing])
    day = day_in_full(since, (get_language() or "en").lower())
    if standing is Standing.NO_ANSWER:
        return gettext("No answer since %(day)s") % {"day": day}
    return gettext("%(state)s, %(day)s") % {"state": LABELS[standing], "day": day}


def _of_demand(found: Progressed, anchor: str) -> Short | None:
    """Return one state with its day if it is the same with all who were asked, else how many are where."""
    cells = [found.cells[anchor, key] for key in found.recipients]
    asked = [cell for cell in cells if cell.standing is not Standing.NOT_ASKED]
    if not asked or all(cell.standing is Standing.NOT_DELIVERED for cell in asked):
        return None
    totals = found.totals(anchors=[anchor])
    totals.pop(Standing.NOT_ASKED, None)
    first = next(iter(totals))
    if len(totals) == 1:
        days = [cell.since for cell in asked if cell.since]
        return Short(first, SIGNS[first], with_day(first, min(days, default=None)))
    words = " · ".join(
        gettext("%(state)s: %(number)s") % {"state": LABELS[standing], "number": number}
        for standing, number in totals.items()
    )
    return Short(first, SIGNS[first], words)


def _of_contact(contact: RecipientSteps | None) -> Short | None:
    if contact is None:
        return None
    standing, day = Standing.ANSWERED, contact.answered
    if day is None:
        standing, day = Standing.NO_ANSWER, contact.delivered
    return Short(standing, SIGNS[standing], with_day(standing, day)) if day else None
