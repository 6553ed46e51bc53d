"""One mailing: its texts, how it will arrive, a test to oneself, and what became of it. `mailingsending.py` sends."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation
from sabal.desk import newsletters as own
from sabal.desk.access import of_organisation, user_of
from sabal.desk.languagenames import language_name, name_of
from sabal.desk.moments import on_clocks
from sabal.desk.newsletterforms import MailingTextForm
from sabal.desk.views.emails import POLICY
from sabal.desk.views.traffic import NAMES as PROVIDERS
from sabal.mailings import control
from sabal.mailings.models import Mailing, MailingTest
from sabal.mailings.parts import MARK
from sabal.mailings.rendered import EXAMPLE
from sabal.mailings.rendering import MailingWords
from sabal.mailings.report import MailingReport
from sabal.mailings.states import TAKEN, State
from sabal.refusal import Refusal

TESTS_AN_HOUR = 10
LATE = 15  # seconds after which a test that waits means that no worker runs


@require_safe
@of_organisation(Act.SEND)
def show(request: HttpRequest, organisation: Organisation, pk: int) -> HttpResponseBase:
    """Show a draft with what comes next, or how far a mailing is and what became of it."""
    mailing = find_mailing(organisation, pk)
    state = mailing.state
    if state in ("draft", "planned"):
        return _draft(request, organisation, mailing)
    report, reasons = own.report_of(mailing)
    guarded = own.is_guarded(mailing)
    context = about(organisation, mailing) | {
        "report": report,
        "total": report.queued,
        "came_back": sorted(reasons.items()),
        "bounced": sum(reasons.values()),
        "languages": sorted((name_of(one, here()), n) for one, n in report.languages.items()),
        # A guarded petition's few readers at a small provider are not pointed at.
        "providers": [] if guarded else _providers(report),
        "guarded": guarded,
        "hidden": hides(request, organisation, mailing),
        "begun": own.told(mailing.begun_at),
        "ended": own.told(mailing.ended_at),
        "queueing": mailing.queued_at is None,
        "missing": control.missing(mailing),
    }
    response = render(request, "desk/mailing.html", context)
    if state == "sending":
        response.headers["Refresh"] = "3"
    return response


def _draft(request: HttpRequest, organisation: Organisation, mailing: Mailing) -> HttpResponseBase:
    texts = {one.language: one for one in mailing.texts.order_by("pk")}
    wanted = request.GET.get("language", "")
    language = wanted if wanted in texts else next(iter(texts), "")
    shown = own.letter_of(mailing, language) if language else None
    hidden = hides(request, organisation, mailing)
    subscribers = Counter[str]() if hidden else own.count_of(mailing)
    test = mailing.tests.filter(email=user_of(request).email).order_by("-pk").first()
    others = [one for one in own.languages_of(organisation) if one not in texts]
    context = about(organisation, mailing) | {
        "texts": [(one, name_of(one, here())) for one in texts],
        "others": [(one, name_of(one, here()), subscribers[one]) for one in others],
        "language": language,
        "shown": shown,
        "plain": shown.text.replace(MARK, EXAMPLE) if shown else "",
        "dark": request.GET.get("dark") == "1",
        "width": "wide" if request.GET.get("width") == "wide" else "phone",
        "to": user_of(request).email,
        "test": test,
        "late": test is not None and test.ended_at is None and time.time() - test.asked_at > LATE,
        "readers": sum(subscribers.values()),
        "hidden": hidden,
        "planned": own.told(mailing.planned_for),
        "local": on_clocks(own.told(mailing.planned_for), mailing.zone) if mailing.planned_for else None,  # type: ignore[arg-type]
        "missed": bool(mailing.planned_for and mailing.planned_for < time.time() - control.MISSED_AFTER),
    }
    return render(request, "desk/mailing_draft.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_organisation(Act.SEND)
def text(request: HttpRequest, organisation: Organisation, pk: int, language: str) -> HttpResponseBase:
    """Write a mailing in one language, or leave the language out again."""
    mailing = find_mailing(organisation, pk)
    refuse_begun(mailing)
    if language not in own.languages_of(organisation):
        raise Http404
    stored = mailing.texts.filter(language=language).first()
    initial: dict[str, Any] = {"revision": mailing.revision}
    if stored is not None:
        initial |= {"subject": stored.subject, "body": stored.body}
    form = MailingTextForm(request.POST or None, language=language, initial=initial)
    if request.method == "POST" and "leave-out" in request.POST and language != mailing.fallback:
        with transaction.atomic():
            if control.changed(mailing, mailing.revision):
                mailing.texts.filter(language=language).delete()
        return HttpResponseRedirect(address_of(organisation, mailing))
    if request.method == "POST" and form.is_valid():
        words = {
            one.language: MailingWords(one.language, one.subject, one.body) for one in mailing.texts.all()
        }
        words[language] = MailingWords(language, form.cleaned_data["subject"], form.cleaned_data["body"])
        with transaction.atomic():
            saved = control.changed(mailing, form.cleaned_data["revision"])
            if saved:
                control.store_texts(mailing, words)
        if saved:
            return HttpResponseRedirect(f"{address_of(organisation, mailing)}?language={language}")
        form.add_error(
            None,
            gettext(
                "Somebody else changed this mailing while you were writing. Your text is still here. Copy it, open this"
                " page anew, and compare."
            ),
        )
    context = about(organisation, mailing) | {
        "form": form,
        "language": language,
        "language_name": language_name(language),
        "may_leave_out": stored is not None and language != mailing.fallback,
    }
    return render(request, "desk/mailing_text.html", context, status=422 if form.errors else 200)


@require_safe
@of_organisation(Act.SEND)
def as_html(request: HttpRequest, organisation: Organisation, pk: int) -> HttpResponse:
    """Answer with the HTML of the email, which only the desk may frame. Its links lead to nobody's page."""
    mailing = find_mailing(organisation, pk)
    shown = own.letter_of(mailing, request.GET.get("language", ""))
    if shown is None:
        raise Http404
    html = shown.html.replace(MARK, EXAMPLE)
    dark = request.GET.get("dark") == "1"
    html = html.replace("@media (prefers-color-scheme: dark)", "@media all" if dark else "@media not all")
    return HttpResponse(html, headers={"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"})


