"""Links to a petition with a word of the organisation's own choosing, and how many forms each of them brought."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from sabal import settings
from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.database import Database
from sabal.desk.access import of_petition, user_of
from sabal.desk.numbers import connected, numbers_of
from sabal.desk.sourceforms import NewLink
from sabal.desk.titles import public_definition_of, title_of
from sabal.dossier.paper import code_of
from sabal.petitions.models import Petition
from sabal.petitions.profile import PROFILES
from sabal.signing import sources


@require_safe
@of_petition(Act.VIEW)
def index(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Show the links, and how many forms each brought."""
    return _page(request, petition, NewLink())


@require_POST
@of_petition(Act.EDIT)
def start(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Count the forms with a word from now on."""
    if not _is_counted(petition):
        raise Http404
    form = NewLink(request.POST)
    if form.is_valid():
        word = form.cleaned_data["word"]
        try:
            with connected() as database:
                sources.start_counting(database, petition.pk, word)
        except sources.TooManySources:
            form.add_error(
                "word",
                _("A petition has at most %(most)s links. Delete some that are no longer counted.")
                % {"most": sources.MOST},
            )
        else:
            audit.record(user_of(request), "source-started", petition=petition, details=word)
            return _back(petition)
    return _page(request, petition, form)


@require_POST
@of_petition(Act.EDIT)
def stop(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Stop counting the forms with a word."""
    return _changed(request, petition, sources.stop_counting, "source-stopped")


@require_POST
@of_petition(Act.EDIT)
def delete(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Delete a link that is no longer counted."""
    return _changed(request, petition, sources.forget, "source-deleted")


@require_safe
@of_petition(Act.VIEW)
def code(_request: HttpRequest, petition: Petition, word: str) -> HttpResponse:
    """Answer with the QR code of a link, as SVG to print."""
    if not _is_counted(petition):
        raise Http404
    with connected() as database:
        if word not in (one.word for one in sources.of_petition(database, petition.pk)):
            raise Http404
    return HttpResponse(
        code_of(_address(petition, word)),
        content_type="image/svg+xml",
        headers={"Content-Disposition": f'attachment; filename="{petition.slug}-{word}.svg"'},
    )


def _is_counted(petition: Petition) -> bool:
    """Return whether forms of a petition are counted by link: it is published and not guarded."""
    definition = public_definition_of(petition)
    published = petition.state != Petition.State.DRAFT
    return published and definition is not None and not PROFILES[definition.profile].guarded


def _address(petition: Petition, word: str) -> str:
    """Return a link without a language: it leads to the page in the reader's own."""
    return f"{settings.BASE_URL}/{petition.slug}?from={word}"


def _changed(
    request: HttpRequest, petition: Petition, change: Callable[[Database, int, str], bool], what: str
) -> HttpResponseRedirect:
    """Change the link that was asked for, and lead back. One that is not there, or is so already, is no mistake."""
    word = request.POST.get("word", "")[: sources.LONGEST]
    with connected() as database:
        if change(database, petition.pk, word):
            audit.record(user_of(request), what, petition=petition, details=word)
    return _back(petition)


def _back(petition: Petition) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("sources", args=[petition.slug]))


def _page(request: HttpRequest, petition: Petition, form: NewLink) -> HttpResponse:
    context: dict[str, object] = {"petition": petition, "title": title_of(petition), "form": form}
    definition = public_definition_of(petition)
    if petition.state != Petition.State.DRAFT and definition is not None:
        with connected() as database:
            numbers = numbers_of(database, petition, definition)
        context |= {
            "numbers": numbers,
            "links": [{"source": one, "address": _address(petition, one.word)} for one in numbers.sources],
            "may_edit": Act.EDIT in roles.in_petition(user_of(request), petition),
        }
    return render(request, "desk/sources.html", context, status=422 if form.errors else 200)
