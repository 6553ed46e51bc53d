"""Who may open a page: each view of the desk names its act here.

A petition or organisation in which a user has no role does not exist for them (404), so that foreign ids reveal
nothing. An act that their role lacks is refused (403). Every act of `NEED_SECOND_FACTOR` needs a second factor in this
session. A view with `dangerous=True` also needs the second factor or the password in the last 15 minutes.
"""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation, User
from sabal.desk import steps
from sabal.petitions.models import Petition

View = Callable[..., HttpResponseBase]
Found = tuple[tuple[object, ...], frozenset[Act]]  # what the view gets, and what the user may do with it


def of_site(act: Act, *, dangerous: bool = False) -> Callable[[View], View]:
    """Let a view be used by those who may do `act` in at least one place; the view itself narrows what it shows."""
    return _guard(act, dangerous, lambda user, captured: ((), roles.anywhere(user)))


def of_petition(act: Act, *, dangerous: bool = False) -> Callable[[View], View]:
    """Let a view be used by those who may do `act` with the petition whose `slug` is in its address."""
    return _guard(act, dangerous, _petition)


def of_organisation(act: Act, *, dangerous: bool = False) -> Callable[[View], View]:
    """Let a view be used by those who may do `act` in the organisation whose `key` is in its address."""
    return _guard(act, dangerous, _organisation)


def _petition(user: User, captured: dict[str, object]) -> Found:
    petition = Petition.objects.select_related("version").filter(slug=captured.pop("slug")).first()
    return (petition,), roles.in_petition(user, petition) if petition else frozenset()


def _organisation(user: User, captured: dict[str, object]) -> Found:
    organisation = Organisation.objects.filter(key=captured.pop("key")).first()
    return (organisation,), roles.in_organisation(user, organisation) if organisation else frozenset()


def _guard(
    act: Act, dangerous: bool, find: Callable[[User, dict[str, object]], Found]
) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **captured: object) -> HttpResponseBase:
            found, acts = find(user_of(request), captured)
            if found and not acts:
                raise Http404
            if found and isinstance(found[0], Petition):
                request.petition_and_acts = (found[0], acts)  # type: ignore[attr-defined]  # for its menu
            return _refusal(request, act, acts, dangerous) or view(request, *found, **captured)

        guarded.act = act  # type: ignore[attr-defined]  # a test reads it
        return guarded

    return decorate


def user_of(request: HttpRequest) -> User:
    """Return the signed-in user. LoginRequiredMiddleware lets nobody else in."""
    assert isinstance(request.user, User)
    return request.user


def _refusal(
    request: HttpRequest, act: Act, acts: frozenset[Act], dangerous: bool
) -> HttpResponseBase | None:
    """Return the page that says why a user may not do `act`, or that asks for a second factor; None if they may."""
    if act not in acts:
        return render(request, "desk/forbidden.html", {"act": act}, status=403)
    if not roles.needs_second_factor([act]):
        return None
    if not has_second_factor(user_of(request)):
        back = steps.page_of(request)
        context = {"back": back, "way": steps.way(steps.FACTOR, back)}
        return render(request, "desk/second_factor.html", context, status=403)
    if not has_shown_second_factor(request):
        return ask_second_factor(request)
    if dangerous and not did_recently_reauthenticate(request):
        return _ask_again(request)
    return None


def may_now(request: HttpRequest, act: Act, acts: frozenset[Act]) -> bool:
    """Return whether `acts` has an act, and this session has shown the second factor that it needs."""
    return act in acts and (not roles.needs_second_factor([act]) or has_shown_second_factor(request))


def has_second_factor(user: User) -> bool:
    """Return whether a user has set up a passkey or an authenticator app."""
    return bool(is_mfa_enabled(user))


def has_shown_second_factor(request: HttpRequest) -> bool:
    """Return whether this session has shown the user's second factor."""
    return any(record["method"] == "mfa" for record in get_authentication_records(request, user_of(request)))


def ask_second_factor(request: HttpRequest) -> HttpResponse:
    """Lead to the page that asks for the second factor, and then back."""
    page = "mfa_reauthenticate"
    if is_mfa_enabled(user_of(request), [Authenticator.Type.WEBAUTHN]):
        page = "mfa_reauthenticate_webauthn"
    return _redirect(reverse(page), request)


def _ask_again(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor or the password again. A form that was sent is dropped: it may contain a secret."""
    return _redirect(get_adapter().get_reauthentication_methods(user_of(request))[0]["url"], request)


def _redirect(page: str, request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(f"{page}?{urlencode({'next': steps.page_of(request)})}")
