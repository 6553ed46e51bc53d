"""The audit log: who did what when."""

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.accounts.audit import WHAT
from sabal.accounts.models import AuditEntry, User
from sabal.desk.access import of_site, user_of
from sabal.spreadsheet import csv_line

PAGE = 50
COLUMNS = ("time", "person", "email", "what", "petition", "organisation", "details")


@require_safe
@of_site(Act.INVITE)
def index(request: HttpRequest) -> HttpResponse:
    """Show the newest lines first, a page at a time."""
    page = Paginator(_entries(user_of(request)), PAGE).get_page(request.GET.get("page"))
    for entry in page:
        entry.said = WHAT.get(entry.what, entry.what)  # type: ignore[attr-defined]
    return render(request, "desk/history.html", {"page": page})


@require_safe
@of_site(Act.INVITE)
def as_csv(request: HttpRequest) -> HttpResponse:
    """Answer with all lines as CSV, the oldest first, safe for spreadsheets."""
    entries = _entries(user_of(request)).order_by("pk")
    return HttpResponse(
        "".join(["\ufeff", csv_line(COLUMNS), *map(_line, entries.iterator())]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="history.csv"'},
    )


def _line(entry: AuditEntry) -> str:
    who = (entry.user.name, entry.user.email) if entry.user else ("shell of the server", "")
    time = f"{entry.at:%Y-%m-%dT%H:%M:%SZ}"
    return csv_line((time, *who, entry.what, entry.petition, entry.organisation, entry.details))


def _entries(user: User) -> QuerySet[AuditEntry]:
    """Return the lines that a user may see: all, or those of the organisations and petitions where they may invite."""
    entries = AuditEntry.objects.select_related("user").order_by("-pk")
    if Act.INVITE in roles.in_site(user):
        return entries
    keys = [one.key for one in roles.organisations_where(user, Act.INVITE)]
    found = Q(organisation__in=keys)
    for one in roles.petitions_where(user, Act.INVITE):
        # A slug can be used again after a draft was discarded: lines of another organisation are not theirs.
        found |= Q(petition=one.slug, organisation=audit.owner_key(one))
    return entries.filter(found)
