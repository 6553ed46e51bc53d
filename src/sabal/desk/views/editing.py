"""Edit a draft: its text in each language, and its terms. What cannot be saved is shown again with the reason."""

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.desk.access import of_petition, user_of
from sabal.desk.editforms import TermsForm, TextForm
from sabal.desk.titles import title_of
from sabal.petitions import editing
from sabal.petitions.definition import FolderError
from sabal.petitions.folder import parse
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sabal.refusal import Refusal


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def text(request: HttpRequest, petition: Petition, language: str) -> HttpResponseBase:
    """Edit the text in one language."""
    _refuse_published(petition)
    files = drafts.export_files(petition.slug)
    name = f"{language}.md"
    if name not in files:
        raise Http404
    front, body = editing.wording(files[name])
    form = TextForm(request.POST or None, initial={**front, "body": body, "revision": petition.revision})
    if request.method == "POST" and form.is_valid():
        changed = editing.with_wording(files[name], form.cleaned_data, form.cleaned_data["body"])
        if _saved(request, petition, {**files, name: changed}, form):
            return HttpResponseRedirect(reverse("petition", args=[petition.slug]))
    return _page(request, petition, form, language, parse(files).languages)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def terms(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Edit who is responsible, for how long, for whom it may be dangerous, and what the form asks for."""
    _refuse_published(petition)
    files = drafts.export_files(petition.slug)
    definition = parse(files)
    form = TermsForm(
        request.POST or None,
        definition=definition,
        initial={**TermsForm.values(definition), "revision": petition.revision},
    )
    valid = request.method == "POST" and form.is_valid()
    if valid and _saved(request, petition, editing.with_terms(files, form.changes()), form):
        return HttpResponseRedirect(reverse("petition", args=[petition.slug]))
    return _page(request, petition, form, "", definition.languages)


def _refuse_published(petition: Petition) -> None:
    if petition.state != Petition.State.DRAFT:
        raise Refusal(
            gettext("This petition is published. Its text can be changed on the server only (sabal import).")
        )


def _saved(
    request: HttpRequest, petition: Petition, files: dict[str, str], form: TextForm | TermsForm
) -> bool:
    """Save the files, unless somebody else saved meanwhile or they cannot be used; then add the reason to the form."""
    with transaction.atomic():
        now = Petition.objects.select_for_update().get(pk=petition.pk)
        if now.revision != form.cleaned_data["revision"]:
            form.show_conflict(drafts.export_files(petition.slug))
            return False
        try:
            drafts.import_files(files)
        except FolderError as error:
            for problem in error.problems:
                form.add_error(None, problem.sentence)
            return False
        audit.record(user_of(request), "draft-changed", petition=petition)
    return True


def _page(
    request: HttpRequest,
    petition: Petition,
    form: TextForm | TermsForm,
    language: str,
    languages: tuple[str, ...],
) -> HttpResponse:
    context = {
        "petition": petition,
        "title": title_of(petition),
        "form": form,
        "language": language,
        "languages": languages,
    }
    return render(request, "desk/edit.html", context, status=422 if form.errors else 200)
