"""Organisations: who they are, and how they look on the pages of their petitions."""

from contextlib import closing

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from sabal import database as raw
from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation
from sabal.desk import steps
from sabal.desk.access import of_organisation, of_site, user_of
from sabal.desk.organisationforms import AddOrganisation, IdentityForm
from sabal.desk.titles import definition_of
from sabal.newsletter.subscription import keys_in_use
from sabal.pages import accent
from sabal.petitions.models import Petition
from sabal.publishing import drafts


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.ORGANISE)
def index(request: HttpRequest) -> HttpResponseBase:
    """List the organisations; an owner of the site can add one."""
    may_add = Act.ORGANISE in roles.in_site(user_of(request))
    form = AddOrganisation(request.POST or None)
    first = may_add and not Organisation.objects.exists()
    if request.method == "POST" and may_add and form.is_valid():
        with transaction.atomic():
            organisation = form.save(commit=False)
            organisation.key = _free_key(organisation.name)
            organisation.save()
            audit.record(
                user_of(request), "organisation-made", organisation=organisation, details=organisation.name
            )
        if first:
            messages.success(request, _("Added. Now make a petition."))
            return HttpResponseRedirect(reverse("new"))
        messages.success(request, _("Added. Now make a petition for it, or complete how it looks."))
        return HttpResponseRedirect(reverse("organisations"))
    context = {
        "first": first,
        "way": steps.way(steps.ORGANISATION, "") if first else None,
        "organisations": roles.organisations(user_of(request)),
        "form": form,
        "may_add": may_add,
    }
    return render(request, "desk/organisations.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@of_organisation(Act.ORGANISE)
def edit(request: HttpRequest, organisation: Organisation) -> HttpResponseBase:
    """Change an organisation. Its petitions show the change within a second."""
    petitions = list(Petition.objects.filter(ownership__organisation=organisation))
    form = IdentityForm(
        request.POST or None,
        request.FILES or None,
        instance=organisation,
        languages=_languages(petitions),
    )
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            for petition in petitions:
                if petition.state != Petition.State.DRAFT:
                    drafts.bump(petition)
            audit.record(
                user_of(request), "organisation-changed", organisation=organisation, details=organisation.name
            )
        messages.success(request, gettext("Saved. The pages of your petitions show it now."))
        return HttpResponseRedirect(reverse("organisation", args=[organisation.key]))
    if form.errors and form.keep_logo():
        audit.record(
            user_of(request), "organisation-changed", organisation=organisation, details=organisation.name
        )
    shown = Organisation.objects.get(pk=organisation.pk)
    context = {
        "organisation": shown,
        "form": form,
        "swatches": (shown.accent, accent.in_dark(shown.accent)) if shown.accent else (),
    }
    return render(request, "desk/organisation.html", context, status=422 if form.errors else 200)


@require_safe
@of_organisation(Act.ORGANISE)
def logo(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """Answer with the logo, as it was made from what was uploaded."""
    if not organisation.logo:
        raise Http404
    return HttpResponse(bytes(organisation.logo), content_type="image/webp")


def _languages(petitions: list[Petition]) -> list[str]:
    """Return the languages in which the organisation can have a name: of the desk, and of its petitions."""
    definitions = [definition_of(one) for one in petitions]
    found = [language for one in definitions if one for language in one.languages]
    return list(dict.fromkeys([*dict(settings.LANGUAGES), *found]))


def _free_key(name: str) -> str:
    """Return a key made from the name that no other organisation has, and no list."""
    base = slugify(name)[:50] or "organisation"
    taken = set(Organisation.objects.values_list("key", flat=True))
    taken |= set(Petition.objects.values_list("organisation", flat=True))
    with closing(raw.connect()) as database:
        taken |= keys_in_use(database)
    return next(key for key in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if key not in taken)
