"""Rules against floods: how strict the limits of a petition are, and the networks and email domains with a rule."""

from contextlib import closing
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from sabal import database as raw
from sabal import settings
from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.desk.access import of_petition, user_of
from sabal.desk.ruleforms import EFFECTS, NewRules, Strictness
from sabal.desk.titles import title_of
from sabal.limits import rules, surges
from sabal.limits.networks import SURGE
from sabal.limits.rules import DOMAIN, NETWORK
from sabal.petitions.models import Petition

SHOWN = 50  # surges on a page
NAMED = 3  # of many new rules, those that the audit log names


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.MODERATE)
def index(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Show the rules; on POST add some."""
    form = NewRules(request.POST or None)
    if request.method == "POST" and form.is_valid():
        effect, added = form.cleaned_data["effect"], form.cleaned_data["values"]
        try:
            with closing(raw.connect()) as database:
                for kind in (DOMAIN, NETWORK):
                    values = [value for found, value in added if found == kind]
                    if values:
                        rules.add(database, petition.pk, kind, values, effect)
            named = ", ".join(value for _, value in added[:NAMED]) + (" …" if len(added) > NAMED else "")
            audit.record(user_of(request), f"rule-{effect}", petition=petition, details=named)
            return _to(petition)
        except rules.TooManyRules:
            form.add_error(
                "values",
                gettext("A petition has at most %(most)s rules. Remove some first.")
                % {"most": f"{rules.MOST:,}"},
            )
    return _page(request, petition, form)


@require_POST
@of_petition(Act.MODERATE)
def remove(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Remove one rule."""
    kind, value = request.POST.get("kind", "")[:20], request.POST.get("value", "")[:300]
    with closing(raw.connect()) as database:
        if rules.remove(database, petition.pk, kind, value):
            audit.record(user_of(request), "rule-removed", petition=petition, details=value)
    return _to(petition)


@require_POST
@of_petition(Act.MODERATE)
def strictness(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Choose how strict the limits of a network are."""
    form = Strictness(request.POST)
    if not form.is_valid():
        return _page(request, petition, NewRules(), form)
    with closing(raw.connect()) as database:
        rules.set_strictness(database, petition.pk, form.cleaned_data["strictness"])
    audit.record(
        user_of(request), "strictness", petition=petition, details=str(form.cleaned_data["strictness"])
    )
    return _to(petition)


def _to(petition: Petition) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("limits", args=[petition.slug]))


def _surges(petition: Petition, ruled: set[str]) -> list[dict[str, object]] | None:
    """Return what public processes noticed within a day; None if they cannot be asked."""
    found = surges.ask(settings.DATA / "run", petition.slug)
    if found is None:
        return None
    return [
        {
            "hour": datetime.fromtimestamp(one.hour, UTC),
            "value": one.value,
            "number": one.number,
            "may_rule": one.value not in (*ruled, "tor", "onion"),
        }
        for one in found[:SHOWN]
    ]


def _page(
    request: HttpRequest, petition: Petition, form: NewRules, strict: Strictness | None = None
) -> HttpResponse:
    with closing(raw.connect()) as database:
        known = rules.rules(database, petition.pk)
        factor = rules.strictness(database, petition.pk)
    errors = form.errors or (strict is not None and strict.errors)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "form": form,
        "strict": strict or Strictness(initial={"strictness": factor}),
        "rules": [
            {"kind": kind, "value": value, "effect": EFFECTS[rules.Effect(effect)]}
            for kind, value, effect in known
        ],
        "surges": _surges(petition, {value for _, value, _ in known}),
        "surge": SURGE,
        "tab": "limits",
    }
    return render(request, "desk/limits.html", context, status=422 if errors else 200)
