"""Fields and the base of the forms that record what happened on a day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sabal.desk.editforms import lines
from sabal.desk.languagenames import name_of
from sabal.desk.publishforms import showable
from sabal.petitions.definition import Definition
from sabal.petitions.links import is_allowed_link

NOTE_LENGTH = 2_000
FIRST_DAY = date(1990, 1, 1)


def day_field(label: Any, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=required,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "short"}),
        input_formats=["%Y-%m-%d"],
    )


def line(label: Any, help_text: Any = "", length: int = 200) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=length, validators=[showable]
    )


def this_day() -> date:
    """Return the day (UTC)."""
    return datetime.now(UTC).date()


def today() -> date:
    """Return the day that has begun anywhere on earth."""
    return (datetime.now(UTC) + timedelta(hours=14)).date()


class Dated(forms.Form):
    """A form with the day of what happened, and words in each language of the petition."""

    day = day_field(_("When?"))

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day > today():
            raise ValidationError(_("This day is in the future. Record it when it has happened."))
        if day < FIRST_DAY:
            raise ValidationError(_("This day is too long ago. Look at the year."))
        return day

    def link_of(self) -> str:
        link: str = self.cleaned_data["link"].strip()
        if link and not (link.startswith("https://") and is_allowed_link(link)):
            raise ValidationError(_("Give an address that begins with https://"))
        return link

    def add_words(
        self, definition: Definition, label: Any, help_text: Any, length: int, kept: Mapping[str, str]
    ) -> None:
        here = get_language() or "en"
        others = [one for one in definition.languages if one != definition.authoritative]
        for language in (definition.authoritative, *others):
            self.fields[f"words:{language}"] = forms.CharField(
                label=f"{label} ({name_of(language, here)})" if others else label,
                help_text=help_text if language == definition.authoritative else "",
                required=False,
                max_length=length,
                initial=kept.get(language, ""),
                validators=[showable],
                widget=lines(2, lang=language, dir="auto"),
            )

    def words(self) -> dict[str, str]:
        return {
            name.partition(":")[2]: plain(value)
            for name, value in self.cleaned_data.items()
            if name.startswith("words:") and value
        }


def plain(text: str) -> str:
    """Return text with line ends of one kind, and without space around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
