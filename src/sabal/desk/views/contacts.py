"""The recipients of a petition: how each is reached, and the members of those that are groups."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from sabal import textfile
from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.delivery import contacts, members
from sabal.delivery.contact import Contact
from sabal.delivery.contacts import Addressee
from sabal.delivery.members import BadFile
from sabal.desk.access import of_petition, user_of
from sabal.desk.contactforms import KINDS, WAYS, ContactForm, MemberForm, MembersFile, new_key
from sabal.desk.languagenames import name_of
from sabal.desk.memberplan import MemberPlan, plan_members
from sabal.desk.titles import public_definition_of, title_of
from sabal.dossier.languages import LANGUAGES as PAPERS
from sabal.petitions.definition import Definition
from sabal.petitions.letters.words import LANGUAGES
from sabal.petitions.models import Petition

BAD_FILES = {
    "none": _("Choose the file of the members first."),
    "large": _("This file is too large: at most 500 kB."),
    "text": _("This is not text in UTF-8. Save it again as TOML or as “CSV UTF-8”."),
    "toml": _("This is not a TOML file with [[members]]. Begin with the file that can be downloaded here."),
    "columns": _("This table has no column “name”. Its first row must have the names of the columns."),
    "empty": _("There is no member in this file."),
    "many": _("There are too many members in this file: at most 500."),
}
TYPES = {"toml": "application/toml; charset=utf-8", "csv": "text/csv; charset=utf-8"}


@require_safe
@of_petition(Act.VIEW)
def index(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show every recipient, and what is still unknown about it."""
    definition, today = _definition(petition), _today()
    found = contacts.addressees(petition, definition)
    return render(
        request,
        "desk/contacts.html",
        {
            **of_page(request, petition, definition),
            "addressees": [shown(one, definition, today) for one in found if one.listed],
            "gone": [shown(one, definition, today) for one in found if not one.listed],
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def edit(request: HttpRequest, petition: Petition, key: str) -> HttpResponseBase:
    """Edit how one recipient is reached; below it the members of a group."""
    definition = _definition(petition)
    one = _addressee(petition, definition, key)
    form = ContactForm(request.POST or None, initial=_initial(one.contact), codes=_codes(definition))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            contact = form.fill(contacts.stored(one.contact))
            contact.names = one.contact.names
            contact.save()
            audit.record(user_of(request), "contact-changed", petition=petition, details=contact.path)
        messages.success(request, gettext("Saved."))
        return HttpResponseRedirect(reverse("contacts", args=[petition.slug]))
    return _page(request, petition, one, form)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def member(request: HttpRequest, petition: Petition, key: str, member: str = "") -> HttpResponseBase:
    """Edit one member of a group, or add one."""
    definition = _definition(petition)
    one = _addressee(petition, definition, key)
    contact = next((found for found in one.members if found.key == member), None)
    if member and contact is None:
        raise Http404
    languages = tuple(dict.fromkeys([*definition.languages, *(contact.names if contact else ())]))
    initial = _initial(contact) if contact else {}
    form = MemberForm(request.POST or None, initial=initial, languages=languages, codes=_codes(definition))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            group = contacts.stored(one.contact)
            names, taken = form.names, {found.key for found in one.members}
            saved = form.fill(
                contact or Contact(petition=petition, group=group.key, key=new_key(names, taken))
            )
            saved.save()
            audit.record(user_of(request), "contact-changed", petition=petition, details=saved.path)
        messages.success(request, gettext("Saved."))
        return HttpResponseRedirect(f"{reverse('contact', args=[petition.slug, key])}#members")
    context = {
        **of_page(request, petition, definition),
        "form": form,
        "one": shown(one, definition, _today()),
        "member": contact and contact.name_in(get_language() or "", definition.authoritative),
    }
    return render(request, "desk/contact_member.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def load(request: HttpRequest, petition: Petition, key: str) -> HttpResponseBase:
    """Show what a file of members would change; with its text again, change it."""
    definition = _definition(petition)
    one = _addressee(petition, definition, key)
    back = f"{reverse('contact', args=[petition.slug, key])}#members"
    if request.method != "POST":
        return HttpResponseRedirect(back)
    form = MembersFile(request.POST, request.FILES)
    try:
        content = _content(form)
        plan = plan_members(members.read(content), one, definition.authoritative, _today())
    except BadFile as error:
        line = f" ({gettext('line')} {error.line})" if error.line else ""
        if not form.errors:
            form.add_error("file", f"{BAD_FILES[error.code]}{line}")
        own = ContactForm(initial=_initial(one.contact), codes=_codes(definition))
        return _page(request, petition, one, own, form)
    if form.cleaned_data["content"] and not plan.wrong:
        _load(request, petition, one, plan)
        return HttpResponseRedirect(back)
    context = {
        **of_page(request, petition, definition),
        "one": shown(one, definition, _today()),
        "plan": plan,
        "leaving": [_member(row, definition, _today()) for row in plan.leaving],
        "content": textfile.decode(content),
    }
    return render(request, "desk/contact_members.html", context, status=422 if plan.wrong else 200)


@require_safe
@of_petition(Act.SEND)
def file(request: HttpRequest, petition: Petition, key: str, kind: str) -> HttpResponse:
    """Answer with the members of a group as a file, which can be edited and loaded again."""
    one = _addressee(petition, _definition(petition), key)
    if kind not in TYPES:
        raise Http404
    text = members.as_toml(one.contact, one.members) if kind == "toml" else members.as_csv(one.members)
    return _download(text, f"{petition.slug}-{key}.{kind}", TYPES[kind])


@require_safe
@of_petition(Act.SEND)
def example(request: HttpRequest, petition: Petition, name: str) -> HttpResponse:
    """Answer with an example of a file of members."""
    if name not in members.EXAMPLES:
        raise Http404
    return _download(members.example(name), name, TYPES["toml"])


def shown(one: Addressee, definition: Definition, today: date) -> dict[str, object]:
    """Return what pages show of a recipient."""
    contact = one.contact
    here = get_language() or ""
    present = one.members_on(today)
    return {
        "key": contact.key,
        "name": contact.name_in(here, definition.authoritative),
        "listed": one.listed,
        "group": one.group,
        "contact": contact,
        "kind": KINDS[Contact.Kind(contact.kind)],
        "way": WAYS[Contact.Way(contact.way)],
        "language": name_of(contact.language or definition.authoritative, here or "en"),
        "members": len(one.members),
        "present": len(present),
        "by_email": sum(member.takes_email for member in present)
        if one.members
        else int(contact.takes_email),
        "outdated": contact.members_until is not None and contact.members_until < today,
        "lacking": lacking(one, today),
    }


def lacking(one: Addressee, today: date) -> str:
    """Return what must be entered before something can be sent: "address", "form", "through", or ""."""
    contact = one.contact
    if one.members:
        return (
            ""
            if any(member.email or member.postal or member.form for member in one.members_on(today))
            else "members"
        )
    if contact.way == Contact.Way.SYMBOLIC:
        return ""
    if contact.way == Contact.Way.FORM:
        return "" if contact.form else "form"
    if not contact.email and not contact.postal:
        return "members" if one.group else "address"
    return ""


def of_page(request: HttpRequest, petition: Petition, definition: Definition) -> dict[str, object]:
    """Return what every page of recipients shows."""
    return {
        "petition": petition,
        "title": title_of(petition),
        "guarded": definition.profile == "guarded",
        "may_send": Act.SEND in roles.in_petition(user_of(request), petition),
    }


def _load(request: HttpRequest, petition: Petition, one: Addressee, plan: MemberPlan) -> None:
    with transaction.atomic():
        group = contacts.stored(one.contact)
        group.members_from = plan.source or group.members_from
        group.members_as_of = plan.as_of or group.members_as_of
        group.members_until = plan.complete_until or group.members_until
        group.save()
        contacts.replace_members(group, plan.members, _today())
        details = f"{group.key}: {len(plan.members)}"
        audit.record(user_of(request), "members-loaded", petition=petition, details=details)


def _page(
    request: HttpRequest,
    petition: Petition,
    one: Addressee,
    form: ContactForm,
    files: MembersFile | None = None,
) -> HttpResponse:
    """Show the page of one recipient."""
    definition, today = _definition(petition), _today()
    context = {
        **of_page(request, petition, definition),
        "form": form,
        "one": shown(one, definition, today),
        "members": [_member(member, definition, today) for member in one.members],
        "files": files or MembersFile(),
        "examples": members.EXAMPLES,
    }
    return render(request, "desk/contact.html", context, status=422 if form.errors or files else 200)


def _content(form: MembersFile) -> bytes:
    if not form.is_valid():
        raise BadFile("none")
    if form.cleaned_data.get("content"):
        return str(form.cleaned_data["content"]).encode()
    upload = form.cleaned_data.get("file")
    if upload is None:
        raise BadFile("none")
    if upload.size > members.MOST_BYTES:
        raise BadFile("large")
    content: bytes = upload.read()
    return content


def _member(contact: Contact, definition: Definition, today: date) -> dict[str, object]:
    return {
        "key": contact.key,
        "name": contact.name_in(get_language() or "", definition.authoritative),
        "contact": contact,
        "language": name_of(contact.language or definition.authoritative, get_language() or "en"),
        "present": contact.belongs_on(today),
        "later": contact.since is not None and contact.since > today,
    }


def _initial(contact: Contact) -> dict[str, object]:
    names = {f"name:{language}": name for language, name in contact.names.items()}
    values = {name: getattr(contact, name) for name in (*ContactForm.base_fields, "since", "until")}
    return {**values, "days": contact.days.split(), **names}


def _codes(definition: Definition) -> Sequence[tuple[str, str]]:
    """Return the languages that are offered, with their names: those of the petition first."""
    others = sorted({*LANGUAGES, *PAPERS} - {*definition.languages})
    here = get_language() or "en"
    return [(code, name_of(code, here)) for code in (*definition.languages, *others)]


def _addressee(petition: Petition, definition: Definition, key: str) -> Addressee:
    one = contacts.addressee(petition, definition, key)
    if one is None:
        raise Http404
    return one


def _definition(petition: Petition) -> Definition:
    definition = public_definition_of(petition)
    if definition is None:
        raise Http404
    return definition


def _download(text: str, name: str, content_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=content_type, headers=headers)


def _today() -> date:
    return datetime.now(UTC).date()
