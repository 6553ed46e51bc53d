"""The email that asks to confirm a signature, as it will arrive, and a test of it to oneself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, override
from django.views.decorators.http import require_POST, require_safe

from sabal import settings
from sabal.accounts.acts import Act
from sabal.desk import tasks, testemail
from sabal.desk.access import of_petition, user_of
from sabal.desk.models import Job
from sabal.desk.numbers import counts_by_petition
from sabal.desk.titles import definition_of, title_of
from sabal.desk.views.jobs import is_late
from sabal.mail.address import EmailAddress
from sabal.mail.confirming import confirm_content, reminder_content
from sabal.mail.content import Content
from sabal.mail.emails import Email, Site
from sabal.mail.ids import CONFIRM_SIGNATURE
from sabal.petitions.counts import Counts
from sabal.petitions.definition import Definition
from sabal.petitions.models import Petition
from sabal.refusal import Refusal

MOST_AN_HOUR = 5
SHOWN_FOR = timedelta(minutes=30)  # how long the page speaks of the last test
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
EXAMPLE = "x" * 26  # in place of the token of a link


@require_safe
@of_petition(Act.VIEW)
def show(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show the email in one of the petition's languages, and what the page after its link begins with."""
    definition = _definition(petition)
    language = _language(request, definition)
    user = user_of(request)
    last = Job.objects.filter(user=user, petition=petition, kind=testemail.KIND).order_by("-asked_at").first()
    recent = last is not None and timezone.now() - last.asked_at < SHOWN_FOR
    content = _content(petition, definition, language)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "languages": definition.languages,
        "language": language,
        "content": content,
        "reminder": _content(petition, definition, language, reminder_content)
        if definition.reminder
        else None,
        "sender": settings.MAIL_FROM,
        "thanks": definition.texts[language].thanks,
        "guarded": definition.profile == "guarded",
        "to": user.email,
        "last": last if recent else None,
        "late": last is not None and is_late(last),
    }
    return render(request, "desk/emails.html", context)


@require_safe
@of_petition(Act.VIEW)
def as_html(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Answer with the HTML of the email, which only the desk may frame."""
    definition = _definition(petition)
    language = _language(request, definition)
    words = _site_language(language)
    with override(words):
        shown = _content(petition, definition, language).as_html(words)
    headers = {"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HttpResponse(shown, headers=headers)


@require_POST
@of_petition(Act.EDIT)
def test(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Let the worker send the email to the person who asks, once in each language."""
    user, since = user_of(request), datetime.now(UTC) - timedelta(hours=1)
    if petition.state == Petition.State.DRAFT and definition_of(petition) is None:
        raise Http404
    if Job.objects.filter(user=user, kind=testemail.KIND, asked_at__gte=since).count() >= MOST_AN_HOUR:
        raise Refusal(gettext("You have sent five tests within an hour. Wait a while before the next one."))
    tasks.ask(user, testemail.KIND, petition, petition.revision)
    return HttpResponseRedirect(f"{reverse('emails', args=[petition.slug])}#test")


def _definition(petition: Petition) -> Definition:
    definition = definition_of(petition)
    if definition is None:
        raise Refusal(
            gettext("This version of the server cannot read this text. Tell the operator of this server.")
        )
    return definition


def _language(request: HttpRequest, definition: Definition) -> str:
    wanted = request.GET.get("language", ""), get_language() or ""
    return next((one for one in wanted if one in definition.languages), definition.authoritative)


def _content(
    petition: Petition,
    definition: Definition,
    language: str,
    write: Callable[[Email, Definition, Site], Content] = confirm_content,
) -> Content:
    with override(_site_language(language)):
        return write(_email(petition, language), definition, Site(settings.BASE_URL, settings.MAIL_FROM))


def _email(petition: Petition, language: str) -> Email:
    checkpoint = counts_by_petition().get(petition.pk, Counts()).checkpoint.decode()
    to = EmailAddress.parse("you@example.org")
    return Email(0, CONFIRM_SIGNATURE, to, language, EXAMPLE, checkpoint=checkpoint)


def _site_language(language: str) -> str:
    return language if language in settings.SITE_LANGUAGES else "en"
