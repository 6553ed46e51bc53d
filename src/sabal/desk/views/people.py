"""The people who work here: who has which role where, invitations, and removal."""

from datetime import UTC, datetime
from typing import TypeVar

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal import settings
from sabal.accounts import audit, invitations, roles
from sabal.accounts.acts import MEANINGS, NAMES, OFFERED, RIGHT_NAMES, Act, TeamRole, acts_of
from sabal.accounts.models import Invitation, Membership, Organisation, Scope, User
from sabal.desk import languages, translating
from sabal.desk.access import of_site, user_of
from sabal.desk.forms import Grant, Invite
from sabal.desk.refusals import said
from sabal.desk.titles import title_of
from sabal.desk.views.languages import named_for_reader
from sabal.petitions.models import Petition
from sabal.refusal import Refusal

S = TypeVar("S", bound=Scope)
PAGE = 50


@require_safe
@of_site(Act.INVITE)
def index(request: HttpRequest) -> HttpResponse:
    """List the people of the places where the user may invite, and the open invitations."""
    user = user_of(request)
    waiting = Invitation.objects.filter(used_at=None, expires_at__gt=datetime.now(UTC), resets=False)
    people = _governed(user, Membership.objects.select_related("user"))
    page = Paginator(people, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "members": [_shown(one) for one in page],
        "waiting": [_shown(one) for one in _governed(user, waiting)],
        "meanings": [(NAMES[role], MEANINGS[role]) for role in OFFERED],
    }
    return render(request, "desk/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.INVITE, dangerous=True)
def invite(request: HttpRequest) -> HttpResponseBase:
    """Invite a person. The page that follows shows the link, which the user passes on."""
    user = user_of(request)
    asked = {name: request.GET[name] for name in ("place", "role", "language") if name in request.GET}
    form = Invite(request.POST or None, user=user, initial=asked)
    if request.method == "POST" and form.is_valid():
        place, _, key = form.cleaned_data["place"].partition(":")
        organisation = form.organisations[key] if place == "organisation" else None
        petition = form.petitions[key] if place == "petition" else None
        role, rights = TeamRole(form.cleaned_data["role"]), tuple(form.cleaned_data["rights"])
        _refuse_more_than_own(user, acts_of(role, rights), organisation, petition)
        language = form.cleaned_data["language"]
        try:
            with transaction.atomic():
                added = petition is not None and bool(language) and _add_language(user, petition, language)
                token = invitations.invite(
                    form.cleaned_data["email"],
                    role,
                    datetime.now(UTC),
                    invited_by=user,
                    rights=rights,
                    organisation=organisation,
                    petition=petition,
                    language=language,
                )
        except NoLanguage as error:
            form.add_error("language", said(error))
        else:
            context = {
                "email": form.cleaned_data["email"],
                "link": f"{settings.DESK_URL}{reverse('welcome', args=[token])}",
                "role": NAMES[role],
                "place": place_name(organisation, petition),
                "added": added and named_for_reader(language),
            }
            return render(request, "desk/invited.html", context)
    return render(request, "desk/invite.html", {"form": form}, status=422 if form.errors else 200)


class NoLanguage(Refusal):
    """The language of a translator cannot be added."""


def _add_language(user: User, petition: Petition, language: str) -> bool:
    """Add the language of a translator to the petition; return whether it was not there. Raises NoLanguage."""
    if translating.sheet(petition, language) is not None:
        return False
    if Act.EDIT not in roles.in_petition(user, petition):
        raise NoLanguage(
            gettext("The petition does not have this language, and you cannot add it. Ask an editor.")
        )
    try:
        languages.add(user, petition, language)
    except Refusal as error:
        raise NoLanguage(said(error)) from error
    return True


@require_POST
@of_site(Act.INVITE)
def withdraw_invitation(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Withdraw an invitation that nobody has used: its link stops working."""
    waiting = Invitation.objects.filter(used_at=None, resets=False)
    invitation = _one(_governed(user_of(request), waiting), pk)
    _refuse_more_than_own(user_of(request), _acts(invitation), invitation.organisation, invitation.petition)
    with transaction.atomic():
        invitation.delete()
        audit.record(
            user_of(request),
            "invitation-withdrawn",
            petition=invitation.petition,
            organisation=invitation.organisation,
            details=invitation.email,
        )
    return HttpResponseRedirect(reverse("people"))


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.INVITE, dangerous=True)
def change(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Change the role of a person in one place."""
    user = user_of(request)
    membership = _one(_governed(user, Membership.objects.select_related("user")), pk)
    form = Grant(request.POST or None, initial={"role": membership.role, "rights": membership.rights})
    if request.method == "POST" and form.is_valid():
        role = TeamRole(form.cleaned_data["role"])
        rights = form.cleaned_data["rights"]
        for acts in (_acts(membership), acts_of(role, rights)):
            _refuse_more_than_own(user, acts, membership.organisation, membership.petition)
        with transaction.atomic():
            if role != TeamRole.OWNER:
                _refuse_last_owner(membership)
            membership.give(role, rights, datetime.now(UTC))
            _record(user, "role-changed", membership, f"{membership.user.email}: {role.value}")
        return HttpResponseRedirect(reverse("people"))
    place = place_name(membership.organisation, membership.petition)
    context = {"membership": membership, "form": form, "place": place}
    return render(request, "desk/member.html", context, status=422 if form.errors else 200)


@require_POST
@of_site(Act.INVITE, dangerous=True)
def remove(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Take a role away. A person without any role is signed out everywhere at once."""
    user = user_of(request)
    membership = _one(_governed(user, Membership.objects.select_related("user")), pk)
    _refuse_more_than_own(user, _acts(membership), membership.organisation, membership.petition)
    with transaction.atomic():
        _refuse_last_owner(membership)
        membership.delete()
        person = membership.user
        Invitation.objects.filter(invited_by=person, used_at=None).delete()
        if not person.memberships.exists():
            User.objects.filter(pk=person.pk).update(is_active=False)
        _record(user, "removed", membership, person.email)
    return HttpResponseRedirect(reverse("people"))


def _governed(user: User, scopes: QuerySet[S]) -> QuerySet[S]:
    """Return those roles or invitations that a user may change, in the order of their places."""
    found = scopes.select_related("organisation", "petition__version").order_by(
        "organisation__name", "petition", "pk"
    )
    if Act.INVITE in roles.in_site(user):
        return found
    theirs = Q(organisation__in=roles.organisations_where(user, Act.INVITE), petition=None)
    return found.filter(theirs | Q(petition__in=roles.petitions_where(user, Act.INVITE)))


def _one(scopes: QuerySet[S], pk: int) -> S:
    found = scopes.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _refuse_more_than_own(
    user: User,
    acts: frozenset[Act],
    organisation: Organisation | None,
    petition: Petition | None,
) -> None:
    """Refuse to give, change or take away what the user does not have: else they could make themselves an owner."""
    if not acts <= roles.in_scope(user, organisation, petition):
        raise Refusal(
            gettext(
                "You can only give or change roles and rights that you have yourself. Ask an owner to do this."
            )
        )


def _refuse_last_owner(membership: Membership) -> None:
    if roles.is_last_owner(membership):
        raise Refusal(
            gettext(
                "This is the last owner. Make another person an owner first, who can then invite and publish."
            )
        )


def _acts(scope: Scope) -> frozenset[Act]:
    return acts_of(TeamRole(scope.role), scope.rights)


def _record(user: User, what: str, membership: Membership, details: str) -> None:
    audit.record(
        user, what, petition=membership.petition, organisation=membership.organisation, details=details
    )


def place_name(organisation: Organisation | None, petition: Petition | None) -> str:
    """Return what a person sees of a place: the title of a petition, the name of an organisation, or the whole site."""
    return title_of(petition) if petition else str(organisation or gettext("The whole site"))


def _shown(scope: Membership | Invitation) -> dict[str, object]:
    """Return a role or an invitation with its words."""
    return {
        "scope": scope,
        "place": place_name(scope.organisation, scope.petition),
        "language": named_for_reader(scope.language) if scope.language else None,
        "role": NAMES[TeamRole(scope.role)],
        "rights": [RIGHT_NAMES[Act(right)] for right in scope.rights if right in RIGHT_NAMES],
    }
