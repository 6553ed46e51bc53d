"""The first page: the petitions of this user. And the choice of a language."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Membership, User
from sabal.desk.access import of_site, user_of
from sabal.desk.numbers import counts_by_petition
from sabal.desk.titles import title_of

PAGE = 50


@require_safe
@of_site(Act.READ)
def show(request: HttpRequest) -> HttpResponse:
    """List the petitions, with their state and number. A translator is led to the languages."""
    counts, user = counts_by_petition(), user_of(request)
    viewed = {one.pk for one in roles.petitions_where(user, Act.VIEW)}
    page = Paginator(roles.petitions(user).select_related("version"), PAGE).get_page(request.GET.get("page"))
    own = Membership.objects.filter(user=user, petition__in=[row.pk for row in page]).exclude(language="")
    translated = dict(own.values_list("petition_id", "language"))
    petitions = [
        {
            "row": row,
            "title": title_of(row),
            "counted": counts[row.pk].counted if row.pk in counts else None,
            "may_view": row.pk in viewed,
            "language": translated.get(row.pk, ""),
            "organisation": getattr(getattr(row, "ownership", None), "organisation", None),
        }
        for row in page
    ]
    return render(request, "desk/home.html", {"petitions": petitions, "page": page})


@login_not_required
@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Keep the language in a cookie, and in the user's row."""
    language, back = request.POST.get("language", ""), request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    if language in dict(settings.LANGUAGES):
        speak(response, language)
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=language)
    return response


def speak(response: HttpResponseBase, language: str) -> None:
    """Keep the language of the desk in a cookie for a year."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )
