"""The history of a draft: its revisions, what each changed, and restoring one."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from sabal.accounts.acts import Act
from sabal.desk import revisions
from sabal.desk.access import of_petition, user_of
from sabal.desk.models import Revision
from sabal.desk.titles import title_of
from sabal.desk.views.languages import named_for_reader
from sabal.petitions.models import Petition
from sabal.petitions.picture import NAME as PICTURE
from sabal.petitions.tomltable import FILE

PAGE = 20


@require_safe
@of_petition(Act.EDIT)
def index(request: HttpRequest, petition: Petition) -> HttpResponse:
    """List the revisions, the newest first."""
    kept = list(petition.revisions.select_related("user").order_by("-number"))
    page = Paginator(range(len(kept)), PAGE).get_page(request.GET.get("page"))
    rows = []
    for at in page:
        before = kept[at + 1].files if at + 1 < len(kept) else ""
        names = revisions.files_changed(before, kept[at].files)
        rows.append({"revision": kept[at], "parts": [_part(name) for name in names], "first": not before})
    context = {
        "petition": petition,
        "title": title_of(petition),
        "page": page,
        "rows": rows,
        "most": revisions.MOST,
    }
    return render(request, "desk/drafts.html", context)


def _part(name: str) -> str:
    if name in (FILE, PICTURE):
        return _("Settings") if name == FILE else _("Picture")
    return str(named_for_reader(name.removesuffix(".md")).here)


@require_safe
@of_petition(Act.EDIT)
def show(request: HttpRequest, petition: Petition, number: int) -> HttpResponse:
    """Show what a revision changed, and how it differs from the newest one."""
    revision = _revision(petition, number)
    older = petition.revisions.filter(number__lt=number).order_by("-number").first()
    newest = petition.revisions.order_by("-number")[0]
    context = {
        "petition": petition,
        "title": title_of(petition),
        "revision": revision,
        "older": older,
        "newer": petition.revisions.filter(number__gt=number).order_by("number").first(),
        "is_newest": revision.pk == newest.pk,
        "changes": _between(older, revision) if older else [],
        "to_restore": [] if revision.pk == newest.pk else _between(newest, revision),
    }
    return render(request, "desk/draft.html", context)


def _between(before: Revision, after: Revision) -> list[dict[str, object]] | None:
    """Return the changes with the names of their languages; None if one of the two cannot be read any more."""
    found = revisions.readable(revisions.files_of(before), revisions.files_of(after))
    if found is None:
        return None
    return [
        {"language": named_for_reader(one.language) if one.language else None, "parts": one.parts}
        for one in found
    ]


@require_POST
@of_petition(Act.EDIT)
def restore(request: HttpRequest, petition: Petition, number: int) -> HttpResponseBase:
    """Make an old revision the newest one. The present one stays in the history."""
    revision = _revision(petition, number)
    seen = request.POST.get("revision", "")
    if revisions.restore(user_of(request), petition, revision, int(seen) if seen.isdecimal() else 0):
        messages.success(request, _("Restored. What was there before is still in this list."))
        return HttpResponseRedirect(reverse("drafts", args=[petition.slug]))
    messages.error(request, _("Somebody saved meanwhile. Look at the difference again, and restore then."))
    return HttpResponseRedirect(reverse("draft", args=[petition.slug, number]))


def _revision(petition: Petition, number: int) -> Revision:
    found = petition.revisions.select_related("user").filter(number=number).first()
    if found is None:
        raise Http404
    return found
