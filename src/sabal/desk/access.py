"""Who may open a page: each view of the desk names its act here.

A petition or organisation in which a user has no role does not exist for them (404), so that foreign ids reveal
nothing. An act that their role lacks is refused (403). Acts that publish, export, send or invite need a second factor
in this session; dangerous ones need it, or the password, in the last 15 minutes.
"""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation, User
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
    if not is_mfa_enabled(user_of(request)):
        return render(request, "desk/second_factor.html", {"back": request.get_full_path()}, status=403)
    if not _has_shown_second_factor(request):
        return _ask_second_factor(request)
    if dangerous and request.method == "POST":
        raise_if_reauthentication_required(request, app="sabal.desk")
    return None


def _has_shown_second_factor(request: HttpRequest) -> bool:
    return any(record["method"] == "mfa" for record in get_authentication_records(request, user_of(request)))


def _ask_second_factor(request: HttpRequest) -> HttpResponse:
    back = request.get_full_path() if request.method == "GET" else reverse("home")
    page = "mfa_reauthenticate"
    if is_mfa_enabled(user_of(request), [Authenticator.Type.WEBAUTHN]):
        page = "mfa_reauthenticate_webauthn"
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': back})}")
