"""Pages of a request to the worker: waiting, running, done or refused."""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.desk import tasks
from sabal.desk.access import of_petition, user_of
from sabal.desk.amending import page_after_saving
from sabal.desk.models import Job
from sabal.desk.titles import public_definition_of, title_of
from sabal.petitions.models import Petition

WORKER_ANSWERS_WITHIN = timedelta(seconds=5)


@require_safe
@of_petition(Act.PUBLISH)
def show(request: HttpRequest, petition: Petition, job: str) -> HttpResponseBase:
    """Show how far a job is. The page loads itself again until it has ended."""
    found = find_job(petition, job)
    if found.kind == "sending":
        return HttpResponseRedirect(reverse("sending", args=[petition.slug]))
    if found.planned:
        return HttpResponseRedirect(page_after_saving(petition))
    late = is_late(found)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "job": found,
        "late": late,
        "languages": _languages(petition),
    }
    response = render(request, "desk/job.html", context)
    if found.ended_at is None:
        response.headers["Refresh"] = "1"
    return response


@require_POST
@of_petition(Act.PUBLISH)
def cancel(request: HttpRequest, petition: Petition, job: str) -> HttpResponseBase:
    """Cancel a job that has not begun."""
    found = find_job(petition, job)
    with transaction.atomic():
        if tasks.cancel(found) and found.due_at:
            audit.record(user_of(request), "plan-cancelled", petition=petition)
            return HttpResponseRedirect(page_after_saving(petition))
    return HttpResponseRedirect(reverse("job", args=[petition.slug, found.pk]))


def find_job(petition: Petition, job: str) -> Job:
    """Return the job of this petition. Raises Http404 if it is another's or none."""
    found = Job.objects.filter(pk=job, petition=petition).first()
    if found is None:
        raise Http404
    return found


def _languages(petition: Petition) -> tuple[str, ...]:
    definition = public_definition_of(petition)
    return definition.languages if definition else ()


def is_late(job: Job) -> bool:
    """Return whether no worker has begun a job that waits: perhaps none runs."""
    return (
        job.started_at is None
        and job.ended_at is None
        and datetime.now(UTC) - job.asked_at > WORKER_ANSWERS_WITHIN
    )
