"""Organisations: their name, contact and website."""

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods

from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation
from sabal.desk.access import of_organisation, of_site, user_of
from sabal.desk.forms import EditOrganisation


@require_http_methods(["GET", "HEAD", "POST"])
@of_site(Act.ORGANISE)
def index(request: HttpRequest) -> HttpResponseBase:
    """List the organisations; an owner of the site can add one."""
    may_add = Act.ORGANISE in roles.in_site(user_of(request))
    form = EditOrganisation(request.POST or None)
    if request.method == "POST" and may_add and form.is_valid():
        with transaction.atomic():
            organisation = form.save(commit=False)
            organisation.key = _free_key(organisation.name)
            organisation.save()
            audit.record(
                user_of(request), "organisation-made", organisation=organisation, details=organisation.name
            )
        return HttpResponseRedirect(reverse("organisations"))
    context = {
        "organisations": roles.organisations(user_of(request)),
        "form": form,
        "may_add": may_add,
    }
    return render(request, "desk/organisations.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@of_organisation(Act.ORGANISE)
def edit(request: HttpRequest, organisation: Organisation) -> HttpResponseBase:
    """Change an organisation."""
    form = EditOrganisation(request.POST or None, instance=organisation)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            audit.record(
                user_of(request), "organisation-changed", organisation=organisation, details=organisation.name
            )
        return HttpResponseRedirect(reverse("organisations"))
    context = {"organisation": organisation, "form": form}
    return render(request, "desk/organisation.html", context, status=422 if form.errors else 200)


def _free_key(name: str) -> str:
    """Return a key made from the name that no other organisation has."""
    base = slugify(name)[:50] or "organisation"
    taken = set(Organisation.objects.values_list("key", flat=True))
    return next(key for key in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if key not in taken)
