"""The newsletters of an organisation: its lists, what was and is sent, a new mailing, and what readers are told."""

import time

from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from sabal.accounts import audit, listowners, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation
from sabal.desk import newsletters as own
from sabal.desk.access import of_organisation, of_site, user_of
from sabal.desk.newsletterforms import AboutNewsletterForm, NewMailingForm
from sabal.mailings.models import Mailing, Newsletter

PAGE = 30


@require_safe
@of_site(Act.SEND)
def index(request: HttpRequest) -> HttpResponseBase:
    """List the organisations whose newsletters this person may send; of a single one, show it."""
    organisations = roles.organisations_where(user_of(request), Act.SEND)
    if len(organisations) == 1:
        return HttpResponseRedirect(reverse("newsletter", args=[organisations[0].key]))
    return render(request, "desk/newsletters.html", {"organisations": organisations})


@require_safe
@of_organisation(Act.SEND)
def show(request: HttpRequest, organisation: Organisation) -> HttpResponseBase:
    """Show the lists of an organisation with their numbers, and its mailings."""
    lists, person = own.lists_of(organisation), user_of(request)
    page = Paginator(own.mailings_of(organisation).select_related("petition"), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "organisation": organisation,
        "lists": [
            (
                one.label,
                None if own.hides_numbers(one.list, person, organisation) else sum(one.subscribers.values()),
            )
            for one in lists
        ],
        "page": page,
        "mailings": [
            {"row": one, "subject": own.subject_of(one), "when": own.told(one.begun_at or one.planned_for)}
            for one in page
        ],
    }
    return render(request, "desk/newsletter.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_organisation(Act.SEND)
def new(request: HttpRequest, organisation: Organisation) -> HttpResponseBase:
    """Choose to whom a new mailing goes, with the number of readers, and the language to begin with."""
    every = own.lists_of(organisation)
    lists = [one for one in every if not own.is_of_guarded(one.list)]
    here = get_language() or "en"
    languages = own.languages_of(organisation)
    form = NewMailingForm(
        request.POST or None,
        lists=[(one.value, f"{one.label} · {sum(one.subscribers.values()):,}") for one in lists],
        languages=languages,
        initial={"language": here if here in languages else languages[0]},
    )
    if request.method == "POST" and form.is_valid():
        chosen = next(one for one in lists if one.value == form.cleaned_data["audience"]).list
        language = form.cleaned_data["language"]
        with transaction.atomic():
            mailing = Mailing.objects.create(
                organisation=chosen.organisation,
                petition_id=chosen.petition_id or None,
                fallback=language,
                archived=not chosen.petition_id,
                made_at=int(time.time()),
                made_by=user_of(request),
            )
            audit.record(user_of(request), "mailing-made", organisation=organisation)
        return HttpResponseRedirect(reverse("mailing-text", args=[organisation.key, mailing.pk, language]))
    context = {"organisation": organisation, "form": form, "lists": lists, "guarded": len(every) > len(lists)}
    return render(request, "desk/newsletter_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@of_organisation(Act.SEND)
def about(request: HttpRequest, organisation: Organisation) -> HttpResponseBase:
    """Say how often the newsletter comes, and who gets replies. The public pages show it within a second."""
    keys = listowners.keys_of(organisation)
    stored = Newsletter.objects.filter(organisation__in=keys).first() or Newsletter()
    form = AboutNewsletterForm(
        request.POST or None,
        languages=own.languages_of(organisation),
        how_often=stored.how_often,
        initial={"reply_to": stored.reply_to},
    )
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            for key in keys:
                Newsletter.objects.update_or_create(
                    organisation=key,
                    defaults={"how_often": form.how_often(), "reply_to": form.cleaned_data["reply_to"]},
                )
            for petition in own.petitions_of(organisation):
                petition.progressed()
            audit.record(user_of(request), "newsletter-changed", organisation=organisation)
        return HttpResponseRedirect(reverse("newsletter", args=[organisation.key]))
    context = {"organisation": organisation, "form": form, "keys": keys}
    return render(request, "desk/newsletter_about.html", context, status=422 if form.errors else 200)
