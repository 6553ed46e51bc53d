"""What was delivered and answered, and where each demand is: shown, added to, and corrected."""

from datetime import date

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from sabal.accounts.acts import Act
from sabal.delivery import record
from sabal.delivery.record import Happening, Said
from sabal.delivery.rows import Proof, Statement, Step
from sabal.desk import answercards as cards
from sabal.desk.access import of_petition, user_of
from sabal.desk.answerforms import TITLES, StepForm
from sabal.desk.answerpages import attach, back, found_of, page, posted, received
from sabal.desk.demandforms import StatementForm
from sabal.desk.recordfields import this_day
from sabal.pages.standings import KINDS, STATES
from sabal.petitions.deliveries import DemandState, StepKind, chains
from sabal.petitions.models import Petition

RECORDED = tuple(TITLES)


@require_safe
@of_petition(Act.VIEW)
def index(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show each recipient: what happened last, where the demands are, and what comes next."""
    found = found_of(petition)
    shown = [cards.card(found, key, this_day()) for key in found.found.recipients]
    context = {
        "cards": sorted(shown, key=lambda card: not card["next"].late),  # type: ignore[attr-defined]
        "earlier": [(key, found.name(key)) for key in found.earlier_recipients],
        "lost": len(cards.lost(found)),
        "totals": cards.totals(found.found.totals()),
        "pairs": len(found.found.cells),
        "languages": found.snapshot.definition.languages,
    }
    return page(request, petition, "answers", context)


@require_safe
@of_petition(Act.VIEW)
def show(request: HttpRequest, petition: Petition, recipient: str) -> HttpResponse:
    """Show all that happened with one recipient, and where each demand is with it."""
    found = found_of(petition, recipient)
    proofs = Proof.objects.filter(petition=petition, step__recipient=recipient).defer("data").order_by("pk")
    steps = [
        chain
        for chain in chains(found.snapshot.progress.deliveries.steps)
        if chain.row.recipient == recipient
    ]
    context = {
        "recipient": recipient,
        "name": found.name(recipient),
        "is_asked": recipient in found.found.recipients,
        "next": found.next(recipient, this_day()),
        "kinds": [(kind.value, TITLES[kind]) for kind in RECORDED],
        "steps": [
            cards.step(
                chain,
                [one for one in proofs if one.step_id in {row.id for row in (chain.row, *chain.before)}],
            )
            for chain in sorted(steps, key=lambda chain: (chain.shown.on, chain.row.id), reverse=True)
        ],
        "demands": cards.demands(found, recipient),
    }
    return page(request, petition, "recipient_record", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def add(request: HttpRequest, petition: Petition, recipient: str, kind: str) -> HttpResponseBase:
    """Record what happened with a recipient, with a proof if there is one."""
    found = found_of(petition, recipient)
    if kind not in [one.value for one in RECORDED]:
        raise Http404
    form = StepForm(
        *posted(request),
        kind=StepKind(kind),
        definition=found.snapshot.definition,
        spoken=cards.language_of(found, recipient),
        received=received(request),
    )
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            step = record.add(petition, recipient, form.happening(), user=user_of(request))
            attach(request, step, form)
        messages.success(request, gettext("It is recorded. The public page shows it within a second."))
        if step.kind == StepKind.ANSWERED:
            return HttpResponseRedirect(
                reverse("demands-state", args=[petition.slug, recipient]) + f"?source={step.pk}"
            )
        return back(petition, recipient)
    context = {
        "recipient": recipient,
        "name": found.name(recipient),
        "form": form,
        "heading": TITLES[StepKind(kind)],
    }
    return page(request, petition, "record_step", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def correct(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Correct a row about a recipient, or say that it did not happen."""
    step = Step.objects.filter(pk=pk, petition=petition).exclude(kind=StepKind.MISTAKE).first()
    if step is None:
        raise Http404
    found = found_of(petition, step.recipient)
    if request.method == "POST" and "mistake" in request.POST:
        record.correct(step, Happening(StepKind.MISTAKE, step.happened_on), user=user_of(request))
        messages.success(request, gettext("It is marked as recorded by mistake."))
        return back(petition, step.recipient)
    form = StepForm(
        *posted(request), kind=StepKind(step.kind), definition=found.snapshot.definition, step=step
    )
    if request.method == "POST" and form.is_valid():
        record.correct(step, form.happening(), user=user_of(request))
        messages.success(request, gettext("It is corrected. The public page shows what it said before."))
        return back(petition, step.recipient)
    context = {
        "recipient": step.recipient,
        "name": found.name(step.recipient),
        "form": form,
        "heading": gettext("Correct: %(what)s") % {"what": KINDS[StepKind(step.kind)]},
        "corrects": True,
    }
    return page(request, petition, "record_step", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def demands(request: HttpRequest, petition: Petition, recipient: str) -> HttpResponseBase:
    """Say where demands are with a recipient: several at once."""
    found = found_of(petition, recipient)
    if recipient not in found.found.recipients:
        raise Http404
    asked, source = request.GET.getlist("demand"), request.GET.get("source", "")
    form = StatementForm(
        request.POST or None,
        definition=found.snapshot.definition,
        demands=cards.in_words(found),
        steps=cards.sources(found, recipient),
        initial={"demands": asked, "source": source, "day": _day_of(petition, source) or this_day()},
    )
    if request.method == "POST" and form.is_valid():
        record.state(petition, recipient, form.cleaned_data["demands"], form.said(), user=user_of(request))
        messages.success(request, gettext("It is recorded. The public page shows it within a second."))
        return back(petition, recipient)
    context = {
        "recipient": recipient,
        "name": found.name(recipient),
        "form": form,
        "heading": gettext("Progress of the demands"),
        "intro": gettext("Say the same of several demands at once, and then of the others."),
    }
    return page(request, petition, "record_step", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def correct_statement(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Correct what was said about a demand, or say that it was recorded by mistake."""
    there = Statement.objects.filter(pk=pk, petition=petition).exclude(state=DemandState.MISTAKE).first()
    if there is None:
        raise Http404
    found = found_of(petition, there.recipient)
    if request.method == "POST" and "mistake" in request.POST:
        said = Said(DemandState.MISTAKE, there.happened_on)
        record.correct_statement(there, said, user=user_of(request))
        messages.success(request, gettext("It is marked as recorded by mistake."))
        return back(petition, there.recipient)
    form = StatementForm(
        request.POST or None,
        definition=found.snapshot.definition,
        steps=cards.sources(found, there.recipient),
        statement=there,
    )
    if request.method == "POST" and form.is_valid():
        record.correct_statement(there, form.said(), user=user_of(request))
        messages.success(request, gettext("It is corrected. The public page shows what it said before."))
        return back(petition, there.recipient)
    number = ".".join(there.anchor.split("-")[1:])
    context = {
        "recipient": there.recipient,
        "name": found.name(there.recipient),
        "form": form,
        "heading": gettext("Correct: %(what)s") % {"what": f"{number} – {STATES[DemandState(there.state)]}"},
        "corrects": True,
    }
    return page(request, petition, "record_step", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def earlier(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Say where the demands of earlier texts are in the text of now."""
    found = found_of(petition)
    lost = cards.lost(found)
    if request.method == "POST":
        chosen = lost.get(request.POST.get("demand", ""))
        if chosen is None:
            raise Http404
        record.continue_demand(petition, *chosen, request.POST.get("now", ""), user=user_of(request))
        return HttpResponseRedirect(reverse("answers-earlier", args=[petition.slug]))
    versions = {one.number: one.definition for one in found.versions}
    rows = [
        {"key": key, "number": number, "anchor": anchor, "text": cards.text_of(versions[number], anchor)}
        for key, (number, anchor) in lost.items()
    ]
    return page(request, petition, "answers_earlier", {"rows": rows, "demands": cards.in_words(found)})


def _day_of(petition: Petition, source: str) -> date | None:
    """Return the day of the row that a statement is made from: what an answer means holds since then."""
    step = Step.objects.filter(petition=petition, pk=source).first() if source.isdecimal() else None
    return step.happened_on if step else None
