"""The editor of the terms: all values of petition.toml but the recipients, the languages and the key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sabal.desk.editforms import Saved, WholeNumber, lines, needed
from sabal.desk.languagenames import language_name
from sabal.petitions.countries import countries
from sabal.petitions.definition import Definition
from sabal.petitions.models import Petition
from sabal.petitions.sharing import SERVICES
from sabal.petitions.slugs import SLUG_LENGTH, is_free_key, is_free_slug

PROFILES = (
    ("guarded", _("Yes, or I am not sure")),
    ("open", _("No")),
)
EFFECTS = {
    "guarded": (
        _("No name and no comment is ever shown, and recipients get the number alone."),
        _("The number grows in steps, so that it does not show who has just signed."),
        _("Emails do not say what the petition is about. Signers know them by one neutral word."),
        _("People in places that you name are warned before they sign."),
    ),
    "open": (
        _("Signers may show their name or write a comment, if you offer it."),
        _("The number grows within seconds."),
        _("Emails name the petition."),
        _("Recipients can get the names, if you choose that and say so."),
    ),
}


BOXES = (forms.CheckboxInput, forms.CheckboxSelectMultiple)


@dataclass(frozen=True)
class Group:
    """Fields with a heading."""

    name: str
    heading: str | Promise
    fields: tuple[forms.BoundField, ...]


def day(**given: Any) -> forms.DateField:
    """Return a field for a day."""
    return forms.DateField(
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "short"}),
        input_formats=["%Y-%m-%d"],
        **given,
    )


class TermsForm(Saved):
    """The terms. The fields with a text for each language are made for the languages of the petition."""

    profile = needed(
        forms.ChoiceField(
            label=_("Could someone be harmed if it were known that they signed?"),
            choices=PROFILES,
            required=False,
            widget=forms.RadioSelect(),
        )
    )
    hint = needed(
        forms.CharField(
            label=_("Neutral word in emails"),
            help_text=_(
                "Signers know our emails by it. One word of letters a–z that says nothing of the petition."
            ),
            required=False,
            max_length=20,
        )
    )
    warn_residents = forms.MultipleChoiceField(
        label=_("Places whose residents are warned before they sign"),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
    )
    warn_more = forms.ChoiceField(
        label=_("Another place"),
        help_text=_(
            "Without any, a petition that could harm people shows a general warning that names no place."
        ),
        required=False,
    )
    share_without = forms.MultipleChoiceField(
        label=_("Services that the page does not offer for sharing, and says so"),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
    )
    endorsers = forms.CharField(
        label=_("Supporters"),
        help_text=_(
            "Organisations and people that support it, one on each line. They are shown and never counted."
        ),
        required=False,
        max_length=20_000,
        widget=lines(3),
    )
    privacy_contact = needed(
        forms.CharField(
            label=_("Contact for questions about personal data"),
            help_text=_("An email address, or a web address that begins with https://"),
            required=False,
            max_length=254,
        )
    )
    controller_key = forms.CharField(
        label=_("Name of the newsletter list"),
        help_text=_(
            "Leave it empty: it is chosen when you publish. Petitions with the same name here and the same contact"
            " share one list."
        ),
        required=False,
        max_length=SLUG_LENGTH,
    )
    retention = needed(
        day(
            label=_("Signatures are deleted on"),
            help_text=_("Everybody is promised this day when they sign."),
        )
    )
    closes = day(
        label=_("Last day for signing"),
        help_text=_("If you leave it empty, people can sign until a week before the signatures are deleted."),
    )
    goal = WholeNumber(
        label=_("Goal"),
        help_text=_("A number of signatures that the page shows. You can do without."),
        required=False,
        min_value=1,
        max_value=1_000_000_000,
    )
    country = forms.BooleanField(label=_("Ask for the country"), required=False)
    comment = forms.BooleanField(
        label=_("Let signers write a comment, which only you can read"), required=False
    )
    display = forms.BooleanField(label=_("Let signers choose that their name is shown"), required=False)
    newsletter = forms.BooleanField(label=_("Offer the newsletter"), required=False)
    updates = forms.BooleanField(label=_("Signers may ask for updates about this petition"), required=False)
    reminder = forms.BooleanField(
        label=_("Send one reminder by email to people who do not confirm"),
        help_text=_(
            "After one to three days. Until then their email address stays on the server, locked, and the page says so."
        ),
        required=False,
    )
    recipients_get = forms.ChoiceField(
        label=_("What the recipients get"),
        choices=[
            ("count", _("The number of signatures")),
            ("sample", _("The number, and a random sample of names to check it")),
            ("names", _("The number and all names")),
        ],
        widget=forms.RadioSelect(),
        required=False,
    )
    sample_audit = forms.BooleanField(
        label=_("An independent auditor may be shown single signatures, drawn at random"), required=False
    )
    dedupe = forms.ChoiceField(
        label=_("If somebody signs twice"),
        choices=[
            ("pepper", _("The server recognises an email address that has signed already")),
            ("offline", _("You find and invalidate it yourself, with your key")),
        ],
        widget=forms.RadioSelect(),
        required=False,
    )
    authoritative = needed(
        forms.ChoiceField(label=_("The language that decides where translations differ"), required=False)
    )
    slug = needed(
        forms.CharField(
            label=_("Address of the page"),
            help_text=_("The last part of its web address. It stays once the petition is published."),
            required=False,
            max_length=SLUG_LENGTH,
        )
    )

    def __init__(self, *args: Any, definition: Definition, may_rename: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._definition = definition
        for key, label, rows in TEXTS:
            for language in definition.languages:
                self.fields[f"{key}:{language}"] = needed(_text(label, rows, language, definition))
        here = get_language() or "en"
        chosen = [str(code) for code in self["warn_residents"].value() or ()]
        known = dict(countries(here))
        self._choices("warn_residents", [(code, known[code]) for code in chosen if code in known])
        more = [(code, name) for code, name in countries(here) if code not in chosen]
        self._choices("warn_more", [("", _("Choose a place")), *more])
        self._choices("share_without", [(key, service.name(here)) for key, service in SERVICES.items()])
        self._choices("authoritative", [(one, one) for one in definition.languages])
        if len(definition.languages) == 1:
            del self.fields["authoritative"]
        if not may_rename:
            del self.fields["slug"]

    def _choices(self, name: str, choices: list[tuple[str, Any]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def groups(self) -> Iterator[Group]:
        """Yield the fields as the page shows them."""
        for name, heading, keys in GROUPS:
            found = [
                self[field]
                for key in keys
                for field in self.fields
                if field == key or field.startswith(f"{key}:")
            ]
            if found:
                yield Group(name, heading, tuple(found))

    @property
    def effects(self) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        """Yield each answer to the question of harm with what it changes."""
        for choice in self["profile"]:
            yield choice, EFFECTS[choice.data["value"]]

    def was_sent(self, name: str) -> bool:
        """Return whether a request has this field. A box that is not ticked is never sent."""
        return name in self.data or isinstance(self.fields[name].widget, BOXES)

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].lower() or self._definition.slug
        if slug != self._definition.slug:
            if not is_free_slug(slug) or slug in self._definition.languages:
                raise ValidationError(
                    _(
                        "This address cannot be used. Choose words of a–z and 0–9 with single hyphens between them."
                    )
                )
            if Petition.objects.filter(slug=slug).exists():
                raise ValidationError(_("Another petition has this address. Choose another one."))
        return slug

    def clean_controller_key(self) -> str:
        key: str = self.cleaned_data["controller_key"]
        if key and not is_free_key(key):
            raise ValidationError(_("Only a–z, 0–9 and single hyphens between them can be used here."))
        return key

    def clean_hint(self) -> str:
        return str(self.cleaned_data["hint"]).lower()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        empty = self.was_sent("hint") and not cleaned.get("hint") and "hint" not in self.errors
        if empty and cleaned.get("profile") != "open":
            self.add_error("hint", _("Write one neutral word, such as lantern."))
        return cleaned


def _text(label: Any, rows: int, language: str, definition: Definition) -> forms.CharField:
    widget = lines(rows, lang=language) if rows else forms.TextInput(attrs={"lang": language})
    several = len(definition.languages) > 1
    return forms.CharField(
        label=f"{label} ({language_name(language)})" if several else label,
        required=False,
        max_length=500 if rows else 200,
        widget=widget,
    )


TEXTS = (
    ("organiser", _("Who asks, as shown at the top"), 0),
    ("name", _("Legal name of the organisation or person responsible"), 0),
    ("address", _("Postal address"), 3),
    ("purpose", _("What the signatures are used for"), 2),
)
GROUPS = (
    ("harm", _("Safety of the signers"), ("profile", "hint", "warn_residents", "warn_more", "share_without")),
    ("who", _("Who asks"), ("organiser", "endorsers")),
    (
        "responsible",
        _("Who is responsible for the signers' data"),
        ("name", "address", "privacy_contact", "controller_key"),
    ),
    ("dates", _("Dates and goal"), ("retention", "closes", "goal")),
    (
        "form",
        _("What the form offers"),
        ("country", "comment", "display", "newsletter", "updates", "reminder"),
    ),
    (
        "use",
        _("What happens with the signatures"),
        ("purpose", "recipients_get", "sample_audit", "dedupe"),
    ),
    ("address", _("Address and language"), ("slug", "authoritative")),
)
