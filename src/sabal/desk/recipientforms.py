"""The editor of the recipients: one row each."""

import tomllib
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sabal.desk import origins
from sabal.desk.editforms import Ordered, empty_what_is_missing, needed
from sabal.desk.editors import Editor
from sabal.desk.languagenames import language_name, name_of
from sabal.desk.rows import Row
from sabal.petitions.definition import LANGUAGE, TO_COMPLETE, Definition, Problem
from sabal.petitions.folder import parse
from sabal.petitions.letters.words import LANGUAGES, own_words
from sabal.petitions.links import is_email_address
from sabal.petitions.recipients import RecipientLine, with_recipients
from sabal.petitions.slugs import is_slug
from sabal.petitions.tomltable import FILE

NAME_LENGTH = 300
MOST_RECIPIENTS = 100


class RecipientForm(forms.Form):
    """One recipient. `origin` is its id in the field `order` (desk/origins.py)."""

    origin = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput())
    group = forms.BooleanField(
        label=_("It represents several, such as the members of a council"), required=False
    )
    language = forms.CharField(
        label=_("Language in which we write to it"),
        help_text=_("Its code, such as en, fr or zh-hans."),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"list": "language-codes", "autocomplete": "off", "class": "short"}),
    )
    address = forms.CharField(
        label=_("Email address"),
        help_text=_("Readers do not see it."),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    key = forms.CharField(
        label=_("Short name in links"),
        help_text=_("Only a–z, 0–9 and hyphens. If it is empty, it is made from the name."),
        required=False,
        max_length=64,
    )

    def __init__(self, *args: Any, definition: Definition, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        several = len(definition.languages) > 1
        for language in definition.languages:
            label = f"{_('Name')} ({language_name(language)})" if several else _("Name")
            field = forms.CharField(
                label=label,
                required=False,
                max_length=NAME_LENGTH,
                widget=forms.TextInput(attrs={"lang": language}),
            )
            self.fields[f"name:{language}"] = needed(field)
        self.order_fields(["origin", *(f"name:{language}" for language in definition.languages)])
        empty_what_is_missing(self.initial)

    @property
    def names(self) -> list[forms.BoundField]:
        """Return the fields of the name, one for each language."""
        return [self[name] for name in self.fields if name.startswith("name:")]

    @property
    def details(self) -> list[forms.BoundField]:
        """Return the fields that few need."""
        return [self[name] for name in ("address", "key")]

    @property
    def opened(self) -> bool:
        """Return whether one of these has something to show."""
        return any(field.value() or field.errors for field in self.details)

    def clean_language(self) -> str:
        language: str = self.cleaned_data["language"].lower()
        if language and not LANGUAGE.fullmatch(language):
            raise ValidationError(_("This is not a language code, such as en, ko or zh-hans."))
        return language

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        if address and not is_email_address(address):
            raise ValidationError(_("This is not an email address. It looks like name@example.org."))
        return address

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if key and not is_slug(key):
            raise ValidationError(_("Only a–z, 0–9 and single hyphens between them can be used here."))
        return key


class RecipientEditor(Editor):
    """All recipients."""

    kinds: ClassVar[tuple[str, ...]] = ("recipient",)
    template: ClassVar[str] = "desk/edit_recipients.html"

    def load(self) -> None:
        self.definition = parse(self.before)

    def saved(self) -> Row:
        names = _names(self.definition)
        return {"order": origins.as_order(range(len(names)), names)}

    @property
    def codes(self) -> list[tuple[str, str]]:
        """Return languages that a browser proposes, with their names. Any other can be typed."""
        here = get_language() or "en"
        known = sorted({*self.definition.languages, *LANGUAGES})
        return [(code, name_of(code, here)) for code in known]

    def saved_rows(self, kind: str) -> list[Row]:
        document = self._written_keys()
        return [
            {
                "origin": place,
                "group": one.group,
                "language": one.language or "",
                "address": one.address or "",
                "key": one.key if has_key else "",
                **{f"name:{language}": name for language, name in one.name.items()},
            }
            for place, (one, has_key) in enumerate(zip(self.definition.recipients, document, strict=True))
        ]

    def _written_keys(self) -> list[bool]:
        """Return for each recipient whether its key is in the file. Otherwise it is made from the name each time."""
        tables = tomllib.loads(self.before[FILE].removeprefix("\ufeff"))["recipients"]
        return ["key" in table for table in tables]

    def main_form(self, **given: Any) -> Ordered:
        return Ordered(**given)

    def row_form(self, kind: str, **given: Any) -> forms.Form:
        return RecipientForm(definition=self.definition, **given)

    def check(self) -> None:
        if len(self.rows["recipient"]) > MOST_RECIPIENTS:
            self.main.add_error(
                None, _("At most %(number)d recipients are possible.") % {"number": MOST_RECIPIENTS}
            )
        keys: set[str] = set()
        for form in self.rows["recipient"]:
            if (key := form.cleaned_data["key"]) and key in keys:
                form.add_error("key", _("Another recipient has this short name."))
            keys.add(key)

    def files(self) -> dict[str, str]:
        self._kept: list[forms.Form] = []
        found: list[RecipientLine] = []
        given = self.rows["recipient"]
        ids = [form.cleaned_data["origin"] for form in given]
        field = f"name:{self.definition.authoritative}"
        said = [" ".join(form.cleaned_data[field].split()) for form in given]
        places = origins.places(self.main.cleaned_data["order"], ids, said, _names(self.definition))
        for form, place in zip(given, places, strict=True):
            typed = any(value for key, value in form.cleaned_data.items() if key != "origin")
            if typed or place is not None:
                found.append(self._line(form.cleaned_data, place))
                self._kept.append(form)
        if not found:
            complete = own_words(self.definition.authoritative)["complete"]
            found = [RecipientLine(None, dict.fromkeys(self.definition.languages, complete))]
        self._files = with_recipients(self.before, found)
        return self._files

    def saved_fields(self) -> dict[str, str]:
        ids = [form.cleaned_data["origin"] for form in self._kept] or [None]
        return {"order": origins.as_order(ids, _names(parse(self._files)))}

    def _line(self, cleaned: Row, origin: int | None) -> RecipientLine:
        names = {
            language: " ".join(cleaned[f"name:{language}"].split()) for language in self.definition.languages
        }
        before = self.definition.recipients[origin].name if origin is not None else {}
        for language, name in names.items():
            was = before.get(language, "")
            if not name:
                names[language] = was if TO_COMPLETE in was else own_words(language)["complete"]
        return RecipientLine(
            origin, names, cleaned["key"], cleaned["language"], cleaned["address"], cleaned["group"]
        )

    def place_of(self, problem: Problem) -> tuple[forms.BaseForm, str | None]:
        return self.main, None


def _names(definition: Definition) -> list[str]:
    """Return what identifies each saved recipient: its name, empty if it is missing."""
    names = [one.name[definition.authoritative] for one in definition.recipients]
    return ["" if TO_COMPLETE in name else name for name in names]
