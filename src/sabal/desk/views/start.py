"""A new petition: from a letter, whose lines are shown with the role that each was given, until a person is content."""

import re

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation, Ownership, User
from sabal.desk.access import of_site, user_of
from sabal.desk.forms import LetterForm
from sabal.desk.letter_roles import ROLE_NAMES
from sabal.petitions.definition import FolderError
from sabal.petitions.letters import letter
from sabal.petitions.letters.reading import LetterReading, Role
from sabal.petitions.models import Petition
from sabal.publishing import drafts


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.EDIT)
def new(request: HttpRequest) -> HttpResponseBase:
    """Ask for a letter; show how its lines were read; make the draft.

    Nothing is stored before the draft: each step carries the text and the corrected roles with it.
    """
    organisations = editable(user_of(request))
    form = LetterForm(request.POST or None, request.FILES or None, organisations=organisations)
    if request.method != "POST":
        return render(request, "desk/new.html", {"form": form, "organisations": organisations})
    if not form.is_valid():
        return render(request, "desk/new.html", {"form": form, "organisations": organisations}, status=422)
    text = form.cleaned_data["text"]
    try:
        reading = letter.read_text(text, language=form.cleaned_data["language"], roles=_chosen(request))
        if "make" in request.POST:
            return _make(request, reading, form.cleaned_data["organisation"])
    except FolderError as error:
        form.add_error("text", " ".join(problem.sentence for problem in error.problems))
        return render(request, "desk/new.html", {"form": form, "organisations": organisations}, status=422)
    return render(request, "desk/letter.html", _as_read(form, text, reading))


def editable(user: User) -> list[Organisation]:
    """Return the organisations for which a user may make petitions."""
    return [one for one in roles.organisations(user) if Act.EDIT in roles.in_organisation(user, one)]


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


def _make(request: HttpRequest, reading: LetterReading, organisation: Organisation) -> HttpResponseBase:
    """Make the draft, which then belongs to the organisation. Raises FolderError if the letter gives none."""
    taken = set(Petition.objects.values_list("slug", flat=True))
    number = next(n for n in range(1, 10_000) if f"petition-{n}" not in taken)
    result = letter.folder_from(reading, number=number)
    files = drafts.with_free_slug(result.files, taken)
    with transaction.atomic():
        petition = drafts.import_files(files)
        Ownership.objects.create(petition=petition, organisation=organisation)
        audit.record(user_of(request), "draft-made", petition=petition, organisation=organisation)
    return HttpResponseRedirect(reverse("petition", args=[petition.slug]))
