"""The page of an invitation: choose a password, and come in. Opening it changes nothing; its button does."""

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_http_methods

from sabal.accounts import invitations
from sabal.accounts.acts import MEANINGS, NAMES, TeamRole
from sabal.accounts.models import Invitation, User
from sabal.desk import translating
from sabal.desk.forms import NewPassword
from sabal.desk.views.home import speak
from sabal.desk.views.languages import named_for_reader
from sabal.desk.views.people import place_name
from sabal.refusal import Refusal


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the invitation; on POST accept it and sign in."""
    now = datetime.now(UTC)
    try:
        invitation = invitations.find(token, now)
    except Refusal:
        return render(request, "desk/link_not_good.html", status=410)
    user = invitations.user_of(invitation)
    if user is not None and user.is_active and not invitation.resets:
        return _join(request, invitation, user, now)
    with _spoken(request, invitation):
        form = NewPassword(request.POST or None, user=user or User(email=invitation.email))
        if request.method != "POST" or not form.is_valid():
            context = {**_told(invitation), "form": form, "known": user is not None}
            return render(request, "desk/welcome.html", context, status=422 if form.errors else 200)
    user = invitations.accept(
        invitation,
        now,
        expected=user,
        name=form.cleaned_data["name"],
        password=form.cleaned_data["password1"],
    )
    return _keep_language(request, invitation, user, _sign_in(request, user, _first_page(invitation)))


def _join(request: HttpRequest, invitation: Invitation, user: User, now: datetime) -> HttpResponseBase:
    """Give an existing user the new role, after they have signed in as the person who was invited."""
    with _spoken(request, invitation):
        if request.user != user:
            context = {**_told(invitation), "other": request.user}
            return render(request, "desk/welcome_back.html", context)
        if request.method != "POST":
            return render(request, "desk/join.html", _told(invitation))
    invitations.accept(invitation, now, expected=user)
    return HttpResponseRedirect(_first_page(invitation))


def _told(invitation: Invitation) -> dict[str, object]:
    """Return who invites, to what and as what, in words."""
    role = TeamRole(invitation.role) if invitation.role else None
    told = {
        "role": role and NAMES[role],
        "meaning": role and MEANINGS[role],
        "place": place_name(invitation.organisation, invitation.petition),
        "language": named_for_reader(invitation.language) if invitation.language else None,
    }
    return {"invitation": invitation, "told": told}


def _first_page(invitation: Invitation) -> str:
    """Return the page on which the work begins: that of the language for a translator, that of the petition, or all."""
    petition, language = invitation.petition, invitation.language
    if petition is None:
        return reverse("home")
    if invitation.role != TeamRole.TRANSLATOR:
        return reverse("petition", args=[petition.slug])
    if language and translating.sheet(petition, language) is not None:
        return reverse("translate", args=[petition.slug, language])
    return reverse("languages", args=[petition.slug])


def _spoken(request: HttpRequest, invitation: Invitation) -> AbstractContextManager[None]:
    """Speak the language of a translator, if the desk does and the person has not chosen another one."""
    language = _desk_language(invitation)
    if not language or settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        return nullcontext()
    return translation.override(language)


def _desk_language(invitation: Invitation) -> str:
    return invitation.language if invitation.language in dict(settings.LANGUAGES) else ""


def _keep_language(
    request: HttpRequest, invitation: Invitation, user: User, response: HttpResponseBase
) -> HttpResponseBase:
    """Let the desk speak on as its first page did."""
    language = _desk_language(invitation)
    if language and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        speak(response, language)
        User.objects.filter(pk=user.pk).update(language=language)
    return response


def _sign_in(request: HttpRequest, user: User, page: str) -> HttpResponseBase:
    request.session.flush()  # end the session of any other person
    response: HttpResponseBase = perform_login(request, user, email_verification="none", redirect_url=page)
    record_authentication(request, user, method="password", email=user.email, reauthenticated=True)
    return response
