"""The forms of a recipient's contact: how it is reached, in which language, and when somebody is there."""

from collections.abc import Sequence
from datetime import time
from textwrap import shorten
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from sabal.delivery import address
from sabal.delivery.contact import Contact
from sabal.delivery.hours import DAYS, in_order
from sabal.desk.languagenames import language_name
from sabal.desk.moments import zones
from sabal.desk.publishforms import showable
from sabal.petitions.definition import LANGUAGE
from sabal.petitions.slugs import is_slug, key_of
from sabal.refusal import Refusal

KINDS = {
    Contact.Kind.GOVERNMENT: _("a government or authority"),
    Contact.Kind.UN_BODY: _("a body of the United Nations"),
    Contact.Kind.MEMBER_STATES: _("member states of an organisation"),
    Contact.Kind.GROUP: _("a group of several"),
    Contact.Kind.COMPANY: _("a company"),
    Contact.Kind.COUNCIL: _("a council or parliament"),
    Contact.Kind.OTHER: _("something else"),
}
WAYS = {
    Contact.Way.LETTER: _("A free letter, by email or post"),
    Contact.Way.MISSION: _("By post, carried by a mission or an embassy"),
    Contact.Way.FORM: _("A form on its website"),
    Contact.Way.PROCEDURE: _("A formal procedure that asks for names"),
    Contact.Way.THROUGH: _("Through an organisation"),
    Contact.Way.SYMBOLIC: _("It is named as a symbol: there is nobody to write to"),
}
DAY_NAMES = {
    "mon": _("Monday"),
    "tue": _("Tuesday"),
    "wed": _("Wednesday"),
    "thu": _("Thursday"),
    "fri": _("Friday"),
    "sat": _("Saturday"),
    "sun": _("Sunday"),
}
NAME_LENGTH = 300
KEY_LENGTH = 30
_TIMES = ["%H:%M", "%H:%M:%S"]
OFFICE = ("zone", "opens", "closes", "days")


