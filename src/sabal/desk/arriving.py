"""What was recognised in a file from another platform, in words: what each part is, and what becomes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from sabal.desk.languagenames import language_name
from sabal.desk.startforms import Owned
from sabal.elsewhere.found import Arrival
from sabal.elsewhere.people import BAD_ADDRESS, BROKEN, NO_ADDRESS, SAID_NO, TWICE, UNCONFIRMED

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

WHY_NOT: dict[str, "StrOrPromise"] = {
    "large": _("This file is too large: at most 12 MB, with 200 petitions."),
    "long": _("A text in this file is longer than 200,000 characters. No petition can have it."),
    "empty": _("This file is empty."),
    "kind": _(
        "This is a picture, a PDF, an Office document or a .zip file. Export the petition as JSON, or a table as CSV."
    ),
    "broken": _("This file is damaged, or not JSON to its end. Download it again."),
    "json": _(
        "This is JSON, but neither a petition nor people that this server recognises. You can begin with the text as a"
        " letter."
    ),
    "table": _("This is text, but no table that this server recognises. You can begin with it as a letter."),
    "people": _("No people are in this file."),
    "stale": _("What was read from the file arrived damaged. Choose the file again."),
}
FAULTS: dict[str, "StrOrPromise"] = {
    BROKEN: _("the row is broken: it has more or fewer cells than the first row"),
    NO_ADDRESS: _("no email address"),
    BAD_ADDRESS: _("not an email address"),
    TWICE: _("the same address again"),
    UNCONFIRMED: _("never confirmed there"),
    SAID_NO: _("said no there, or the address did not work"),
}
SHOWN = 400  # characters of a text in the table


class ArrivalForm(Owned):
    """A file from another platform."""

    file = forms.FileField(
        label=_("The file"),
        help_text=_("JSON or CSV, at most 12 MB. Its content decides what it is, not its name."),
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.csv,.txt,application/json,text/csv"}),
    )
    field_order = ("file", "organisation")


class MakeForm(Owned):
    """What was recognised, as its page carries it, and what is to be made of it."""

    found = forms.CharField(widget=forms.HiddenInput(), strip=False)
    chosen = forms.IntegerField(widget=forms.HiddenInput(), min_value=0, required=False)
    language = forms.CharField(required=False, max_length=20)
    count = forms.BooleanField(required=False)

    def clean_language(self) -> Any:
        return self.cleaned_data["language"].strip().lower()


@dataclass(frozen=True)
class Fact:
    """One part of a file: what it is, what it says, and what becomes of it."""

    name: "StrOrPromise"
    value: str
    fate: "StrOrPromise"


def facts_of(arrival: Arrival) -> Iterator[Fact]:
    """Yield each part of a petition. Nothing of the file is left unsaid."""
    yield Fact(_("Title"), arrival.title, _("the title"))
    if arrival.recipients:
        yield Fact(_("To"), ", ".join(arrival.recipients), _("the recipients"))
    if arrival.summary:
        yield Fact(
            _("Summary"), _short(arrival.summary), _("the subject, and its first sentence the summary")
        )
    if arrival.own:
        languages = ", ".join(
            map(language_name, arrival.own.get("texts") or [str(arrival.own.get("language") or "")])
        )
        yield Fact(_("Text"), languages, _("the text as it is, in these languages"))
    elif arrival.body:
        yield Fact(_("Text"), _short(arrival.body), _("the lines below"))
    if arrival.link:
        yield Fact(_("Address"), arrival.link, _("named as the evidence of the count"))
    for kind, name in (("answer", _("Answers")), ("update", _("Updates")), ("note", _("Notes"))):
        if titles := [one.title or _short(one.text) for one in arrival.materials if one.kind == kind]:
            yield Fact(name, _short(" · ".join(titles)), _("kept beside the draft, under “Signed elsewhere”"))
    if arrival.signatures:
        number = number_format(arrival.signatures, force_grouping=True)
        yield Fact(_("Signatures"), number, _("a count from elsewhere, if you tick it below"))
    for key, value in arrival.rest:
        yield Fact(key, value, _("not used: it stays in your file"))


def said(faults: dict[str, int]) -> list[tuple["StrOrPromise", int]]:
    """Return the reasons why rows give no address, in words, with their numbers."""
    return [(FAULTS[why], n) for why, n in sorted(faults.items())]


def kept_sentence(number: int) -> str:
    """Return the sentence that says how many texts came with a petition."""
    return ngettext(
        "The draft is made. %(number)d text came with it: it is under “Signed elsewhere”.",
        "The draft is made. %(number)d texts came with it: they are under “Signed elsewhere”.",
        number,
    ) % {"number": number}


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= SHOWN else f"{plain[:SHOWN]} …"
