"""A new petition: from a letter, whose lines are shown with their roles, from nothing, from a folder, as a copy."""

import re
from collections.abc import Mapping

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation, Ownership, User
from sabal.desk.access import of_petition, of_site, user_of
from sabal.desk.forms import LetterForm
from sabal.desk.letter_roles import ROLE_NAMES
from sabal.desk.startforms import BlankForm, CopyForm, FolderForm, Owned
from sabal.desk.titles import title_of
from sabal.petitions.definition import FolderError
from sabal.petitions.folderzip import as_zip
from sabal.petitions.letters import letter
from sabal.petitions.letters.reading import LetterReading, Role
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sabal.publishing.copying import copied


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.EDIT)
def new(request: HttpRequest) -> HttpResponseBase:
    """Ask for a letter; show how its lines were read; make the draft.

    Nothing is stored before the draft: each step carries the text and the corrected roles with it.
    """
    organisations = editable(user_of(request))
    form = LetterForm(request.POST or None, request.FILES or None, organisations=organisations)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form, "new")
    text = form.cleaned_data["text"]
    try:
        reading = letter.read_text(text, language=form.cleaned_data["language"], roles=_chosen(request))
        if "make" in request.POST:
            result = letter.folder_from(reading, number=_number())
            return _make(request, result.files, form.cleaned_data["organisation"])
    except FolderError as error:
        form.add_error("text", " ".join(problem.sentence for problem in error.problems))
        return _page(request, form, "new")
    return render(request, "desk/letter.html", _as_read(form, text, reading))


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.EDIT)
def blank(request: HttpRequest) -> HttpResponseBase:
    """Make a draft that has a title and nothing else, and open it in the editor."""
    form = BlankForm(request.POST or None, organisations=editable(user_of(request)))
    if request.method == "POST" and form.is_valid():
        title = form.cleaned_data["title"]
        language = form.cleaned_data["other"] or form.cleaned_data["language"]
        try:
            reading = letter.read_text(title, language=language, roles={1: Role.TITLE})
            files = letter.folder_from(reading, number=_number()).files
            return _make(request, files, form.cleaned_data["organisation"], language)
        except FolderError as error:
            form.add_error("title", " ".join(problem.sentence for problem in error.problems))
    return _page(request, form, "new-blank")


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.EDIT)
def folder(request: HttpRequest) -> HttpResponseBase:
    """Make a draft of a petition folder, all or nothing."""
    form = FolderForm(request.POST or None, request.FILES or None, organisations=editable(user_of(request)))
    if request.method == "POST" and form.is_valid():
        return _make(request, form.folder, form.cleaned_data["organisation"])
    return _page(request, form, "new-folder")


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.EDIT)
def copy(request: HttpRequest) -> HttpResponseBase:
    """Make a draft of another petition's text. It belongs to the organisation that makes it."""
    user = user_of(request)
    seen = {one.slug: one for one in roles.petitions_where(user, Act.VIEW)}
    form = CopyForm(
        request.POST or None,
        organisations=editable(user),
        petitions=[(slug, title_of(one)) for slug, one in seen.items()],
        initial={"petition": request.GET.get("petition", "")},
    )
    if request.method == "POST" and form.is_valid():
        source = seen[form.cleaned_data["petition"]]
        organisation = form.cleaned_data["organisation"]
        owned = Ownership.objects.filter(petition=source, organisation=organisation).exists()
        files = copied(drafts.export_files(source.slug), _taken(), same_organisation=owned)
        return _make(request, files, organisation)
    return _page(request, form, "new-copy", nothing=not seen)


@require_safe
@of_petition(Act.VIEW)
def folder_zip(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Answer with the petition folder as a .zip file. Imported again it gives the same bytes."""
    return HttpResponse(
        as_zip(drafts.export_files(petition.slug)),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{petition.slug}.zip"'},
    )


def editable(user: User) -> list[Organisation]:
    """Return the organisations for which a user may make petitions."""
    return roles.organisations_where(user, Act.EDIT)


def _page(request: HttpRequest, form: Owned | LetterForm, way: str, *, nothing: bool = False) -> HttpResponse:
    context = {
        "form": form,
        "way": way,
        "organisations": editable(user_of(request)),
        "nothing": nothing,
    }
    return render(request, "desk/new.html", context, status=422 if form.errors else 200)


def _chosen(request: HttpRequest) -> dict[int, Role]:
    """Return the corrected roles, by the number of the line. Anything else in the request is ignored."""
    fields = ((re.fullmatch(r"role-([0-9]{1,4})", name), str(value)) for name, value in request.POST.items())
    return {int(found[1]): Role(value) for found, value in fields if found and value in list(Role)}


def _as_read(form: LetterForm, text: str, reading: LetterReading) -> dict[str, object]:
    # A line without a letter or digit is a rule or a mark, whatever its role.
    lines = [line for line in reading.lines if any(character.isalnum() for character in line.text)]
    return {
        "form": form,
        "text": text,
        "reading": reading,
        "lines": lines,
        "roles": [(role.value, ROLE_NAMES[role]) for role in Role],
        "notes": reading.notes,
    }


def _taken() -> set[str]:
    return set(Petition.objects.values_list("slug", flat=True))


def _number() -> int:
    """Return the number of a petition whose title gives no address."""
    taken = _taken()
    return next(n for n in range(1, 10_000) if f"petition-{n}" not in taken)


def _make(
    request: HttpRequest, files: Mapping[str, str], organisation: Organisation, language: str = ""
) -> HttpResponseBase:
    """Make the draft, which then belongs to the organisation. Raises FolderError if the files give none."""
    with transaction.atomic():
        petition = drafts.import_files(drafts.with_free_slug(files, _taken()))
        Ownership.objects.create(petition=petition, organisation=organisation)
        audit.record(user_of(request), "draft-made", petition=petition, organisation=organisation)
    address = reverse("text", args=[petition.slug, language]) if language else None
    return HttpResponseRedirect(address or reverse("petition", args=[petition.slug]))
