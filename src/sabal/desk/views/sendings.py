"""What is sent to recipients: ask for it, see exactly what goes, and what became of each email."""

import secrets
from contextlib import closing
from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal import database as raw
from sabal import token as tokens
from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation
from sabal.delivery import asking, contacts, record
from sabal.delivery.asking import Wanted
from sabal.delivery.contacts import Addressee
from sabal.delivery.record import Happening
from sabal.delivery.sendings import Dispatch, Occasion, SendingRules
from sabal.desk.access import of_petition, user_of
from sabal.desk.delivering import content, public_name_of
from sabal.desk.planning import zone_of
from sabal.desk.sendforms import SendForm
from sabal.desk.sentpages import (
    email_of_page,
    label_of,
    languages_of,
    names_of,
    occasion_of_page,
    previews,
    reached,
    sends_by_itself,
    takes_email,
)
from sabal.desk.titles import public_definition_of
from sabal.desk.views.contacts import of_page
from sabal.petitions.deliveries import StepKind, Way
from sabal.petitions.links import is_email_address
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import published
from sabal.refusal import Refusal

State, Kind = Dispatch.State, Occasion.Kind
SHOWN = 100  # emails on a page
PREVIEWED = 40
TESTS_AN_HOUR = 5
AGAIN = (State.REFUSED, State.GIVEN_UP, State.UNCLEAR, State.FAILED, State.RETURNED)


