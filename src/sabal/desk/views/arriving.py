"""A new petition from another platform: what a file is, what is in it, and the draft. Nothing is stored before that."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation
from sabal.desk.access import may_now, of_site, user_of
from sabal.desk.arriving import FAULTS, WHY_NOT, ArrivalForm, MakeForm, facts_of, kept_sentence, said
from sabal.desk.ownerterms import with_owner
from sabal.desk.views.start import before_the_first, begin, chosen_roles, editable, lines_of, next_number
from sabal.elsewhere import counting, drafting, materials
from sabal.elsewhere.found import Arrival, NotRecognised, as_json, from_json
from sabal.elsewhere.models import OtherCount
from sabal.elsewhere.people import Numbers
from sabal.elsewhere.recognise import MOST_BYTES, recognise
from sabal.petitions.definition import FolderError
from sabal.petitions.letters import letter

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.EDIT)
def new(request: HttpRequest) -> HttpResponseBase:
    """Ask for a file; show what was recognised; let a person choose one of several petitions; make the draft."""
    if request.method == "POST" and "found" in request.POST:
        return _with_found(request)
    form = ArrivalForm(request.POST or None, request.FILES or None, organisations=editable(user_of(request)))
    try:
        if _length(request) > MOST_BYTES:
            raise NotRecognised("large")
        if request.method != "POST" or not form.is_valid():
            return _ask(request, form)
        recognised = recognise(form.cleaned_data["file"].read())
        organisation = form.cleaned_data["organisation"]
        if recognised.people is not None:
            return _people(request, recognised.people)
        return _show(request, recognised.petitions, organisation)
    except NotRecognised as error:
        return _ask(request, form, WHY_NOT[error.code])


def _with_found(request: HttpRequest) -> HttpResponseBase:
    """Go on with what an earlier page carries. It is checked again, because a browser can send anything."""
    form = MakeForm(request.POST, organisations=editable(user_of(request)))
    try:
        if not form.is_valid():
            raise NotRecognised("stale")
        arrivals = from_json(form.cleaned_data["found"])
        chosen, organisation = form.cleaned_data["chosen"] or 0, form.cleaned_data["organisation"]
        if chosen >= len(arrivals):
            raise NotRecognised("stale")
        arrival = arrivals[chosen]
        if "make" in request.POST:
            return _make(request, arrival, organisation, form)
        return _show(request, (arrival,), organisation, form.cleaned_data["language"])
    except NotRecognised as error:
        return _ask(request, ArrivalForm(organisations=editable(user_of(request))), WHY_NOT[error.code])


def _ask(request: HttpRequest, form: ArrivalForm, problem: "StrOrPromise" = "") -> HttpResponse:
    wrong = bool(problem or (form.is_bound and form.errors))
    context = {
        "form": ArrivalForm(organisations=editable(user_of(request))) if problem else form,
        "problem": problem,
        "way": "new-elsewhere",
        "organisations": editable(user_of(request)),
        **before_the_first(request),
    }
    return render(request, "desk/new.html", context, status=422 if wrong else 200)


def _people(request: HttpRequest, numbers: Numbers) -> HttpResponse:
    context = {
        "numbers": numbers,
        "faults": said(numbers.faults),
        "shown": [(line, FAULTS[why]) for line, why in numbers.shown],
    }
    return render(request, "desk/arrival_people.html", context)


def _show(
    request: HttpRequest,
    arrivals: tuple[Arrival, ...],
    organisation: Organisation,
    language: str = "",
    problems: tuple[str, ...] = (),
) -> HttpResponse:
    """Show the petition of a file, or the list of several."""
    context: dict[str, object] = {"found": as_json(arrivals), "organisation": organisation}
    if len(arrivals) > 1:
        return render(request, "desk/arrival_choose.html", context | {"arrivals": arrivals})
    arrival = arrivals[0]
    context |= {
        "arrival": arrival,
        "facts": list(facts_of(arrival)),
        "may_count": may_now(request, Act.PUBLISH, roles.in_organisation(user_of(request), organisation)),
        "count": request.method != "POST" or "found" not in request.POST or "count" in request.POST,
    }
    if not arrival.own:
        try:
            reading = drafting.read(arrival, language=language, roles=chosen_roles(request))
            context |= lines_of(reading) | {"language": language or reading.language}
        except FolderError as error:
            problems = tuple(one.sentence for one in error.problems)
    context["problems"] = problems
    return render(request, "desk/arrival.html", context, status=422 if problems else 200)


def _make(
    request: HttpRequest, arrival: Arrival, organisation: Organisation, form: MakeForm
) -> HttpResponseBase:
    """Make the draft, keep what came with it, and enter its count, all or nothing."""
    user, language = user_of(request), form.cleaned_data["language"]
    try:
        if arrival.own:
            files = drafting.own_files(arrival, next_number())
        else:
            reading = drafting.read(arrival, language=language, roles=chosen_roles(request))
            files = letter.folder_from(reading, number=next_number()).files
        with transaction.atomic():
            petition = begin(request, with_owner(files, organisation), organisation)
            kept = materials.keep(user, petition, arrival)
            counts = form.cleaned_data["count"] and arrival.signatures
            if counts and may_now(request, Act.PUBLISH, roles.in_petition(user, petition)):
                counting.enter(user, petition, _counted(arrival))
    except FolderError as error:
        problems = tuple(one.sentence for one in error.problems)
        return _show(request, (arrival,), organisation, language, problems)
    messages.success(request, kept_sentence(kept) if kept else gettext("The draft is made."))
    return HttpResponseRedirect(reverse("petition", args=[petition.slug]))


def _counted(arrival: Arrival) -> counting.Counted:
    """Return what the other platform said of its signatures, and when."""
    today = datetime.now(UTC).date()
    day = date.fromisoformat(arrival.counted_on) if arrival.counted_on else today
    return counting.Counted(
        kind=OtherCount.Kind.PLATFORM,
        place=(urlsplit(arrival.link).hostname or arrival.source).removeprefix("www.")[:200],
        signatures=arrival.signatures or 0,
        day=min(day, today),
        link=arrival.link,
        note=gettext("As the file from %(source)s says.") % {"source": arrival.source},
    )


def _length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0
