"""The audit log: who did what when."""

from collections.abc import Iterable

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
from sabal.desk.happened import InWords
from sabal.desk.titles import title_of
from sabal.petitions.models import Petition
from sabal.spreadsheet import csv_line

PAGE = 50
COLUMNS = ("time", "person", "email", "what", "petition", "organisation", "details", "title")


@require_safe
@of_site(Act.INVITE)
def index(request: HttpRequest) -> HttpResponse:
    """Show the newest lines first, a page at a time."""
    page = Paginator(_entries(user_of(request)), PAGE).get_page(request.GET.get("page"))
    petitions = _petitions(page)
    words = InWords(petitions)
    for entry in page:
        entry.said = WHAT.get(entry.what, entry.what)  # type: ignore[attr-defined]  # for the template
        entry.told = words.of(entry)  # type: ignore[attr-defined]  # for the template
        petition = petitions.get(entry.petition_number or 0)
        entry.title = title_of(petition) if petition else ""  # type: ignore[attr-defined]  # for the template
        entry.address = petition.slug if petition else ""  # type: ignore[attr-defined]  # for the template
    return render(request, "desk/history.html", {"page": page})


def _petitions(entries: Iterable[AuditEntry]) -> dict[int, Petition]:
    """Return the petitions of some lines by their number. A draft that was deleted is not among them."""
    numbers = {one.petition_number for one in entries if one.petition_number is not None}
    return {one.pk: one for one in Petition.objects.select_related("version").filter(pk__in=numbers)}


@require_safe
@of_site(Act.INVITE)
def as_csv(request: HttpRequest) -> HttpResponse:
    """Answer with all lines as CSV, the oldest first, safe for spreadsheets."""
    entries = list(_entries(user_of(request)).order_by("pk"))
    titles = {number: title_of(petition) for number, petition in _petitions(entries).items()}
    lines = (_line(entry, titles.get(entry.petition_number or 0, "")) for entry in entries)
    return HttpResponse(
        "".join(["\ufeff", csv_line(COLUMNS), *lines]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="history.csv"'},
    )


def _line(entry: AuditEntry, title: str) -> str:
    who = (entry.user.name, entry.user.email) if entry.user else ("operator, on the server", "")
    time = f"{entry.at:%Y-%m-%dT%H:%M:%SZ}"
    return csv_line((time, *who, entry.what, entry.petition, entry.organisation, entry.details, title))


def _entries(user: User) -> QuerySet[AuditEntry]:
    """Return the lines that a user may see: all, or those of the organisations and petitions where they may invite."""
    entries = AuditEntry.objects.select_related("user").order_by("-pk")
    if Act.INVITE in roles.in_site(user):
        return entries
    keys = [one.key for one in roles.organisations_where(user, Act.INVITE)]
    found = Q(organisation__in=keys)
    for one in roles.petitions_where(user, Act.INVITE):
        # What another organisation did with a petition before it was given to theirs is not theirs to see.
        found |= Q(petition_number=one.pk, organisation=audit.owner_key(one))
    return entries.filter(found)
