"""What a letter or a signature sheet is to be like. Nothing of it is stored: its address in the browser keeps it."""

from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sabal.desk.languagenames import name_of
from sabal.desk.publishforms import showable
from sabal.dossier.languages import LANGUAGES
from sabal.dossier.letter import Handover
from sabal.dossier.sheets import LEAST_LINES, MOST_NUMBER, MOST_SHEETS, PAPERS, Sheets
from sabal.petitions.definition import Definition, Text

MOST_LINES = 8  # of an address, and of those who sign
SIZES = {"a4": _("A4: usual printers"), "a3": _("A3: for a table at an event")}


def language_choices(languages: Any) -> list[tuple[str, str]]:
    """Return languages as choices, with their names."""
    return [(one, name_of(one, get_language() or "en")) for one in languages]


def lines(text: str) -> list[str]:
    """Return the lines that are not empty, at most `MOST_LINES`."""
    found = [" ".join(line.split()) for line in text.splitlines()]
    return [line for line in found if line][:MOST_LINES]


class Lines(forms.CharField):
    """A few short lines of text."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 3})
        super().__init__(required=False, max_length=600, validators=[showable], widget=widget, **kwargs)

    def clean(self, value: Any) -> list[str]:
        """Return them, cleaned."""
        return lines(super().clean(value))


class RecipientLetterForm(forms.Form):
    """The language of a letter, its address, which demands come first, and who signs it."""

    member = forms.SlugField(required=False, widget=forms.HiddenInput())
    language = forms.ChoiceField(label=_("Language of the letter"))
    address = Lines(label=_("Postal address"), help_text=_("Below the name of the recipient."))
    first = forms.MultipleChoiceField(
        label=_("Which demands come first?"),
        help_text=_(
            "Tick those that this recipient itself can meet. The others follow. No demand is left out."
        ),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
    )
    signers = Lines(
        label=_("Who signs it?"),
        help_text=_("Name and office, below the closing words. Without them it is the organisation."),
    )

    bundle_url = forms.URLField(
        label=_("Where can the file for checking be downloaded?"),
        help_text=_(
            "Only if you put it on a website of your own. Otherwise the letter names its address on this site."
        ),
        required=False,
        max_length=300,
        assume_scheme="https",
        validators=[showable, URLValidator(schemes=["https"])],
    )

    def __init__(self, *args: Any, text: Text, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = language_choices(LANGUAGES)  # type: ignore[attr-defined]
        demands = [(one.anchor, f"{one.anchor.removeprefix('demand-')}. {one.text}") for one in text.demands]
        self.fields["first"].choices = demands  # type: ignore[attr-defined]
        if len(demands) < 2:
            del self.fields["first"]

    def handover(self, day: Any) -> Handover:
        """Return what was chosen, for a letter of that day."""
        chosen = self.cleaned_data
        return Handover(
            day=day,
            first=chosen.get("first", ()),
            address=chosen["address"],
            signers=chosen["signers"],
            bundle_url=chosen["bundle_url"],
        )


class SheetsForm(forms.Form):
    """How signature sheets are printed."""

    language = forms.ChoiceField(label=_("Language"))
    paper = forms.ChoiceField(label=_("Paper"), choices=list(SIZES.items()))
    number = forms.IntegerField(label=_("How many sheets?"), min_value=1, max_value=MOST_SHEETS, initial=5)
    first = forms.IntegerField(
        label=_("Number on the first sheet"),
        help_text=_("Each sheet has a number of its own, so that none is lost or counted twice."),
        min_value=1,
        max_value=MOST_NUMBER,
        initial=1,
    )
    lines = forms.IntegerField(
        label=_("Lines on each sheet"),
        help_text=_("Empty: as many as are easy to write in."),
        required=False,
        min_value=LEAST_LINES,
    )

    def __init__(self, *args: Any, definition: Definition, languages: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = language_choices(languages)  # type: ignore[attr-defined]
        self.fields["language"].initial = definition.authoritative

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        most = PAPERS[cleaned["paper"]][1] if "paper" in cleaned else 0
        if most and (cleaned.get("lines") or 0) > most:
            self.add_error("lines", _("At most %(most)d lines fit on a sheet of this size.") % {"most": most})
        return cleaned

    def wanted(self) -> Sheets:
        """Return what was chosen."""
        chosen = self.cleaned_data
        return Sheets(
            chosen["language"], chosen["paper"], chosen["lines"] or 0, chosen["first"], chosen["number"]
        )
