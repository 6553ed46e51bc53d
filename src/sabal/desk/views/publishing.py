"""Publish a draft, at once or at a time; and whether emails would arrive."""

import re

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.desk import planning, tasks
from sabal.desk.access import of_petition, user_of
from sabal.desk.checklist import checklist, is_ready
from sabal.desk.models import Job
from sabal.desk.publishforms import WhenForm
from sabal.desk.titles import definition_of, title_of
from sabal.desk.views.jobs import is_late
from sabal.petitions.models import Petition

LOOKS_AGAIN_AFTER = "2"  # seconds, as the header Refresh has it


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH, dangerous=True)
def publish(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Show what is missing, or what will happen; on POST ask the worker to publish, at once or at a time."""
    definition = definition_of(petition)
    job = tasks.unended(petition, "publish")
    form = None
    if definition is not None:
        form = WhenForm(
            request.POST if request.method == "POST" else None,
            last_day=definition.last_day,
            initial={"zone": planning.zone_of(user_of(request))},
        )
    if request.method == "POST" and form is not None and form.is_valid():
        return _ask(request, petition, form)
    checks = checklist(petition, definition)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "checks": checks,
        "ready": is_ready(checks),
        "form": form,
        "job": job,
        "plan": planning.plan_of(petition),
    }
    return render(
        request, "desk/publish.html", context, status=422 if form is not None and form.errors else 200
    )


def _ask(request: HttpRequest, petition: Petition, form: WhenForm) -> HttpResponseBase:
    seen = request.POST.get("revision", "")
    due = form.cleaned_data["due"]
    job = tasks.ask(
        user_of(request),
        "publish",
        petition,
        int(seen) if re.fullmatch("[0-9]{1,9}", seen) else 0,
        due_at=due,
        details={"zone": form.cleaned_data["zone"]} if due else None,
    )
    if due and job.due_at == due:
        audit.record(user_of(request), "planned", petition=petition, details=f"{due:%Y-%m-%d %H:%M} UTC")
        return HttpResponseRedirect(reverse("petition", args=[petition.slug]))
    return HttpResponseRedirect(reverse("job", args=[petition.slug, job.pk]))


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH)
def sending(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Show whether emails would leave and arrive, as it was last looked at; on POST look again."""
    if request.method == "POST":
        tasks.ask(user_of(request), "sending", petition, petition.revision)
        return HttpResponseRedirect(reverse("sending", args=[petition.slug]))
    looking = Job.objects.filter(kind="sending", ended_at=None).order_by("asked_at").first()
    context = {
        "petition": petition,
        "title": title_of(petition),
        "looking": looking,
        "late": looking is not None and is_late(looking),
        "looked": planning.last_look(),
    }
    response: HttpResponse = render(request, "desk/sending.html", context)
    if looking:
        response.headers["Refresh"] = LOOKS_AGAIN_AFTER
    return response
