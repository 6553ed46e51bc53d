"""Emails of the whole site: what the providers did with them, and what waits."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sabal import days
from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.database import Database
from sabal.desk.access import of_site, user_of
from sabal.desk.numbers import connected
from sabal.desk.titles import public_definition_of
from sabal.mail import traffic as totals
from sabal.mail.traffic import RESULTS
from sabal.mail.waiting import MOST, waiting
from sabal.petitions.models import Petition
from sabal.petitions.profile import PROFILES
from sabal.spreadsheet import csv_line

SPANS = (1, 7, 30)  # days
NAMES = {"other": _("Other providers"), "unknown": _("Not known any more")}
COLUMNS = tuple(dict.fromkeys(RESULTS.values()))


@dataclass(frozen=True)
class Provider:
    """One provider, and its numbers in the order of COLUMNS."""

    name: str
    numbers: tuple[int, ...]

    @property
    def shown(self) -> str:
        """Return its name for people."""
        return str(NAMES.get(self.name, self.name))


@require_safe
@of_site(Act.VIEW)
def show(request: HttpRequest) -> HttpResponse:
    """Show the emails by provider, and the queue, to those who have a role in the whole site."""
    span, step = _asked(request), _step()
    with connected() as database:
        found, queue = _providers(database, span, step), waiting(database)
    today = datetime.now(UTC).date()
    oldest = None if queue.oldest is None else (today - days.date_of(queue.oldest)).days
    context = {
        "providers": found,
        "sums": [sum(one.numbers[at] for one in found) for at in range(len(COLUMNS))],
        "spans": SPANS,
        "span": span,
        "rounded": step if step > 1 else None,
        "waiting": queue.number // step * step,
        "many": queue.number >= MOST,
        "oldest": oldest,
    }
    return render(request, "desk/email.html", context)


@require_safe
@of_site(Act.VIEW)
def as_csv(request: HttpRequest) -> HttpResponse:
    """Answer with the same table as CSV."""
    span = _asked(request)
    with connected() as database:
        found = _providers(database, span, _step())
    lines = [csv_line(("provider", *COLUMNS))]
    lines += [csv_line((one.name, *map(str, one.numbers))) for one in found]
    headers = {"Content-Disposition": 'attachment; filename="email.csv"'}
    return HttpResponse("".join(["\ufeff", *lines]), content_type="text/csv; charset=utf-8", headers=headers)


def _asked(request: HttpRequest) -> int:
    """Return for how many days the request asks. A role in one organisation does not show the emails of others."""
    if Act.VIEW not in roles.in_site(user_of(request)):
        raise Http404
    return next((span for span in SPANS if request.GET.get("days") == str(span)), 7)


def _step() -> int:
    """Return to which multiple numbers are rounded down: a small one could show that somebody was emailed."""
    return max((PROFILES[one].countries_round for one in _profiles()), default=1)


def _profiles() -> Iterator[str]:
    for petition in Petition.objects.exclude(state=Petition.State.DRAFT):
        definition = public_definition_of(petition)
        yield definition.profile if definition else "guarded"


def _providers(database: Database, span: int, step: int) -> list[Provider]:
    hour = int(datetime.now(UTC).timestamp()) // 3_600
    by_provider: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
    for (provider, end), n in totals.between(database, hour - 24 * span, hour).items():
        by_provider[provider][RESULTS[end]] += n
    found = [
        Provider(name, tuple(numbers[column] // step * step for column in COLUMNS))
        for name, numbers in by_provider.items()
    ]
    return sorted((one for one in found if any(one.numbers)), key=lambda one: (-sum(one.numbers), one.name))
