"""The page of an invitation: choose a password, and come in. Opening it changes nothing; its button does."""

from datetime import UTC, datetime

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from sabal.accounts import invitations
from sabal.accounts.models import Invitation, User
from sabal.desk.forms import NewPassword
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
    form = NewPassword(request.POST or None, user=user or User(email=invitation.email))
    if request.method == "POST" and form.is_valid():
        user = invitations.accept(
            invitation,
            now,
            expected=user,
            name=form.cleaned_data["name"],
            password=form.cleaned_data["password1"],
        )
        return _sign_in(request, user)
    return render(
        request,
        "desk/welcome.html",
        {"invitation": invitation, "form": form, "known": user is not None},
        status=422 if form.errors else 200,
    )


def _join(request: HttpRequest, invitation: Invitation, user: User, now: datetime) -> HttpResponse:
    """Give an existing user the new role, after they have signed in as the person who was invited."""
    if request.user != user:
        return render(request, "desk/welcome_back.html", {"invitation": invitation, "other": request.user})
    if request.method == "POST":
        invitations.accept(invitation, now, expected=user)
        return HttpResponseRedirect(reverse("home"))
    return render(request, "desk/join.html", {"invitation": invitation})


def _sign_in(request: HttpRequest, user: User) -> HttpResponseBase:
    request.session.flush()  # end the session of any other person
    response: HttpResponseBase = perform_login(request, user, email_verification="none")
    record_authentication(request, user, method="password", email=user.email, reauthenticated=True)
    return response