@require_POST
@of_organisation(Act.SEND)
def test(request: HttpRequest, organisation: Organisation, pk: int) -> HttpResponseBase:
    """Let the worker send the mailing to the person who asks, once in each language."""
    mailing, user, now = find_mailing(organisation, pk), user_of(request), int(time.time())
    if MailingTest.objects.filter(email=user.email, asked_at__gte=now - 3_600).count() >= TESTS_AN_HOUR:
        raise Refusal(gettext("You have sent ten tests within an hour. Wait a while before the next one."))
    if mailing.texts.exists():
        control.ask_for_test(mailing, user.email, now)
    return HttpResponseRedirect(f"{address_of(organisation, mailing)}#test")


STEPS: dict[str, tuple[Callable[[Mailing, int], bool], str]] = {
    "pause": (control.pause, "mailing-paused"),
    "resume": (control.resume, "mailing-resumed"),
    "cancel": (control.cancel, "mailing-cancelled"),
    "unplan": (control.unplan, "mailing-unplanned"),
    "discard": (control.discard, "mailing-discarded"),
}


@require_POST
@of_organisation(Act.SEND)
def steer(request: HttpRequest, organisation: Organisation, pk: int, step: str) -> HttpResponseBase:
    """Pause, resume or cancel the sending, cancel a plan, or discard a draft."""
    mailing = find_mailing(organisation, pk)
    if step not in STEPS:
        raise Http404
    verb, what = STEPS[step]
    with transaction.atomic():
        subject = own.subject_of(mailing)
        if verb(mailing, int(time.time())):
            audit.record(user_of(request), what, organisation=organisation, details=subject)
    if step == "discard":
        return HttpResponseRedirect(reverse("newsletter", args=[organisation.key]))
    return HttpResponseRedirect(address_of(organisation, mailing))


def find_mailing(organisation: Organisation, pk: int) -> Mailing:
    """Return a mailing of this organisation. Raises Http404 if it is another's or none."""
    found = own.mailings_of(organisation).select_related("petition__version", "sent_by").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def hides(request: HttpRequest, organisation: Organisation, mailing: Mailing) -> bool:
    """Return whether this person may not see how many get the mailing."""
    return own.hides_numbers(control.list_of(mailing), user_of(request), organisation)


def refuse_begun(mailing: Mailing) -> None:
    """Raise Refusal if the mailing is sent, or planned to be."""
    if mailing.begun_at is not None or mailing.cancelled_at is not None:
        raise Refusal(gettext("This was sent already, so its text stays as it is. Write a new one."))
    if mailing.planned_for is not None:
        raise Refusal(gettext("This is planned to be sent. Cancel the plan first, then change it."))


def about(organisation: Organisation, mailing: Mailing) -> dict[str, Any]:
    """Return what every page of a mailing needs."""
    subject = own.subject_of(mailing)
    return {
        "organisation": organisation,
        "mailing": mailing,
        "subject": subject,
        "list": own.label_of(mailing),
    }


def address_of(organisation: Organisation, mailing: Mailing) -> str:
    """Return the path of the mailing's page on the desk."""
    return reverse("mailing", args=[organisation.key, mailing.pk])


def here() -> str:
    """Return the language of the reader."""
    return get_language() or "en"


def _providers(report: MailingReport) -> list[tuple[str, int, int, int, int]]:
    """Return provider, accepted, deferred, refused and given up, the largest first."""
    rows = [
        (
            str(PROVIDERS.get(name, name)),
            sum(states[one] for one in TAKEN),
            states[State.DEFERRED],
            states[State.REFUSED] + states[State.UNREADABLE],
            states[State.GIVEN_UP],
        )
        for name, states in report.providers.items()
    ]
    return sorted(rows, key=lambda row: -sum(row[1:]))
