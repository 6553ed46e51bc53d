"""One petition: its numbers, its state, and how it will look."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal import settings
from sabal.accounts import audit, listowners, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation
from sabal.desk import moderating, translating
from sabal.desk.access import of_petition, user_of
from sabal.desk.amending import asked_for, page_after_saving
from sabal.desk.checklist import checklist
from sabal.desk.framed import framed, identity_of
from sabal.desk.numbers import counts_by_petition
from sabal.desk.planning import plan_of
from sabal.desk.recorded import late_answers
from sabal.desk.titles import definition_of, public_definition_of, title_of
from sabal.elsewhere import invitations
from sabal.petitions.counts import Counts
from sabal.petitions.definition import Definition
from sabal.petitions.models import Petition
from sabal.petitions.profile import REOPEN_DAYS
from sabal.publishing import drafts, states
from sabal.publishing import preview as previews

State = Petition.State


@require_safe
@of_petition(Act.VIEW)
def show(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show the numbers, what comes next, and what can be done."""
    definition, today = public_definition_of(petition), datetime.now(UTC).date()
    organisation = Organisation.objects.filter(ownerships__petition=petition).first()
    user = user_of(request)
    owned = roles.organisations_where(user, Act.ORGANISE)
    may_assign = Act.ORGANISE in roles.in_scope(user, organisation, None)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "definition": definition,
        "counts": counts_by_petition().get(petition.pk, Counts()),
        "checks": checklist(petition, definition),
        "languages": definition.languages if definition else (),
        "public_page": f"{settings.BASE_URL}/{_public_language(definition)}/{petition.slug}",
        "organisation": organisation,
        "choices": [one for one in owned if one != organisation] if may_assign else [],
        **_may(roles.in_petition(user, petition), petition),
        "amended": drafts.has_amendment(petition),
        "held": moderating.held_in(petition) if Act.MODERATE in roles.in_petition(user, petition) else 0,
        "plan": plan_of(petition),
        **asked_for(user, petition),
        "may_reopen": _may_reopen(petition, today),
        "reopen_until": petition.closed_on and petition.closed_on + timedelta(days=REOPEN_DAYS),
        "last_day": definition.last_day if definition else None,
        "late_answers": late_answers(petition, today),
    }
    return render(request, "desk/petition.html", context)


def _public_language(definition: Definition | None, wanted: str = "") -> str:
    """Return the wanted language or the reader's if the public page has it, else the authoritative one."""
    if definition is None:
        return "en"
    found = (one for one in (wanted, get_language() or "") if one in definition.languages)
    return next(found, definition.authoritative)


def _may(acts: frozenset[Act], petition: Petition) -> dict[str, bool]:
    """Return which links the page has."""
    may_edit = Act.EDIT in acts
    return {
        "may_edit_this": may_edit,
        "may_discard": may_edit and petition.state == State.DRAFT,
        "may_amend": may_edit and petition.state in (State.OPEN, State.PAUSED),
        "may_publish": Act.PUBLISH in acts,
    }


def _may_reopen(petition: Petition, today: date) -> bool:
    """Return whether a closed petition can still be opened again."""
    closed = petition.closed_on
    return (
        petition.state == State.CLOSED
        and closed is not None
        and today <= closed + timedelta(days=REOPEN_DAYS)
        and not petition.finalise_early
    )


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH)
def pause(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Say what a pause does; on POST pause."""
    return _change(request, petition, "pause", "paused", partial(states.pause, petition.slug))


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH)
def resume(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Say what opening again does; on POST open."""
    today = datetime.now(UTC).date()
    return _change(request, petition, "resume", "resumed", partial(states.resume, petition.slug, today))


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def discard(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Say that a draft or an amendment is deleted; on POST delete it."""
    amended = drafts.has_amendment(petition)
    if petition.state != State.DRAFT and not amended:
        raise Http404
    if request.method != "POST":
        context = {"petition": petition, "title": title_of(petition), "amended": amended}
        return render(request, "desk/discard.html", context)
    what, title = ("amendment-discarded", "") if amended else ("discarded", title_of(petition))
    with transaction.atomic():
        audit.record(user_of(request), what, petition=petition, details=title)
        drafts.discard(petition.slug)
    return HttpResponseRedirect(page_after_saving(petition) if amended else reverse("home"))


def _change(
    request: HttpRequest, petition: Petition, template: str, done: str, change: Callable[[], None]
) -> HttpResponseBase:
    """Show the page that says what a change does; on POST make it, with its line in the audit log."""
    if request.method != "POST":
        context = {"petition": petition, "title": title_of(petition)}
        return render(request, f"desk/{template}.html", context)
    with transaction.atomic():
        change()
        audit.record(user_of(request), done, petition=petition)
    return HttpResponseRedirect(reverse("petition", args=[petition.slug]))


@require_POST
@of_petition(Act.ORGANISE, dangerous=True)
def assign(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Give the petition to another organisation. The user must own what it leaves and what it goes to.

    Its lists of people to invite end.
    """
    user = user_of(request)
    chosen = Organisation.objects.filter(key=request.POST.get("organisation", "")).first()
    if chosen is None or Act.ORGANISE not in roles.in_organisation(user, chosen):
        raise Http404
    present = Organisation.objects.filter(ownerships__petition=petition).first()
    if Act.ORGANISE not in roles.in_scope(user, present, None):
        raise Http404
    with transaction.atomic():
        invitations.stop_others(user, petition, chosen.key)
        listowners.give(petition, chosen)
        if petition.state != State.DRAFT:
            drafts.bump(petition)  # its pages show another organisation's logo and colour
        audit.record(user, "assigned", petition=petition, organisation=chosen, details=chosen.name)
    return HttpResponseRedirect(reverse("petition", args=[petition.slug]))


@require_safe
@of_petition(Act.READ)
def preview(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show the newest text as the public will see it, in one of its languages, as on a computer or on a phone."""
    definition = definition_of(petition)
    languages = definition.languages if definition else ()
    if definition:  # those that wait for words too
        languages = tuple(
            dict.fromkeys([*languages, *(one.language for one in translating.sheets(petition))])
        )
    wanted = (request.GET.get("language"), roles.language_in(user_of(request), petition), get_language())
    found = (one for one in wanted if one in languages)
    language = next(found, None) or (definition.authoritative if definition else "")
    context = {
        "petition": petition,
        "title": title_of(petition),
        "languages": languages,
        "language": language,
        "public_language": _public_language(public_definition_of(petition), language),
        "phone": request.GET.get("width") == "phone",
        "may_view_this": Act.VIEW in roles.in_petition(user_of(request), petition),
        "waits": definition is not None and language not in definition.languages,
    }
    return render(request, "desk/preview.html", context)


@csrf_exempt  # it stores nothing, and the public form has no token of the desk
@of_petition(Act.READ)
def preview_page(request: HttpRequest, petition: Petition, language: str) -> HttpResponse:
    """Answer with a page of the preview: the public page itself, which only the desk may frame."""
    return framed(
        previews.answer(
            lambda: translating.with_language(petition, language),
            request.method or "GET",
            request.path,
            request.body,
            identity_of(petition),
        )
    )
