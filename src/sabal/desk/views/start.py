"""A new petition: from a letter, whose lines are shown with their roles, from nothing, from a folder, as a copy."""

import re
import time
from collections.abc import Mapping
from contextlib import closing

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from sabal import database as raw
from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation, Ownership, User
from sabal.desk import steps
from sabal.desk.access import has_second_factor, of_petition, of_site, user_of
from sabal.desk.forms import LetterImportForm
from sabal.desk.letter_roles import ROLE_NAMES
from sabal.desk.ownerterms import with_owner
from sabal.desk.progressfiles import progress_files
from sabal.desk.startforms import BlankForm, CopyForm, FolderForm, Owned
from sabal.desk.titles import title_of
from sabal.petitions.definition import FolderError
from sabal.petitions.folderzip import as_zip
from sabal.petitions.letters import letter
from sabal.petitions.letters.reading import LetterReading, Role
from sabal.petitions.models import Petition
from sabal.petitions.postfiles import post_files
from sabal.petitions.posts import picture_data, posts_of, public_posts
from sabal.publishing import drafts
from sabal.publishing.copying import copied


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.EDIT)
def new(request: HttpRequest) -> HttpResponseBase:
    """Ask for a letter; show how its lines were read; make the draft.

    Nothing is stored before the draft: each step carries the text and the corrected roles with it.
    """
    organisations = editable(user_of(request))
    form = LetterImportForm(request.POST or None, request.FILES or None, organisations=organisations)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form, "new")
    text = form.cleaned_data["text"]
    try:
        reading = letter.read_text(text, language=form.cleaned_data["language"], roles=chosen_roles(request))
        if "make" in request.POST:
            result = letter.folder_from(reading, number=next_number())
            organisation = form.cleaned_data["organisation"]
            return _make(request, with_owner(result.files, organisation), organisation)
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
            files = letter.folder_from(reading, number=next_number()).files
            organisation = form.cleaned_data["organisation"]
            return _make(request, with_owner(files, organisation), organisation, language)
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
    prefetch_related_objects(list(seen.values()), "version")  # their titles
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
        files = copied(drafts.export_files(source.slug), taken_slugs(), same_organisation=owned)
        return _make(request, with_owner(files, organisation), organisation)
    return _page(request, form, "new-copy", nothing=not seen)


@require_safe
@of_petition(Act.VIEW)
def folder_zip(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Answer with the petition folder as a .zip file. Imported again it gives the same bytes, but for what happened."""
    return HttpResponse(
        as_zip(drafts.export_files(petition.slug), progress_files(petition) | _updates(petition)),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{petition.slug}.zip"'},
    )


def _updates(petition: Petition) -> dict[str, bytes]:
    """Return the updates that are public now, as files."""
    with closing(raw.connect()) as database:
        posts = public_posts(posts_of(database, petition.pk), time.time())
        return post_files(posts, lambda digest: picture_data(database, petition.pk, digest))


def editable(user: User) -> list[Organisation]:
    """Return the organisations for which a user may make petitions."""
    return roles.organisations_where(user, Act.EDIT)


def _page(
    request: HttpRequest, form: Owned | LetterImportForm, way: str, *, nothing: bool = False
) -> HttpResponse:
    context = {
        "form": form,
        "way": way,
        "organisations": editable(user_of(request)),
        "nothing": nothing,
        **before_the_first(request),
    }
    return render(request, "desk/new.html", context, status=422 if form.errors else 200)


def before_the_first(request: HttpRequest) -> dict[str, object]:
    """Return what the page says to a person who has no organisation to make a petition for."""
    user = user_of(request)
    if Act.ORGANISE not in roles.in_site(user):
        return {}
    return {"may_add": True, "steps": steps.to_first_petition(has_second_factor(user))}


def chosen_roles(request: HttpRequest) -> dict[int, Role]:
    """Return the corrected roles, by the number of the line. Anything else in the request is ignored."""
    fields = ((re.fullmatch(r"role-([0-9]{1,4})", name), str(value)) for name, value in request.POST.items())
    return {int(found[1]): Role(value) for found, value in fields if found and value in list(Role)}


def _as_read(form: LetterImportForm, text: str, reading: LetterReading) -> dict[str, object]:
    return {"form": form, "text": text, **lines_of(reading)}


def lines_of(reading: LetterReading) -> dict[str, object]:
    """Return what the table of the lines and their roles needs (desk/_letter_lines.html)."""
    # A line without a letter or digit is a rule or a mark, whatever its role.
    lines = [line for line in reading.lines if any(character.isalnum() for character in line.text)]
    return {
        "reading": reading,
        "lines": lines,
        "roles": [(role.value, ROLE_NAMES[role]) for role in Role],
        "notes": reading.notes,
    }


def taken_slugs() -> set[str]:
    """Return the slugs of all petitions."""
    return set(Petition.objects.values_list("slug", flat=True))


def next_number() -> int:
    """Return the number of a petition whose title gives no address."""
    taken = taken_slugs()
    return next(n for n in range(1, 10_000) if f"petition-{n}" not in taken)


def begin(request: HttpRequest, files: Mapping[str, str], organisation: Organisation) -> Petition:
    """Make the draft, which then belongs to the organisation. Raises FolderError if the files give none."""
    with transaction.atomic():
        petition = drafts.import_files(drafts.with_free_slug(files, taken_slugs()))
        Ownership.objects.create(petition=petition, organisation=organisation)
        audit.record(user_of(request), "draft-made", petition=petition, organisation=organisation)
    return petition


def _make(
    request: HttpRequest, files: Mapping[str, str], organisation: Organisation, language: str = ""
) -> HttpResponseBase:
    """Make the draft, and lead to it. Raises FolderError if the files give none."""
    petition = begin(request, files, organisation)
    address = reverse("text", args=[petition.slug, language]) if language else None
    return HttpResponseRedirect(address or reverse("petition", args=[petition.slug]))
