"""The forms of the editor: the text in one language, and the terms of a petition."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from sabal.petitions.definition import NO_DATE, TO_COMPLETE, Definition
from sabal.petitions.frontmatter import FRONT_MATTER


class Saved(forms.Form):
    """A form that knows which revision it shows, so that two people never overwrite each other."""

    revision = forms.IntegerField(widget=forms.HiddenInput())
    theirs: Mapping[str, str] | None = None

    def show_conflict(self, files: Mapping[str, str]) -> None:
        """Keep what was typed, and say that somebody saved another text meanwhile, which the page shows beside it."""
        self.theirs = files
        self.add_error(
            None,
            _(
                "Somebody else saved this petition while you were writing. Your text is still here, and the saved one"
                " is below. Copy what you need, then open this page anew."
            ),
        )


class TextForm(Saved):
    """The text in one language: what is at the top, and the letter itself as Markdown."""

    title = forms.CharField(label=_("Title"), max_length=FRONT_MATTER["title"])
    summary = forms.CharField(
        label=_("Summary"),
        help_text=_("One or two sentences: what is asked, and of whom."),
        max_length=FRONT_MATTER["summary"],
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    subject = forms.CharField(
        label=_("Subject"),
        help_text=_("The subject line of the letter."),
        required=False,
        max_length=FRONT_MATTER["subject"],
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    body = forms.CharField(
        label=_("The letter"),
        help_text=_(
            "A line that begins with ## is a heading. The demands are the one list: each begins with a hyphen, a part"
            " of it with two spaces and a hyphen. An empty line begins a new paragraph. *Stars* are for emphasis."
        ),
        max_length=60_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "class": "letter"}),
    )
    sign_invitation = forms.CharField(
        label=_("Invitation to sign"), required=False, max_length=FRONT_MATTER["sign_invitation"]
    )
    newsletter_invitation = forms.CharField(
        label=_("Invitation to the newsletter"),
        required=False,
        max_length=FRONT_MATTER["newsletter_invitation"],
    )
    notice = forms.CharField(label=_("Notice at the end"), required=False, max_length=FRONT_MATTER["notice"])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, value in self.initial.items():
            if isinstance(value, str) and TO_COMPLETE in value and key != "body":
                self.initial[key] = ""


PROFILES = [
    (
        "guarded",
        _("Yes: no name is ever shown, the count grows in large steps, and people at risk are warned"),
    ),
    (
        "open",
        _("No: signers may show their name if they wish, and the count grows soon after each signature"),
    ),
]


class TermsForm(Saved):
    """The terms. The fields with a text for each language are made for the languages of the petition."""

    profile = forms.ChoiceField(
        label=_("Could someone be harmed if it were known that they signed?"),
        choices=PROFILES,
        widget=forms.RadioSelect(),
    )
    privacy_contact = forms.CharField(
        label=_("Contact for questions about personal data"),
        help_text=_("An email address, or a web address that begins with https://"),
        max_length=200,
    )
    retention = forms.DateField(
        label=_("Signatures are deleted on"),
        help_text=_("Year-month-day, such as 2028-11-30. Everybody is promised this day when they sign."),
        widget=forms.DateInput(format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    closes = forms.DateField(
        label=_("Last day for signing"),
        help_text=_("If you leave it empty, people can sign until a week before the signatures are deleted."),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    goal = forms.IntegerField(label=_("Goal"), required=False, min_value=1, max_value=1_000_000_000)
    newsletter = forms.BooleanField(label=_("Offer the newsletter"), required=False)
    updates = forms.BooleanField(label=_("Signers may ask for updates about this petition"), required=False)
    country = forms.BooleanField(label=_("Ask for the country"), required=False)
    comment = forms.BooleanField(
        label=_("Let signers write a comment, which only you can read"), required=False
    )

    def __init__(self, *args: Any, definition: Definition, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._definition = definition
        for language in definition.languages:
            several = len(definition.languages) > 1
            for key, label, rows in (
                ("organiser", _("Who asks, as shown at the top"), 0),
                ("name", _("Legal name of the organisation or person responsible"), 0),
                ("address", _("Postal address"), 3),
                ("purpose", _("What the signatures are used for"), 2),
            ):
                widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
                self.fields[f"{key}:{language}"] = forms.CharField(
                    label=f"{label} ({language})" if several else label, max_length=500, widget=widget
                )
        texts = [name for name in self.fields if ":" in name]
        self.order_fields(["profile", *texts, "privacy_contact", "retention", "closes", "goal"])

    @staticmethod
    def values(definition: Definition) -> dict[str, object]:
        """Return the initial values. What an import marked as missing is empty."""
        values: dict[str, object] = {
            "profile": definition.profile if definition.profile_chosen else "",
            "privacy_contact": definition.controller.privacy_contact,
            "retention": "" if definition.retention == NO_DATE else definition.retention,
            "closes": definition.closes or "",
            "goal": definition.goal or "",
            "newsletter": definition.newsletter,
            "updates": definition.updates,
            "country": definition.fields.country,
            "comment": definition.fields.comment,
        }
        for language in definition.languages:
            values[f"organiser:{language}"] = definition.organiser[language]
            values[f"name:{language}"] = definition.controller.name[language]
            values[f"address:{language}"] = definition.controller.address[language]
            values[f"purpose:{language}"] = definition.purpose[language]
        return {key: "" if TO_COMPLETE in str(value) else value for key, value in values.items()}

    def changes(self) -> dict[tuple[str, ...], object]:
        """Return the values of petition.toml that this form sets, by path."""
        cleaned = self.cleaned_data
        closes: date | None = cleaned["closes"]
        found: dict[tuple[str, ...], object] = {
            ("profile",): cleaned["profile"],
            ("controller", "privacy_contact"): cleaned["privacy_contact"],
            ("retention",): cleaned["retention"],
            ("closes",): closes,
            ("goal",): cleaned["goal"],
        }
        for key in ("newsletter", "updates"):
            if cleaned[key] != getattr(self._definition, key):
                found[(key,)] = cleaned[key]
        for key in ("country", "comment"):
            if cleaned[key] != getattr(self._definition.fields, key):
                found["fields", key] = cleaned[key]
        for language in self._definition.languages:
            found["organiser", language] = cleaned[f"organiser:{language}"]
            found["controller", "name", language] = cleaned[f"name:{language}"]
            found["controller", "address", language] = cleaned[f"address:{language}"].replace("\r\n", "\n")
            found["purpose", language] = cleaned[f"purpose:{language}"].replace("\r\n", " ")
        return found
