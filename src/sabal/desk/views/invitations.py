"""People who signed elsewhere: counted in memory, or invited once to sign here."""

from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal import settings
from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.desk import tasks, testinvitation
from sabal.desk.access import of_petition, user_of
from sabal.desk.arriving import FAULTS, WHY_NOT, said
from sabal.desk.models import Job
from sabal.desk.peopleforms import PeopleForm
from sabal.desk.titles import public_definition_of, title_of
from sabal.desk.views.emails import EXAMPLE, POLICY
from sabal.desk.views.jobs import is_late
from sabal.elsewhere import invitations, people
from sabal.elsewhere.found import NotRecognised
from sabal.elsewhere.inviting import PER_HOUR
from sabal.elsewhere.models import InvitationList
from sabal.elsewhere.people import Numbers
from sabal.elsewhere.recognise import MOST_BYTES, people_of
from sabal.mail.content import Content
from sabal.mail.invitation import invitation_content
from sabal.mail.row import Origin
from sabal.petitions.definition import Definition
from sabal.petitions.models import Petition
from sabal.refusal import Refusal

MOST_TESTS = 5  # an hour
SHOWN_FOR = timedelta(minutes=30)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH)
def index(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Ask for a list; on POST count its people, or make a list of invitations. Addresses are in memory alone."""
    definition = _definition(petition)
    invite = _may_invite(request, petition, definition)
    form = PeopleForm(request.POST or None, request.FILES or None, definition=definition, invite=invite)
    problem = ""
    try:
        if _length(request) > MOST_BYTES:
            raise NotRecognised("large")
        if request.method == "POST" and form.is_valid():
            numbers = Numbers()
            table = people_of(form.cleaned_data["file"].chunks())
            if form.is_invitation:
                made = invitations.make(user_of(request), petition, table, numbers, form.reason())
                return _to(made)
            for _ in people.invitees(table, numbers):
                pass
            return _counted(request, petition, numbers)
    except NotRecognised as error:
        problem = str(WHY_NOT[error.code])
    context = {
        "petition": petition,
        "title": title_of(petition),
        "form": form,
        "problem": problem,
        "invite": invite,
        "guarded": definition.profile == "guarded",
        "lists": _lists(petition).select_related("user").order_by("-pk")[:20] if invite else (),
    }
    return render(
        request, "desk/people_elsewhere.html", context, status=422 if problem or form.errors else 200
    )


@require_safe
@of_petition(Act.SEND)
def show(request: HttpRequest, petition: Petition, pk: int) -> HttpResponse:
    """Show the invitation as it will arrive, and how far a list is."""
    made, definition = _found(petition, pk), _definition(petition)
    language = _language(request, definition, made)
    tests = Job.objects.filter(user=user_of(request), petition=petition, kind=testinvitation.KIND)
    last = tests.filter(asked_at__gte=timezone.now() - SHOWN_FOR).order_by("-asked_at").first()
    done = made.queued + made.left_out
    context = {
        "petition": petition,
        "title": title_of(petition),
        "list": made,
        "faults": said(made.numbers.get("faults", {})),
        "rows": made.numbers.get("rows", 0),
        "columns": made.numbers.get("columns"),
        "languages": definition.languages,
        "language": language,
        "content": _content(definition, language, made),
        "sender": settings.MAIL_FROM,
        "done": done,
        "hours": max(1, -(-(made.addresses - done) // PER_HOUR)),
        "to": user_of(request).email,
        "last": last,
        "late": last is not None and is_late(last),
        "may_begin": _may_invite(request, petition, definition),
    }
    response = render(request, "desk/invitation.html", context)
    if made.started_at and not made.ended_at:
        response.headers["Refresh"] = "10"
    return response


@require_safe
@of_petition(Act.SEND)
def as_html(request: HttpRequest, petition: Petition, pk: int) -> HttpResponse:
    """Answer with the HTML of the invitation, which only the desk may frame."""
    made, definition = _found(petition, pk), _definition(petition)
    language = _language(request, definition, made)
    words = _site_language(language)
    with override(words):
        shown = _content(definition, language, made).as_html(words)
    headers = {"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HttpResponse(shown, headers=headers)


@require_POST
@of_petition(Act.SEND)
def test(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Let the worker send the invitation to the person who asks, once in each language."""
    made, user = _found(petition, pk), user_of(request)
    since = datetime.now(UTC) - timedelta(hours=1)
    if Job.objects.filter(user=user, kind=testinvitation.KIND, asked_at__gte=since).count() >= MOST_TESTS:
        raise Refusal(gettext("You have sent five tests within an hour. Wait a while before the next one."))
    tasks.ask(user, testinvitation.KIND, petition, petition.revision, details={"list": made.pk})
    return _to(made)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND, dangerous=True)
def begin(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Let the worker write to the people of a list."""
    made, definition = _found(petition, pk), _definition(petition)
    if request.method == "POST":
        if not _may_invite(request, petition, definition):
            raise Refusal(
                gettext("People can be invited while the petition is open, and nobody could be harmed by it.")
            )
        invitations.begin(user_of(request), made)
    return _to(made)


@require_POST
@of_petition(Act.SEND)
def stop(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Write to nobody else of a list, and delete its addresses."""
    made = _found(petition, pk)
    invitations.stop(user_of(request), made)
    return _to(made)


def _counted(request: HttpRequest, petition: Petition, numbers: Numbers) -> HttpResponse:
    context = {
        "petition": petition,
        "title": title_of(petition),
        "numbers": numbers,
        "faults": said(numbers.faults),
        "shown": [(line, FAULTS[why]) for line, why in numbers.shown],
    }
    return render(request, "desk/people_counted.html", context)


def _may_invite(request: HttpRequest, petition: Petition, definition: Definition) -> bool:
    """Return whether this person may invite people: never to a guarded petition, and only while people can sign."""
    is_open = petition.state == Petition.State.OPEN and datetime.now(UTC).date() <= definition.last_day
    may = Act.SEND in roles.in_petition(user_of(request), petition)
    return is_open and may and definition.profile == "open"


def _content(definition: Definition, language: str, made: InvitationList) -> Content:
    with override(_site_language(language)):
        return invitation_content(
            definition, language, Origin(made.platform, made.title), settings.BASE_URL, EXAMPLE
        )


def _definition(petition: Petition) -> Definition:
    definition = public_definition_of(petition)
    if definition is None:
        raise Refusal(
            gettext("This version of the server cannot read this text. Tell the operator of this server.")
        )
    return definition


def _language(request: HttpRequest, definition: Definition, made: InvitationList) -> str:
    wanted = request.GET.get("language", ""), made.language
    return next((one for one in wanted if one in definition.languages), definition.authoritative)


def _site_language(language: str) -> str:
    return language if language in settings.SITE_LANGUAGES else "en"


def _lists(petition: Petition) -> QuerySet[InvitationList]:
    """Return the lists that the organisation which has the petition now has uploaded, not those of one before it."""
    return InvitationList.objects.filter(petition=petition, organisation=audit.owner_key(petition))


def _found(petition: Petition, pk: int) -> InvitationList:
    found = _lists(petition).filter(pk=pk).select_related("petition", "user").first()
    if found is None:
        raise Http404
    return found


def _to(made: InvitationList) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("invitation", args=[made.petition.slug, made.pk]))


def _length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0
