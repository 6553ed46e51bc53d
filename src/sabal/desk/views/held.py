"""Signatures that are held for review: how many, why, and to let them count or drop them in bulk."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from sabal.accounts.acts import Act
from sabal.desk import moderating, tasks
from sabal.desk.access import of_petition, user_of
from sabal.desk.models import Moderation
from sabal.desk.signatureforms import WHY_HELD, PublicReason
from sabal.desk.titles import title_of
from sabal.petitions.models import Petition
from sabal.signing.writer.confirm import HELD_DAYS

Verb = Moderation.Verb


@require_safe
@of_petition(Act.MODERATE)
def index(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show how many signatures are held for each reason."""
    numbers = moderating.held_numbers(petition)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "rows": [{"why": why, "said": WHY_HELD.get(why, ""), "number": n} for why, n in numbers.items()],
        "total": sum(numbers.values()),
        "days": HELD_DAYS,
        "moderations": Moderation.objects.filter(petition=petition, job__isnull=False)
        .exclude(verb=Verb.REVOKE)
        .select_related("job", "user")
        .order_by("-pk")[:10],
        "tab": "held",
    }
    return render(request, "desk/held.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.MODERATE)
def release(request: HttpRequest, petition: Petition, why: int) -> HttpResponseBase:
    """Say what it means to let them count; on POST ask the worker to."""
    return _review(request, petition, why, Verb.RELEASE)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.MODERATE, dangerous=True)
def drop(request: HttpRequest, petition: Petition, why: int) -> HttpResponseBase:
    """Say what it means to drop them; on POST ask the worker to."""
    return _review(request, petition, why, Verb.DROP)


def _review(request: HttpRequest, petition: Petition, why: int, verb: Moderation.Verb) -> HttpResponseBase:
    running = Moderation.objects.filter(
        petition=petition, verb=verb, why=why, job__ended_at=None, job__isnull=False
    ).first()
    if running is not None:  # asked twice
        return HttpResponseRedirect(reverse("moderation", args=[petition.slug, running.pk]))
    numbers = moderating.held_numbers(petition)
    number = numbers.get(why, 0) if why else sum(numbers.values())
    form = PublicReason(request.POST or None, as_file=False)
    if not number:
        return HttpResponseRedirect(reverse("held", args=[petition.slug]))
    if request.method == "POST" and (verb == Verb.RELEASE or form.is_valid()):
        reason = form.cleaned_data["reason"] if verb == Verb.DROP else 0
        asked = Moderation(
            petition=petition, user=user_of(request), verb=verb, why=why, reason=reason, total=number
        )
        moderating.ask(asked, user_of(request), tasks.run.enqueue)
        return HttpResponseRedirect(reverse("moderation", args=[petition.slug, asked.pk]))
    context = {
        "petition": petition,
        "title": title_of(petition),
        "drops": verb == Verb.DROP,
        "said": WHY_HELD.get(why, ""),
        "number": number,
        "form": form,
    }
    return render(request, "desk/held_review.html", context)