@require_safe
@of_petition(Act.VIEW)
def index(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show what is planned, what was sent, and what became of it."""
    definition = public_definition_of(petition)
    if definition is None:
        raise Http404
    emails = Dispatch.objects.filter(occasion__petition=petition).select_related("occasion", "contact")
    planned = Occasion.objects.filter(petition=petition, opened=0, cancelled=0).exclude(kind=Kind.TEST)
    names = names_of(contacts.addressees(petition, definition), definition)
    rules = SendingRules.objects.filter(petition=petition).first()
    context = {
        **of_page(request, petition, definition),
        "published": petition.state != Petition.State.DRAFT,
        "planned": [occasion_of_page(one, names) for one in planned.order_by("due")],
        "emails": [email_of_page(one) for one in emails.order_by("-pk")[:SHOWN]],
        "rules": rules,
        "by_itself": sends_by_itself(rules.first, rules.every, rules.final) if rules else "",
    }
    return render(request, "desk/sendings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def send(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Choose recipients; on POST show exactly what goes, send a test to oneself, or ask for it."""
    seen = snapshot_of(petition)
    now = datetime.now(UTC)
    found = [one for one in contacts.addressees(petition, seen.definition) if one.listed]
    reachable = [one for one in found if takes_email(one, now)]
    form = _send_form(request, petition, reachable, seen, now)
    step = request.POST.get("step", "")
    if request.method == "POST" and form.is_valid():
        if step == "send":
            _ask(request, petition, form, test=False)
            said = gettext("The emails are queued. Below you see what becomes of each.")
            messages.success(request, said)
            return HttpResponseRedirect(reverse("sendings", args=[petition.slug]))
        if step == "test":  # what was typed stays on the page, to be sent or changed after the test was read
            _refuse_many_tests(request)
            _ask(request, petition, form, test=True)
        if step != "change":
            chosen = [one for one in reachable if one.contact.key in form.cleaned_data["to"]]
            context = {
                **of_page(request, petition, seen.definition),
                **_of_preview(request, form, chosen, seen, now),
                "tested": step == "test",
            }
            return render(request, "desk/send_preview.html", context)
    context = {
        **of_page(request, petition, seen.definition),
        "form": form,
        "reachable": reachable,
        "others": [label_of(one, seen, now) for one in found if one not in reachable],
    }
    return render(request, "desk/send.html", context, status=422 if form.errors and step != "change" else 200)


def _send_form(
    request: HttpRequest,
    petition: Petition,
    reachable: list[Addressee],
    seen: PetitionSnapshot,
    now: datetime,
) -> SendForm:
    rules = SendingRules.objects.filter(petition=petition).first()
    return SendForm(
        request.POST or None,
        choices=[(one.contact.key, label_of(one, seen, now)) for one in reachable],
        languages=languages_of(reachable, seen, now),
        here=get_language() or "en",
        saved=rules.words if rules else {},
        initial={
            "to": [one.contact.key for one in reachable],
            "reply_to": (rules.reply_to if rules else "") or contact_of(petition),
            "form": secrets.token_hex(8),
            "zone": zone_of(user_of(request)),
        },
    )


def _of_preview(
    request: HttpRequest, form: SendForm, chosen: list[Addressee], seen: PetitionSnapshot, now: datetime
) -> dict[str, object]:
    """Return what the page shows that has exactly what would be sent to the chosen recipients."""
    return {
        "form": form,
        "emails": previews(chosen, seen, form.cleaned_data["reply_to"], form.words, now)[:PREVIEWED],
        "number": sum(len(reached(one, now)) for one in chosen),
        "hidden": _hidden(request),
        "later": form.cleaned_data.get("due"),
        "you": user_of(request).email,
    }


@require_safe
@of_petition(Act.SEND)
def attachment(request: HttpRequest, petition: Petition, key: str, member: str = "") -> HttpResponse:
    """Answer with the letter that would be attached for one recipient now."""
    seen, now = snapshot_of(petition), datetime.now(UTC)
    one = contacts.addressee(petition, seen.definition, key)
    found = (
        [] if one is None else [one.contact] if not member else [m for m in one.members if m.key == member]
    )
    if not found or one is None or not one.listed:
        raise Http404
    with closing(raw.connect()) as database:
        paper = content(database, seen, found[0], now.date(), {}, preview=True)[1]
    return _pdf(paper.name, paper.data)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def email(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Show one email as it went; on POST send it again, or note that it came back."""
    dispatch = _dispatch(petition, pk)
    if request.method == "POST":
        step = request.POST.get("step", "")
        if step == "again":
            _again(request, petition, dispatch)
        elif step == "returned":
            _returned(request, petition, dispatch)
        return HttpResponseRedirect(reverse("dispatch", args=[petition.slug, pk]))
    definition = public_definition_of(petition)
    if definition is None:
        raise Http404
    context = {
        **of_page(request, petition, definition),
        "email": email_of_page(dispatch),
        "again": dispatch.state in AGAIN and dispatch.occasion.kind != Kind.TEST,
        "accepted": dispatch.state == State.ACCEPTED and dispatch.occasion.kind != Kind.TEST,
    }
    return render(request, "desk/dispatch.html", context)


@require_safe
@of_petition(Act.SEND)
def enclosure(request: HttpRequest, petition: Petition, pk: int) -> HttpResponse:
    """Answer with the letter that was attached."""
    found = _dispatch(petition, pk).enclosure
    if found is None:
        raise Http404
    return _pdf(found.name, bytes(found.data))


@require_POST
@of_petition(Act.SEND)
def cancel(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Cancel what has not been sent yet."""
    occasion = Occasion.objects.filter(pk=pk, petition=petition).first()
    if occasion is None:
        raise Http404
    with transaction.atomic():
        if asking.cancel(occasion, _now()):
            audit.record(user_of(request), "delivery-cancelled", petition=petition, details=occasion.key)
    return HttpResponseRedirect(reverse("sendings", args=[petition.slug]))


def _ask(request: HttpRequest, petition: Petition, form: SendForm, *, test: bool) -> None:
    cleaned, user = form.cleaned_data, user_of(request)
    due = cleaned.get("due")
    wanted = Wanted(
        recipients=tuple(cleaned["to"]),
        reply_to=cleaned["reply_to"],
        due=int(due.timestamp()) if due and not test else _now(),
        words=form.words,
        zone=cleaned.get("zone") or "UTC",
        key=secrets.token_hex(8) if test else cleaned["form"],
        test=test,
    )
    with transaction.atomic():
        before = Occasion.objects.filter(petition=petition).count()
        occasion = asking.ask(petition, wanted, user, _now())
        if not test and Occasion.objects.filter(petition=petition).count() > before:
            audit.record(user, "delivery-asked", petition=petition, details=", ".join(occasion.recipients))


def _again(request: HttpRequest, petition: Petition, dispatch: Dispatch) -> None:
    """Let an email go once more, because a person says so."""
    fresh = {"state": State.WAITING, "token": tokens.encode(tokens.new()), "reason": "", "recorded": False}
    with transaction.atomic():
        waits = Dispatch.objects.filter(pk=dispatch.pk, state=dispatch.state, state__in=AGAIN)
        if waits.update(**fresh, queued=0, begun=0, ended=0):
            audit.record(user_of(request), "delivery-again", petition=petition, details=dispatch.contact.path)


def _returned(request: HttpRequest, petition: Petition, dispatch: Dispatch) -> None:
    """Note that an accepted email came back, and record it."""
    contact = dispatch.contact
    with transaction.atomic():
        accepted = Dispatch.objects.filter(pk=dispatch.pk, state=State.ACCEPTED, recorded=True)
        if not accepted.update(state=State.RETURNED):
            return
        what = Happening(
            kind=StepKind.RETURNED,
            on=datetime.now(UTC).date(),
            member=public_name_of(dispatch),
            way=Way.EMAIL,
        )
        key = f"returned-{dispatch.attempt}"
        record.add(petition, contact.group or contact.key, what, user=user_of(request), occasion=key)


def _hidden(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the fields of the form, to be sent again with what the person decides."""
    left_out = ("step", "csrfmiddlewaretoken")
    return [(key, value) for key, values in request.POST.lists() if key not in left_out for value in values]


def contact_of(petition: Petition) -> str:
    """Return the email address of the organisation, to which answers may go; empty if it has none."""
    organisation = Organisation.objects.filter(ownerships__petition=petition).first()
    contact = (organisation.contact if organisation else "").removeprefix("mailto:")
    return contact if is_email_address(contact) else ""


def _refuse_many_tests(request: HttpRequest) -> None:
    since = int((datetime.now(UTC) - timedelta(hours=1)).timestamp())
    if (
        Occasion.objects.filter(user=user_of(request), kind=Kind.TEST, asked__gte=since).count()
        >= TESTS_AN_HOUR
    ):
        raise Refusal(gettext("You have sent five tests within an hour. Wait a while before the next one."))


def snapshot_of(petition: Petition) -> PetitionSnapshot:
    """Return the petition as the public sees it. Raises Refusal for a draft."""
    with closing(raw.connect()) as database:
        found = published(database, petition.slug)
    if found is None:
        raise Refusal(gettext("Something can be sent once the petition is published."))
    return found


def _dispatch(petition: Petition, pk: int) -> Dispatch:
    rows = Dispatch.objects.select_related("occasion", "contact", "enclosure")
    found = rows.filter(pk=pk, occasion__petition=petition).first()
    if found is None:
        raise Http404
    return found


def _pdf(name: str, data: bytes) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(data, content_type="application/pdf", headers=headers)


def _now() -> int:
    return int(datetime.now(UTC).timestamp())
