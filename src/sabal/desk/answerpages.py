"""What the views about deliveries share: finding what was recorded, and the answers to a form."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.delivery import record
from sabal.delivery.rows import Step
from sabal.desk.access import user_of
from sabal.desk.proofforms import ProofForm
from sabal.desk.recorded import Recorded, recorded
from sabal.desk.titles import title_of
from sabal.petitions.models import Petition


def found_of(petition: Petition, recipient: str = "") -> Recorded:
    """Return what was recorded. Raises Http404 for a draft, and for a recipient that no version has."""
    found = recorded(petition)
    if found is None or (recipient and recipient not in (*found.found.recipients, *found.earlier_recipients)):
        raise Http404
    return found


def posted(request: HttpRequest) -> tuple[Any, Any]:
    """Return the fields and files of a form that was sent; None and None before."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


def received(request: HttpRequest) -> int:
    """Return the bytes of the request, with files that are too large to be read."""
    length = request.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else 0


def attach(request: HttpRequest, step: Step, form: ProofForm) -> None:
    """Add the proof of a valid form, if it has one."""
    if form.distilled:
        user = user_of(request)
        record.attach(step, form.distilled, public=form.is_public, caption=form.captions, user=user)


def back(petition: Petition, recipient: str) -> HttpResponseRedirect:
    """Lead to the page of a recipient."""
    return HttpResponseRedirect(reverse("recipient-record", args=[petition.slug, recipient]))


def page(
    request: HttpRequest, petition: Petition, template: str, context: Mapping[str, object]
) -> HttpResponse:
    """Return a page of the desk, with 422 if its form has errors."""
    form = context.get("form")
    return render(
        request,
        f"desk/{template}.html",
        {
            "petition": petition,
            "title": title_of(petition),
            "may_send": Act.SEND in roles.in_petition(user_of(request), petition),
            **context,
        },
        status=422 if form is not None and form.errors else 200,  # type: ignore[attr-defined]
    )
