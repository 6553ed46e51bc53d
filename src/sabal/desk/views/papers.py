"""Letters to recipients, cover sheets, summaries for journalists and signature sheets, as PDF.

They hold what the public sees, so everyone who may look at a petition may make them. Another process typesets them.
"""

import shutil
import tempfile
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from sabal import database as raw
from sabal import settings
from sabal.accounts.acts import Act
from sabal.database import Database
from sabal.delivery import contacts
from sabal.delivery.contact import Contact
from sabal.delivery.contacts import Addressee
from sabal.desk.access import of_petition
from sabal.desk.downloads import Spooled
from sabal.desk.languagenames import language_name, name_of
from sabal.desk.paperforms import RecipientLetterForm, SheetsForm, language_choices, lines
from sabal.desk.titles import title_of
from sabal.dossier import bundle, files
from sabal.dossier.files import PaperFile
from sabal.dossier.languages import LANGUAGES, language_for
from sabal.dossier.letter import Handover, letter, recipient_of
from sabal.dossier.offering import offered_bundle
from sabal.dossier.sheets import sheet_languages
from sabal.dossier.typesetting import picture
from sabal.petitions.definition import Definition, Text
from sabal.petitions.locales import nearest
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import published

KINDS = ("letter", "cover")


@require_safe
@of_petition(Act.VIEW)
def index(request: HttpRequest, petition: Petition) -> HttpResponse:
    """List the recipients with the language of their letter, and the papers that are for nobody in particular."""
    context: dict[str, object] = {"petition": petition, "title": title_of(petition)}
    snapshot = _read(petition)
    if snapshot is not None:
        languages = sheet_languages(snapshot)
        found = contacts.addressees(petition, snapshot.definition)
        context |= {
            "recipients": [
                _listed(snapshot, one, contact)
                for one in found
                if one.listed
                for contact in one.reached_on(_today())
            ],
            "languages": language_choices(LANGUAGES),
            "sheets": SheetsForm(definition=snapshot.definition, languages=languages) if languages else None,
            "guarded": snapshot.profile.guarded,
            "gathering": snapshot.gathering,
            "from": snapshot.profile.gathering_below,
        }
    return render(request, "desk/papers.html", context)


@require_safe
@of_petition(Act.VIEW)
def show(request: HttpRequest, petition: Petition, key: str) -> HttpResponse:
    """Choose what a letter is like, and look at its first page. The choices are in the address of the page."""
    snapshot, contact = _addressed(request, petition, key)
    form = _form(request, snapshot, contact)
    ready = not form.is_bound or form.is_valid()
    with closing(raw.connect()) as database:
        found = offered_bundle(database, snapshot, _today(), preview=True)
    context = {
        "download": found if found and found.url and not form["bundle_url"].value() else None,
        "petition": petition,
        "recipient": key,
        "name": _name(contact, snapshot.definition),
        "form": form,
        "ready": ready,
        "choices": request.GET.urlencode(),
        "has_bundle": bool(snapshot.counts.checkpoint),
    }
    return render(request, "desk/paper_letter.html", context, status=200 if ready else 422)


@require_safe
@of_petition(Act.VIEW)
def look(request: HttpRequest, petition: Petition, key: str) -> HttpResponse:
    """Answer with the first page of a letter as a picture."""
    snapshot, contact = _addressed(request, petition, key)
    language, handover = _chosen(request, snapshot, contact)
    paper = letter(snapshot, recipient_of(snapshot, key), language, handover)
    return HttpResponse(picture(paper), content_type="image/png")


@require_safe
@of_petition(Act.VIEW)
def file(request: HttpRequest, petition: Petition, key: str, kind: str) -> HttpResponse:
    """Answer with a letter or a cover sheet."""
    if kind not in KINDS:
        raise Http404
    snapshot, contact = _addressed(request, petition, key)
    language, handover = _chosen(request, snapshot, contact)
    with closing(raw.connect()) as database:
        return _sent(files.letter_file(database, snapshot, key, handover, language, kind))


@require_safe
@of_petition(Act.VIEW)
def together(request: HttpRequest, petition: Petition, key: str) -> HttpResponseBase:
    """Answer with all that is handed over to one recipient: letter, cover sheet, and the bundle that both name."""
    snapshot, contact = _addressed(request, petition, key)
    language, handover = _chosen(request, snapshot, contact)
    with Spooled.begin() as spooled, closing(raw.connect()) as database:
        papers = [files.letter_file(database, snapshot, key, handover, language, kind) for kind in KINDS]
        with zipfile.ZipFile(spooled.file, "w") as archive:
            for one in papers:
                archive.writestr(_entry(one.name, handover.day), one.data)
            _add_bundle(archive, database, snapshot, handover.day)
    return spooled.response(f"{petition.slug}-{key}-{handover.day:%Y-%m-%d}.zip", "application/zip")


