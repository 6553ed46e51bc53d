"""Sending a mailing: how many get it in which language, and at once or at a time."""

import time
from collections import Counter

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation
from sabal.desk import newsletters as own
from sabal.desk import planning
from sabal.desk.access import of_organisation, user_of
from sabal.desk.languagenames import name_of
from sabal.desk.newsletterforms import SendMailingForm
from sabal.desk.views.mailings import about, address_of, find_mailing, here, hides, refuse_begun
from sabal.mailings import control
from sabal.mailings.models import Mailing
from sabal.refusal import Refusal


@require_http_methods(["GET", "HEAD", "POST"])
@of_organisation(Act.SEND, dangerous=True)
def send(request: HttpRequest, organisation: Organisation, pk: int) -> HttpResponseBase:
    """Show how many get it in which language; on POST send it, at once or at a time."""
    mailing = find_mailing(organisation, pk)
    refuse_begun(mailing)
    _refuse_unready(mailing)
    hidden = hides(request, organisation, mailing)
    subscribers = Counter[str]() if hidden else own.count_of(mailing)
    form = _send_form(request, mailing, subscribers)
    if (
        request.method == "POST"
        and (subscribers or hidden)
        and form.is_valid()
        and _begin(request, organisation, mailing, form)
    ):
        return HttpResponseRedirect(address_of(organisation, mailing))
    context = about(organisation, mailing) | {
        "form": form,
        "readers": sum(subscribers.values()),
        "hidden": hidden,
        "numbers": _numbers(mailing, subscribers),
        "again": 0 if hidden else own.got_it_already(mailing),
        "tested": mailing.tests.filter(refusal="").exclude(ended_at=None).exists(),
        "revision": mailing.revision,
    }
    return render(request, "desk/mailing_send.html", context, status=422 if form.errors else 200)


def _refuse_unready(mailing: Mailing) -> None:
    if mailing.petition is None and not control.has_petition(mailing):
        raise Refusal(
            gettext(
                "No published petition belongs to this newsletter any more, so its emails would not say who sends them."
                " Publish a petition of your organisation that offers a newsletter. Then export the subscribers of this"
                " newsletter, import them into the other one, and write to them there."
            )
        )
    if own.occasion_of(mailing) is None:
        raise Refusal(
            gettext("This version of the server cannot read this text. Tell the operator of this server.")
        )
    if not mailing.texts.filter(language=mailing.fallback).exists():
        raise Refusal(gettext("Nothing is written yet in the first language. Write it, then send it."))
    if control.repeats_forgotten(mailing):
        raise Refusal(
            gettext(
                "This same text was sent more than three months ago, and the server no longer knows who got it."
                " Change it before you send it, so that nobody gets the same email twice."
            )
        )


def _send_form(request: HttpRequest, mailing: Mailing, subscribers: Counter[str]) -> SendMailingForm:
    return SendMailingForm(
        request.POST if request.method == "POST" else None,
        last_day=planning.a_year_from_now(),
        readers=[(one, f"{name_of(one, here())} · {n:,}") for one, n in subscribers.most_common()],
        is_newsletter=mailing.petition_id is None,
        initial={"zone": mailing.zone or planning.zone_of(user_of(request))},
    )


def _numbers(mailing: Mailing, subscribers: Counter[str]) -> list[tuple[str, int, str, bool]]:
    """Return language, subscribers, the language of their text, and whether that is theirs; the most first."""
    have = set(mailing.texts.values_list("language", flat=True))
    return [
        (name_of(one, here()), n, name_of(one if one in have else mailing.fallback, here()), one in have)
        for one, n in subscribers.most_common()
    ]


def _begin(request: HttpRequest, organisation: Organisation, mailing: Mailing, form: SendMailingForm) -> bool:
    """Send or plan the mailing as this person saw it; if somebody changed it meanwhile, say so and return False."""
    cleaned, user, now = form.cleaned_data, user_of(request), int(time.time())
    with transaction.atomic():
        same = Mailing.objects.select_for_update().filter(pk=mailing.pk, begun_at=None, cancelled_at=None)
        if str(mailing.revision) != request.POST.get("revision", "") or not same.update(
            readers=cleaned["readers"], archived=mailing.petition_id is None and cleaned["archived"]
        ):
            form.add_error(
                None,
                gettext("The text was changed after you looked at it. Look at it again, and send it then."),
            )
            return False
        mailing.refresh_from_db()
        if cleaned["due"]:
            control.plan(mailing, int(cleaned["due"].timestamp()), cleaned["zone"], user.pk)
            details = f"{own.subject_of(mailing)[:300]} · {cleaned['due']:%Y-%m-%d %H:%M} UTC"
            audit.record(user, "mailing-planned", organisation=organisation, details=details)
        elif control.begin(mailing, now, user.pk):
            audit.record(user, "mailing-begun", organisation=organisation, details=own.subject_of(mailing))
    return True
