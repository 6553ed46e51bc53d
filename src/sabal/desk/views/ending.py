"""The end of a petition: close it, say how it ended, finalise it."""

from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.desk.access import of_petition, user_of
from sabal.desk.publishforms import EndingForm
from sabal.desk.titles import title_of
from sabal.petitions.models import Petition
from sabal.petitions.profile import REOPEN_DAYS
from sabal.publishing import drafts, states

State = Petition.State


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH, dangerous=True)
def close(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Say what a close does, and ask for closing words; on POST close."""
    form = _form(request, petition)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            states.close(petition.slug, _today(), form.ending())
            audit.record(user_of(request), "closed", petition=petition)
        return HttpResponseRedirect(reverse("petition", args=[petition.slug]))
    return _page(request, petition, "close", form)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH)
def ending(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Change what the public page says about the end."""
    if petition.state not in (State.CLOSED, State.FINALISED):
        raise Http404
    form = _form(request, petition)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            states.say_how_it_ended(petition.slug, form.ending())
            audit.record(user_of(request), "ended", petition=petition)
        return HttpResponseRedirect(reverse("petition", args=[petition.slug]))
    return _page(request, petition, "ending", form)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH, dangerous=True)
def finalise(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Say what finalising does, and from when it can be done; on POST give up opening again."""
    if petition.state != State.CLOSED:
        raise Http404
    if request.method == "POST":
        with transaction.atomic():
            states.finalise_early(petition.slug, _today())
            audit.record(user_of(request), "finalise-asked", petition=petition)
        return HttpResponseRedirect(reverse("petition", args=[petition.slug]))
    first = states.first_day_to_finalise(petition)
    return _page(request, petition, "finalise", None, first=first, too_early=_today() < first)


def _form(request: HttpRequest, petition: Petition) -> EndingForm:
    definition = drafts.published_definition(petition)
    data = request.POST if request.method == "POST" else None
    return EndingForm(data, definition=definition, stored=petition.ending)


def _page(
    request: HttpRequest, petition: Petition, template: str, form: EndingForm | None, **more: object
) -> HttpResponseBase:
    closed_on = petition.closed_on or _today()
    context = {
        "petition": petition,
        "title": title_of(petition),
        "form": form,
        "reopen_until": closed_on + timedelta(days=REOPEN_DAYS),
        **more,
    }
    return render(request, f"desk/{template}.html", context, status=422 if form and form.errors else 200)


def _today() -> date:
    return datetime.now(UTC).date()