@require_safe
@of_petition(Act.VIEW)
def press(request: HttpRequest, petition: Petition, language: str) -> HttpResponse:
    """Answer with the summary for journalists."""
    snapshot = _published(petition)
    if language not in LANGUAGES:
        raise Http404
    return _sent(files.press_file(snapshot, Handover(day=_today()), language))


@require_safe
@of_petition(Act.VIEW)
def sheets(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Answer with signature sheets, or with the form and what is wrong in it."""
    snapshot = _published(petition)
    form = SheetsForm(request.GET, definition=snapshot.definition, languages=sheet_languages(snapshot))
    if form.is_valid():
        return _sent(files.sheets_file(snapshot, form.wanted(), _today()))
    context = {
        "petition": petition,
        "title": title_of(petition),
        "sheets": form,
        "guarded": snapshot.profile.guarded,
    }
    return render(request, "desk/papers_sheets.html", context, status=422)


def _read(petition: Petition) -> PetitionSnapshot | None:
    """Return the petition as the public sees it; None for a draft."""
    with closing(raw.connect()) as database:
        return published(database, petition.slug)


def _published(petition: Petition) -> PetitionSnapshot:
    snapshot = _read(petition)
    if snapshot is None:
        raise Http404
    return snapshot


def _addressed(request: HttpRequest, petition: Petition, key: str) -> tuple[PetitionSnapshot, Contact]:
    """Return the petition, and the recipient, or the member of it that `?member=` names."""
    snapshot = _published(petition)
    found = contacts.addressee(petition, snapshot.definition, key)
    if found is None or not found.listed:
        raise Http404
    member = request.GET.get("member", "")
    for one in found.members if member else (found.contact,):
        if not member or one.key == member:
            return snapshot, one
    raise Http404


def _listed(snapshot: PetitionSnapshot, one: Addressee, contact: Contact) -> dict[str, object]:
    language = _language(snapshot, contact)
    return {
        "key": one.contact.key,
        "member": contact.key if contact.group else "",
        "group": _name(one.contact, snapshot.definition) if contact.group else "",
        "name": _name(contact, snapshot.definition),
        "language": name_of(language, get_language() or "en"),
        "translated": language in snapshot.definition.languages,
        "reads": language_name(contact.language) if _has_no_letter(contact) else "",
    }


def _name(contact: Contact, definition: Definition) -> str:
    return contact.name_in(get_language() or "", definition.authoritative)


def _language(snapshot: PetitionSnapshot, contact: Contact) -> str:
    return language_for(contact.language, snapshot.definition.authoritative)


def _has_no_letter(contact: Contact) -> bool:
    """Return whether letters cannot be printed in the language that the recipient reads."""
    return bool(contact.language) and nearest(contact.language, LANGUAGES) is None


def _text(definition: Definition) -> Text:
    return definition.texts.get(get_language() or "") or definition.texts[definition.authoritative]


def _form(request: HttpRequest, snapshot: PetitionSnapshot, contact: Contact) -> RecipientLetterForm:
    """Return the form with the choices in the address, or with what is known of the recipient."""
    initial = {
        "language": _language(snapshot, contact),
        "address": contact.postal,
        "member": contact.key if contact.group else "",
    }
    chosen = request.GET if "language" in request.GET else None
    return RecipientLetterForm(chosen, initial=initial, text=_text(snapshot.definition))


def _chosen(request: HttpRequest, snapshot: PetitionSnapshot, contact: Contact) -> tuple[str, Handover]:
    """Return the language and the choices in the address. What is wrong there has its sentence on the page before."""
    form = _form(request, snapshot, contact)
    if not form.is_bound:
        language, handover = (
            _language(snapshot, contact),
            Handover(day=_today(), address=lines(contact.postal)),
        )
    elif form.is_valid():
        language, handover = form.cleaned_data["language"], form.handover(_today())
    else:
        raise Http404
    if contact.group:
        name = contact.name_in(language, snapshot.definition.authoritative)
        handover = replace(handover, name=name, member=contact.key)
    return language, handover


def _add_bundle(archive: zipfile.ZipFile, database: Database, snapshot: PetitionSnapshot, day: date) -> None:
    found = bundle.bundle_of(database, snapshot)
    if found is None:
        return
    with tempfile.TemporaryFile(dir=settings.DATA) as whole:
        bundle.write(database, snapshot, whole)
        whole.seek(0)
        with archive.open(_entry(found.name, day), "w", force_zip64=True) as entry:
            shutil.copyfileobj(whole, entry)


def _entry(name: str, day: date) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))


def _sent(made: PaperFile) -> HttpResponse:
    """Answer with a PDF that a browser shows, and saves under its name."""
    headers = {"Content-Disposition": f'inline; filename="{made.name}"'}
    return HttpResponse(made.data, content_type="application/pdf", headers=headers)


def _today() -> date:
    return datetime.now(UTC).date()
