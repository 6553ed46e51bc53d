"""What was gathered elsewhere: counts from paper and other platforms, which a second person confirms."""

from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.desk.access import of_petition, user_of
from sabal.desk.countforms import CountForm
from sabal.desk.titles import public_definition_of, title_of
from sabal.elsewhere import counting, materials
from sabal.elsewhere.models import Material, OtherCount
from sabal.petitions.models import Petition


@require_safe
@of_petition(Act.VIEW)
def index(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show the counts that count, those that wait for a second person, and those that were corrected or refused."""
    user = user_of(request)
    counts = list(
        OtherCount.objects.filter(petition=petition)
        .select_related("entered_by", "decided_by", "corrects")
        .order_by("-pk")
    )
    corrected = {one.corrects_id for one in counts if one.confirmed}
    valid = [one for one in counts if one.confirmed and one.pk not in corrected and one.signatures]
    definition = public_definition_of(petition)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "waiting": [one for one in counts if one.waits],
        "valid": valid,
        "total": sum(one.signatures for one in valid),
        "past": [one for one in counts if not one.waits and one not in valid],
        "corrected": corrected,
        "being_corrected": {one.corrects_id for one in counts if one.waits},
        "materials": Material.objects.filter(petition=petition).order_by("day", "pk"),
        "may_edit_this": Act.EDIT in roles.in_petition(user, petition),
        "may_publish": Act.PUBLISH in roles.in_petition(user, petition),
        "alone": not _others_may_publish(petition, user.pk),
        "me": user,
        "languages": definition.languages if definition else (),
    }
    return render(request, "desk/elsewhere.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH)
def enter(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Ask for a count; on POST store it. The public sees it once a second person agrees."""
    given = {name: request.GET[name] for name in ("kind", "place", "signatures") if request.GET.get(name)}
    form = CountForm(request.POST or None, initial={"day": datetime.now(UTC).date(), **given})
    if request.method == "POST" and form.is_valid():
        counting.enter(user_of(request), petition, form.counted())
        return _back(petition)
    return _page(request, petition, form)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH)
def correct(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Ask for the right values of a confirmed count; on POST store them as a count that names it."""
    wrong = _found(petition, pk)
    if not wrong.confirmed:
        raise Http404
    initial = {name: getattr(wrong, name) for name in CountForm.base_fields}
    form = CountForm(request.POST or None, initial=initial, corrects=wrong)
    if request.method == "POST" and form.is_valid():
        counting.enter(user_of(request), petition, form.counted(), corrects=wrong)
        return _back(petition)
    return _page(request, petition, form, wrong)


@require_POST
@of_petition(Act.PUBLISH)
def decide(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Agree or disagree as the second person."""
    counting.decide(user_of(request), _found(petition, pk), agreed=request.POST.get("agreed") == "yes")
    return _back(petition)


@require_POST
@of_petition(Act.PUBLISH)
def take_back(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Delete one's own count before anybody has decided about it."""
    counting.take_back(user_of(request), _found(petition, pk))
    return _back(petition)


@require_POST
@of_petition(Act.EDIT)
def forget(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Delete a text that came with the petition."""
    found = Material.objects.filter(pk=pk, petition=petition).select_related("petition").first()
    if found is None:
        raise Http404
    materials.forget(user_of(request), found)
    return _back(petition)


def _others_may_publish(petition: Petition, user_id: int) -> bool:
    return any(
        Act.PUBLISH in roles.in_petition(one, petition) for one in roles.team(petition) if one.pk != user_id
    )


def _found(petition: Petition, pk: int) -> OtherCount:
    found = OtherCount.objects.filter(pk=pk, petition=petition).select_related("petition").first()
    if found is None:
        raise Http404
    return found


def _back(petition: Petition) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("elsewhere", args=[petition.slug]))


def _page(
    request: HttpRequest, petition: Petition, form: CountForm, wrong: OtherCount | None = None
) -> HttpResponse:
    context = {"petition": petition, "title": title_of(petition), "form": form, "wrong": wrong}
    return render(request, "desk/elsewhere_count.html", context, status=422 if form.errors else 200)
