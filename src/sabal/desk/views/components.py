"""The components of the desk on one page, made of the same templates as its other pages, for those who change them."""

from datetime import date

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sabal import settings
from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.desk.access import of_site, user_of
from sabal.desk.checklist import Check
from sabal.pages import charts
from sabal.petitions.growth import Step, Totals, parts


class Sample(forms.Form):
    """One field of each kind."""

    title = forms.CharField(
        label=_("Title"), help_text=_("A sentence that says what is asked."), max_length=60
    )
    website = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
    text = forms.CharField(label=_("The text"), widget=forms.Textarea(attrs={"rows": 3}))
    language = forms.ChoiceField(label=_("Language"), choices=[("en", "English"), ("ko", "한국어")])
    profile = forms.ChoiceField(
        label=_("Who may be harmed"),
        choices=[("guarded", _("Somebody could be harmed")), ("open", _("Nobody"))],
        widget=forms.RadioSelect(),
    )
    updates = forms.BooleanField(
        label=_("Offer updates"), help_text=_("Signers may tick a box for them."), required=False
    )


WRONG = {"title": "", "website": "not an address", "text": "", "language": "en", "profile": "neither"}


@require_safe
@of_site(Act.VIEW)
def show(request: HttpRequest) -> HttpResponse:
    """Show each component. On a real site only owners see the page."""
    if not settings.DEV and Act.ORGANISE not in roles.anywhere(user_of(request)):
        raise Http404
    language = get_language() or "en"
    days = [Totals(date(2026, 11, day), day * day, day // 3, 0) for day in range(1, 25)]
    found, label = parts(days, Step.DAY), gettext("A chart of the numbers in the table below.")
    context = {
        "empty": Sample(prefix="empty"),
        "wrong": Sample({f"wrong-{name}": value for name, value in WRONG.items()}, prefix="wrong"),
        "states": ("draft", "open", "paused", "closed", "finalised"),
        "checks": [
            Check(gettext("Title"), done=True, why="", where="#title"),
            Check(
                gettext("Who may be harmed"), done=False, why=gettext("Choose one answer."), where="#title"
            ),
        ],
        "parts": found[-3:],
        "total": charts.growth(found, Step.DAY, label, language),
        "added": charts.added(found, Step.DAY, label, language),
        "shares": charts.shares([("Quillmere", 620), ("Mill Hill", 130), ("–", 7)], label, language),
    }
    return render(request, "desk/components.html", context)
