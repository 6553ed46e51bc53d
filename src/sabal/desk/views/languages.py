"""The languages of a petition: how far each is, and its pieces beside those of the authoritative language."""

from typing import Any

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal.accounts import roles
from sabal.accounts.acting import is_script
from sabal.accounts.acts import Act
from sabal.desk import languages, translating
from sabal.desk.access import of_petition, user_of
from sabal.desk.autosave import form_of
from sabal.desk.pieces import groups, sentence
from sabal.desk.refusals import said
from sabal.desk.titles import title_of
from sabal.desk.translating import Outcome, Sheet, Typed
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sabal.refusal import Refusal


@require_safe
@of_petition(Act.TRANSLATE)
def index(request: HttpRequest, petition: Petition) -> HttpResponse:
    """List the languages, with what is missing and outdated in each."""
    definition = drafts.definition_of(petition)
    context = {
        "authoritative": named_for_reader(definition.authoritative),
        "rows": [
            {"sheet": one, "language": named_for_reader(one.language)} for one in translating.sheets(petition)
        ],
    }
    return render(request, "desk/languages.html", {**of_page(request, petition), **context})


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.TRANSLATE)
def translate(request: HttpRequest, petition: Petition, language: str) -> HttpResponseBase:
    """Show the pieces of a language beside their source; on POST save those that were changed."""
    sheet = translating.sheet(petition, language)
    if sheet is None:
        raise Http404
    if request.method != "POST":
        return _page(request, petition, sheet, Typed({}), Outcome())
    typed, refused = typed_in(request), ""
    try:
        outcome = translating.save(user_of(request), petition, language, typed)
    except Refusal as error:
        outcome, refused = Outcome(), said(error)
    sheet = translating.sheet(petition, language) or sheet
    if is_script():
        return _in_few_words(sheet, outcome, refused)
    if outcome.conflicts or outcome.faults or refused:
        return _page(request, petition, sheet, typed, outcome, refused)
    messages.success(request, _said(sheet, outcome))
    return HttpResponseRedirect(reverse("translate", args=[petition.slug, language]))


def typed_in(request: HttpRequest) -> Typed:
    """Return the pieces in a form. Keys that the petition does not have are ignored when it is saved."""
    fields: dict[str, dict[str, str]] = {"text": {}, "seen": {}, "right": {}}
    for name, value in request.POST.items():
        kind, _colon, key = name.partition(":")
        if key and kind in fields:
            fields[kind][key] = str(value)
    return Typed(fields["text"], fields["seen"], tuple(fields["right"]), form_of(request))


def _said(sheet: Sheet, outcome: Outcome) -> str:
    if outcome.joined:
        return _("Saved. The language is complete: it is part of the petition now, and is published with it.")
    if sheet.missing:
        return ngettext(
            "Saved. %(count)s piece is missing.", "Saved. %(count)s pieces are missing.", sheet.missing
        ) % {"count": sheet.missing}
    if outcome.waits:
        return _(
            "Saved. The language is complete, and becomes part of the petition when its text can be changed."
        )
    return _("Saved. Nothing is missing.")


def _in_few_words(sheet: Sheet, outcome: Outcome, refused: str) -> JsonResponse:
    """Answer the page's script: what it shows now, and why something was not saved."""
    problem = refused
    if outcome.faults:
        problem = _("A piece cannot be saved as it is. “Save” shows which, and why.")
    if outcome.conflicts:
        problem = _("Somebody else changed a piece meanwhile. “Save” shows both texts.")
    # What the page showed of a conflict stays, so that “Save” finds it too.
    seen = {f"seen:{one.key}": one.seen for one in sheet.pieces if one.key in outcome.changed}
    done = [one.key for one in sheet.pieces if one.state == "done"]
    said = {"fields": seen, "texts": {"progress": progress(sheet)}, "done": done, "problem": problem}
    return JsonResponse(said, status=409 if problem else 200)


def progress(sheet: Sheet) -> str:
    """Return how far a language is, in a few words."""
    return _("%(done)s of %(total)s") % {"done": sheet.done, "total": sheet.total}


def _page(
    request: HttpRequest,
    petition: Petition,
    sheet: Sheet,
    typed: Typed,
    outcome: Outcome,
    refused: str = "",
) -> HttpResponse:
    wrong = {key: str(sentence(fault, key)) for key, fault in outcome.faults.items()}
    unsaved = (
        typed.texts if refused else {key: typed.texts.get(key, "") for key in (*wrong, *outcome.conflicts)}
    )
    context = {
        "sheet": sheet,
        "language": named_for_reader(sheet.language),
        "source": named_for_reader(sheet.authoritative),
        "groups": groups(sheet, unsaved, wrong, outcome.conflicts),
        "refused": refused,
        "wrong": wrong,
        "conflicts": outcome.conflicts,
        "other": wrong.get("", ""),
        "progress": progress(sheet),
    }
    status = 422 if wrong or refused or outcome.conflicts else 200
    return render(request, "desk/translate.html", {**of_page(request, petition), **context}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def add(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Search for a language; on POST add it."""
    if request.method == "POST":
        tag = request.POST.get("language", "")
        languages.add(user_of(request), petition, tag)
        return HttpResponseRedirect(reverse("translate", args=[petition.slug, tag]))
    words = request.GET.get("q", "")[:60]
    taken = {one.language for one in translating.sheets(petition)}
    taken.add(drafts.definition_of(petition).authoritative)
    found = languages.search(words, get_language() or "en", taken)
    context = {"words": words, "found": found, "most": languages.FOUND}
    return render(request, "desk/add_language.html", {**of_page(request, petition), **context})


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def remove(request: HttpRequest, petition: Petition, language: str) -> HttpResponseBase:
    """Say what removing a language does; on POST remove it."""
    sheet = translating.sheet(petition, language)
    if sheet is None:
        raise Http404
    if request.method != "POST":
        context = {"language": named_for_reader(language), "sheet": sheet}
        return render(request, "desk/remove_language.html", {**of_page(request, petition), **context})
    languages.remove(user_of(request), petition, language)
    messages.success(request, _("The language was removed. If you add it again, its words are there again."))
    return HttpResponseRedirect(reverse("languages", args=[petition.slug]))


@require_POST
@of_petition(Act.EDIT)
def leave_out(request: HttpRequest, petition: Petition, language: str) -> HttpResponseBase:
    """Take a language that is not complete out of the petition, so that the others can be published."""
    sheet = translating.sheet(petition, language)
    if sheet is None or not sheet.joined:
        raise Http404
    languages.leave_out(user_of(request), petition, language)
    messages.success(
        request, _("The language is left out until it is complete. The others can be published.")
    )
    return HttpResponseRedirect(reverse("languages", args=[petition.slug]))


def named_for_reader(tag: str) -> languages.Language:
    """Return a language with its names for the reader."""
    return languages.named(tag, get_language() or "en")


def of_page(request: HttpRequest, petition: Petition) -> dict[str, Any]:
    """Return what every page of the languages needs."""
    acts = roles.in_petition(user_of(request), petition)
    return {
        "petition": petition,
        "title": title_of(petition),
        "may_edit_this": Act.EDIT in acts,
        "may_view_this": Act.VIEW in acts,
    }
