"""Change the text of a published petition: what differs, why, and publishing it while people sign."""

import re

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.desk import amending, tasks
from sabal.desk.access import of_petition, user_of
from sabal.desk.amending import PendingAmendment, change_of
from sabal.desk.models import Job
from sabal.desk.publishforms import AmendmentForm
from sabal.desk.titles import title_of
from sabal.desk.views.jobs import find_job
from sabal.petitions.amendment import AmendmentKind
from sabal.petitions.history import Difference, difference
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sabal.refusal import Refusal


@require_safe
@of_petition(Act.EDIT)
def show(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show what was changed and is not public yet, in each language, and what comes next."""
    _refuse_draft(petition)
    change = change_of(petition)
    user = user_of(request)
    acts = roles.in_petition(user, petition)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "change": change,
        "differences": _differences(change) if change else [],
        "languages": drafts.published_definition(petition).languages,
        "may_publish": Act.PUBLISH in acts,
        "ended": petition.state not in drafts.WRITABLE,
        "key_unchecked": bool(change and change.only_keys and not petition.key_check_answered),
        **amending.asked_for(user, petition),
    }
    return render(request, "desk/amendment.html", context)


def _differences(change: PendingAmendment) -> list[tuple[str, Difference]]:
    """Return the differences by language. Keys are the same in every language: the page shows them once."""
    return [
        (language, found)
        for language in change.definition.languages
        if (found := difference(change.before, change.after, language))
        and (found.text or found.terms or found.new_language or found.picture)
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH, dangerous=True)
def publish(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Ask of which kind the change is and why; on POST ask the worker to publish it."""
    _refuse_draft(petition)
    change = change_of(petition)
    if change is None:
        if job := Job.objects.filter(petition=petition, kind="amend").order_by("-asked_at").first():
            return HttpResponseRedirect(reverse("job", args=[petition.slug, job.pk]))
        return HttpResponseRedirect(reverse("amendment", args=[petition.slug]))
    if not change.kinds:
        raise Refusal(
            gettext(
                "This changes the key and something else at once. Publish the change of the key by itself."
            )
        )
    form = AmendmentForm(request.POST or None, change=change)
    if request.method == "POST" and form.is_valid():
        return _ask(request, petition, form)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "form": form,
        "change": change,
        "key_unchecked": change.only_keys and not petition.key_check_answered,
        "wait_hours": int(amending.WAIT.total_seconds() // 3600),
    }
    return render(request, "desk/amend.html", context, status=422 if form.errors else 200)


def _ask(request: HttpRequest, petition: Petition, form: AmendmentForm) -> HttpResponseBase:
    seen = request.POST.get("revision", "")
    kind = form.cleaned_data["kind"]
    is_key = kind == AmendmentKind.KEYS
    if is_key and not petition.key_check_answered:
        raise Refusal(gettext("First check that the new key opens what is encrypted to it."))
    job = tasks.ask(
        user_of(request),
        "amend",
        petition,
        int(seen) if re.fullmatch("[0-9]{1,9}", seen) else 0,
        due_at=timezone.now() + amending.WAIT if is_key else None,
        details={"amendment": {"kind": kind, "why": form.why()}},
    )
    if is_key:
        audit.record(user_of(request), "keys-asked", petition=petition)
        return HttpResponseRedirect(reverse("amendment", args=[petition.slug]))
    return HttpResponseRedirect(reverse("job", args=[petition.slug, job.pk]))


@require_POST
@of_petition(Act.PUBLISH, dangerous=True)
def agree(request: HttpRequest, petition: Petition, job: str) -> HttpResponseBase:
    """Let a second owner agree to a new key, which is then used at once."""
    found = find_job(petition, job)
    tasks.agree(user_of(request), found)
    return HttpResponseRedirect(reverse("job", args=[petition.slug, found.pk]))


def _refuse_draft(petition: Petition) -> None:
    if petition.state == Petition.State.DRAFT:
        raise Refusal(gettext("This petition is not published yet. Its text can be edited as it is."))