class ContactForm(forms.Form):
    """How one recipient is reached. An empty field takes the usual value."""

    way = forms.ChoiceField(
        label=_("How is it reached?"),
        choices=list(WAYS.items()),
        initial=Contact.Way.LETTER.value,
        required=False,
        widget=forms.RadioSelect(),
    )
    email = forms.CharField(
        label=_("Email address"),
        help_text=_("One address that people read. Readers of the petition do not see it."),
        required=False,
        max_length=2_000,  # longer than any address, so that several get a sentence of their own
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
    )
    postal = forms.CharField(
        label=_("Postal address"),
        required=False,
        max_length=600,
        validators=[showable],
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    form = forms.CharField(
        label=_("Address of its web form"),
        required=False,
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    through = forms.CharField(
        label=_("Through whom"),
        help_text=_("The name of the mission, embassy or organisation that hands it on."),
        required=False,
        max_length=200,
        validators=[showable],
    )
    language = forms.CharField(
        label=_("Language in which we write to it"),
        required=False,
        max_length=35,
        widget=forms.Select(),
    )
    kind = forms.ChoiceField(
        label=_("What is it?"),
        choices=list(KINDS.items()),
        initial=Contact.Kind.OTHER.value,
        required=False,
    )
    zone = forms.ChoiceField(
        label=_("Time zone"), help_text=_("Of its office."), required=False, initial="UTC"
    )
    opens = forms.TimeField(
        label=_("Office opens"),
        initial=time(9),
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        input_formats=_TIMES,
        required=False,
    )
    closes = forms.TimeField(
        label=_("Office closes"),
        help_text=_("Emails leave only between these times, on the clocks of its time zone."),
        initial=time(17),
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        input_formats=_TIMES,
        required=False,
    )
    days = forms.MultipleChoiceField(
        label=_("On these days"),
        choices=list(DAY_NAMES.items()),
        initial=list(DAYS[:5]),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
    )
    note = forms.CharField(
        label=_("Note for your team"),
        required=False,
        max_length=2_000,
        validators=[showable],
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, codes: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._propose(codes)
        self.fields["zone"].choices = [(name, name.replace("_", " ")) for name in zones()]  # type: ignore[attr-defined]

    def _propose(self, codes: Sequence[tuple[str, str]]) -> None:
        """Offer languages by their names. A file of members may name any other, which is offered too."""
        known = dict(codes)
        own = str(self["language"].value() or "")
        if own and own not in known:
            known[own] = language_name(own) if LANGUAGE.fullmatch(own) else own
        widget = self.fields["language"].widget
        widget.choices = [("", _("The authoritative language")), *known.items()]

    @property
    def usual(self) -> list[forms.BoundField]:
        """Return the fields that most recipients need."""
        return [field for field in self.visible_fields() if field.name not in OFFICE]

    @property
    def office(self) -> list[forms.BoundField]:
        """Return the fields that say when somebody is there, which matters for emails alone."""
        return [self[name] for name in OFFICE]

    @property
    def office_opened(self) -> bool:
        """Return whether one of these is not as usual."""
        usual = {name: self.fields[name].initial for name in OFFICE}
        return any(field.errors for field in self.office) or any(
            self.initial.get(name, value) != value for name, value in usual.items()
        )

    def clean_email(self) -> str:
        if not (text := self.cleaned_data["email"]):
            return ""
        try:
            return address.read(text).typed
        except Refusal as refusal:
            raise ValidationError(str(refusal)) from None

    def clean_form(self) -> str:
        link: str = self.cleaned_data["form"]
        if link:
            URLValidator(schemes=["https", "http"], message=_("Enter an address that begins with https://."))(
                link
            )
        return link

    def clean_language(self) -> str:
        language: str = self.cleaned_data["language"].lower()
        if language and not LANGUAGE.fullmatch(language):
            raise ValidationError(_("This is not a language code, such as en, ko or zh-hans."))
        return language

    def clean_days(self) -> str:
        return in_order(self.cleaned_data["days"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("way", "kind", "zone", "opens", "closes"):
            if name in cleaned and not cleaned[name]:
                cleaned[name] = self.fields[name].initial
        if not self.errors:
            if cleaned["opens"] >= cleaned["closes"]:
                self.add_error("closes", _("It must close after it opens, on the same day."))
            if not cleaned["days"]:
                self.add_error("days", _("Choose at least one day: else no email would ever leave."))
        return cleaned

    def fill(self, contact: Contact) -> Contact:
        """Give a contact what was entered."""
        for name, value in self.cleaned_data.items():
            if name in ContactForm.base_fields:
                setattr(contact, name, value)
        return contact


class MemberForm(ContactForm):
    """A member of a group: also its name in each language, and since and until when it belongs to the group.

    `name` is its name in all languages. It has a field of its own only in files.
    """

    since = forms.DateField(
        label=_("Member since"),
        help_text=_("The first day. Empty: since ever."),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
    )
    until = forms.DateField(
        label=_("Member until"),
        help_text=_("The last day. Empty: no end is known."),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
    )

    def __init__(self, *args: Any, languages: tuple[str, ...], key: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._key = key
        for language in languages:
            self.fields[f"name:{language}"] = forms.CharField(
                label=_("Name (%(language)s)") % {"language": language_name(language)},
                required=False,
                max_length=NAME_LENGTH,
                validators=[showable],
                widget=forms.TextInput(attrs={"lang": language}),
            )
        self.order_fields(
            [*(f"name:{language}" for language in languages), "email", "language", "since", "until"]
        )

    @property
    def names(self) -> dict[str, str]:
        """Return the names by language, without those that are missing."""
        return {
            name.partition(":")[2]: " ".join(value.split())
            for name, value in self.cleaned_data.items()
            if name.startswith("name:") and value
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors:
            if not self.names:
                first = next(name for name in self.fields if name.startswith("name:"))
                self.add_error(first, _("Enter its name in at least one language."))
            if cleaned["since"] and cleaned["until"] and cleaned["since"] > cleaned["until"]:
                self.add_error("until", _("It must end after it begins."))
            if self._key and not is_slug(self._key):
                self.add_error(None, _("“key” may only have a–z, 0–9 and single hyphens between them."))
        return cleaned

    def fill(self, contact: Contact) -> Contact:
        super().fill(contact)
        contact.names, contact.since, contact.until = (
            self.names,
            self.cleaned_data["since"],
            self.cleaned_data["until"],
        )
        contact.key = contact.key or self._key
        return contact


def new_key(names: dict[str, str], taken: set[str]) -> str:
    """Return a key for a member, made of the first words of the first name with Latin letters.

    It is short, since it is in the reference of each letter.
    """
    latin = next((name for name in names.values() if any("a" <= c.lower() <= "z" for c in name)), "")
    return key_of(shorten(latin, KEY_LENGTH, placeholder="") or latin[:KEY_LENGTH], taken)


class MembersFile(forms.Form):
    """A file of members, as an upload or, when it was looked at, as its text."""

    file = forms.FileField(
        label=_("File of members"),
        help_text=_(
            "TOML or a table as CSV, at most 500 kB. You see what it changes before anything is changed."
        ),
        required=False,
    )
    content = forms.CharField(required=False, strip=False, max_length=600_000, widget=forms.HiddenInput())
