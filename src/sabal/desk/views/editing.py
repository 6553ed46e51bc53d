"""Edit a draft: its text in each language, its recipients and its terms.

What cannot be saved is shown again with the reason. A button of a row changes the page and stores nothing.
"""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.desk import autosave, revisions
from sabal.desk.access import of_petition, user_of
from sabal.desk.editors import CHECKED, Editor
from sabal.desk.framed import framed, identity_of
from sabal.desk.pictureeditor import PictureEditor
from sabal.desk.recipientforms import RecipientEditor
from sabal.desk.refusals import said
from sabal.desk.rows import Action, action_of
from sabal.desk.termseditor import TermsEditor
from sabal.desk.texteditor import TextEditor, WholeTextEditor
from sabal.desk.titles import title_of
from sabal.petitions.definition import Definition, FolderError
from sabal.petitions.folder import parse
from sabal.petitions.models import Petition
from sabal.publishing import drafts, renaming
from sabal.publishing import preview as previews
from sabal.refusal import Refusal


@require_safe
@of_petition(Act.EDIT)
def start(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Lead to the text in the authoritative language."""
    language = drafts.definition_of(petition).authoritative
    return HttpResponseRedirect(reverse("text", args=[petition.slug, language]))


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def text(request: HttpRequest, petition: Petition, language: str) -> HttpResponseBase:
    """Edit the text in one language: in parts, or as one text."""
    _refuse_ended(petition)
    files = drafts.export_files(petition.slug)
    if f"{language}.md" not in files:
        raise Http404
    whole = "whole" in request.GET or "body" in request.POST
    make = WholeTextEditor if whole else TextEditor
    editor = make(files, petition.revision, *_sent(request), language=language)
    return _answer(request, petition, editor, "text", language)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def recipients(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Edit to whom the petition is addressed."""
    _refuse_ended(petition)
    editor = RecipientEditor(drafts.export_files(petition.slug), petition.revision, *_sent(request))
    return _answer(request, petition, editor, "recipients")


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def picture(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Choose a picture, describe it in each language, or remove it."""
    _refuse_ended(petition)
    files = drafts.export_files(petition.slug)
    editor = PictureEditor(files, petition.revision, *_sent(request), uploads=request.FILES)
    return _answer(request, petition, editor, "picture")


@require_safe
@of_petition(Act.EDIT)
def picture_now(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Answer with the picture as saved, which may not be public yet."""
    found = drafts.definition_of(petition).picture
    if found is None:
        raise Http404
    return HttpResponse(found.data, content_type="image/webp")


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def terms(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Edit who is responsible, for how long, for whom it may be dangerous, and what the form asks for."""
    _refuse_ended(petition)
    editor = TermsEditor(
        drafts.export_files(petition.slug),
        petition.revision,
        *_sent(request),
        # A page that saves itself would give the petition each half of a word as its address, and lose its own.
        may_rename=petition.state == Petition.State.DRAFT and autosave.HEADER not in request.headers,
    )
    return _answer(request, petition, editor, "terms")


def _refuse_ended(petition: Petition) -> None:
    """A published petition's changes become an amendment, which is public only once somebody publishes it."""
    if petition.state not in drafts.WRITABLE:
        raise Refusal(gettext("This petition has ended. Its text can no longer be changed."))


def _sent(request: HttpRequest) -> tuple[Any, Action]:
    return (request.POST if request.method == "POST" else None), action_of(request.POST)


def _answer(
    request: HttpRequest, petition: Petition, editor: Editor, page: str, language: str = ""
) -> HttpResponseBase:
    """Save, show a preview, or show the page with what was typed."""
    definition = parse(editor.before)
    action = action_of(request.POST)
    if request.method == "POST" and action.verb in CHECKED:
        files = editor.files() if editor.is_valid() else None
        if action.verb == "preview":
            shown = action.kind or language or definition.authoritative
            return _preview(request, petition, editor, files, shown)
        if files is not None and _saved(request, petition, files, editor):
            messages.success(request, gettext("Saved."))
            answer = HttpResponseRedirect(_address(petition, page, language, request))
            answer.saved_fields = editor.saved_fields()  # type: ignore[attr-defined]  # for desk/autosave.py
            return answer
    return _page(request, petition, editor, definition, page, language)


def _saved(request: HttpRequest, petition: Petition, files: dict[str, str], editor: Editor) -> bool:
    """Save the files, unless somebody else saved meanwhile or they cannot be used; then add the reason to the form."""
    try:
        slug = parse(files).slug
        with transaction.atomic():
            now = Petition.objects.select_for_update().get(pk=petition.pk)
            shown = editor.main.cleaned_data["revision"]
            if not revisions.may_save(now, shown, files, autosave.form_of(request)):
                editor.main.show_conflict(drafts.export_files(now.slug))
                return False
            if now.slug != slug:
                renaming.rename(now, slug)
                petition.slug = slug
            drafts.import_files(files)
            audit.record(user_of(request), "draft-changed", petition=now)
    except FolderError as error:
        editor.refuse(error)
        return False
    except Refusal as refusal:  # what an amendment must keep
        editor.main.add_error(None, said(refusal))
        return False
    return True


def _address(petition: Petition, page: str, language: str, request: HttpRequest) -> str:
    address = reverse(page, args=[petition.slug, language] if language else [petition.slug])
    return f"{address}?whole=1" if "whole" in request.GET else address


def _preview(
    request: HttpRequest, petition: Petition, editor: Editor, files: dict[str, str] | None, language: str
) -> HttpResponse:
    """Answer with the public page of what was typed, or with what is wrong. Nothing is stored."""
    if files is not None:
        typed = files
        try:
            slug = parse(files).slug
            path, identity = f"/{language}/{slug}", identity_of(petition)
            return framed(previews.answer(lambda: typed, "GET", path, b"", identity))
        except FolderError as error:
            editor.refuse(error)
    answer = render(request, "desk/preview_not_yet.html", {"mistakes": editor.mistakes()}, status=422)
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    )
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _page(
    request: HttpRequest,
    petition: Petition,
    editor: Editor,
    definition: Definition,
    page: str,
    language: str,
) -> HttpResponse:
    mistakes = list(editor.mistakes())
    context = {
        "petition": petition,
        "title": title_of(petition),
        "editor": editor,
        "mistakes": mistakes,
        "page": page,
        "language": language,
        "shown": language or definition.authoritative,
        "languages": definition.languages,
    }
    return render(request, editor.template, context, status=422 if mistakes else 200)
