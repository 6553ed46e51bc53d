"""The forms of the text of a petition in one language: in parts, and as one text."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sabal.petitions.definition import TO_COMPLETE
from sabal.petitions.frontmatter import FRONT_MATTER
from sabal.petitions.picture import NAME as PICTURE
from sabal.petitions.pieces import AROUND
from sabal.petitions.textparts import has_list, is_closed
from sabal.petitions.wording import DEMAND_LENGTH, HEADING_LENGTH, has_too_many_brackets

TEXT_LENGTH = 60_000


class Saved(forms.Form):
    """A form that knows which revision it shows, so that two people never overwrite each other."""

    revision = forms.IntegerField(widget=forms.HiddenInput())
    theirs: Mapping[str, str] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        empty_what_is_missing(self.initial)

    def show_conflict(self, files: Mapping[str, str]) -> None:
        """Keep what was typed, and say that somebody saved another text meanwhile, which the page shows beside it."""
        self.theirs = {name: text for name, text in files.items() if name != PICTURE}
        self.add_error(
            None,
            _(
                "Somebody else saved this petition while you were writing. Your text is still here, and the saved one"
                " is below. Copy what you need, then open this page anew."
            ),
        )


class Ordered(Saved):
    """A form with rows that were saved in an order (desk/origins.py)."""

    order = forms.CharField(required=False, max_length=4_000, widget=forms.HiddenInput())


def empty_what_is_missing(values: MutableMapping[str, Any]) -> None:
    """Show what an import or an unfinished draft marked as missing as an empty field."""
    for key, value in values.items():
        if isinstance(value, str) and TO_COMPLETE in value and key != "body":
            values[key] = ""


def lines(rows: int, **attributes: Any) -> forms.Textarea:
    """Return a field for several lines. It grows with its text where the browser can do that."""
    return forms.Textarea(attrs={"rows": rows, **attributes})


def needed(field: forms.Field) -> forms.Field:
    """Mark a field that may be empty in a draft and must be filled before publishing."""
    field.needed = True  # type: ignore[attr-defined]
    return field


class WholeNumber(forms.IntegerField):
    """A whole number as people write it: 10000, 10,000, 10.000 or 10 000."""

    def __init__(self, **given: Any) -> None:
        super().__init__(
            widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "short"}), localize=False, **given
        )

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str):
            value = re.sub(r"(?<=\d)[ .,'’\u00a0\u202f](?=\d{3}(?!\d))", "", value.strip())
        return super().to_python(value)


def sentence(key: str, label: Any, help_text: Any = "", rows: int = 2) -> forms.CharField:
    """Return the field of a key of the front matter, which bounds its length."""
    widget = lines(rows) if rows > 1 else forms.TextInput()
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=FRONT_MATTER[key], widget=widget
    )


_WITHOUT_LINKS = _("Without links, email addresses or long numbers. A guarded petition has none.")


class FrontForm(Ordered):
    """What is above the letter, and the sentences around the form."""

    title = needed(sentence("title", _("Title"), rows=1))
    summary = needed(
        sentence("summary", _("Summary"), _("One or two sentences: what is asked, and of whom."), rows=3)
    )
    subject = sentence("subject", _("Subject"), _("The subject line of the letter."))
    sign_invitation = sentence("sign_invitation", _("Invitation to sign"), _("The sentence above the form."))
    newsletter_invitation = sentence("newsletter_invitation", _("Invitation to the newsletter"))
    notice = sentence("notice", _("Notice at the end"))
    confirm_email = sentence(
        "confirm_email", _("A sentence of yours in the email that asks to confirm"), _WITHOUT_LINKS
    )
    thanks = sentence("thanks", _("A sentence of thanks, on the page after confirming"), _WITHOUT_LINKS)


class TextForm(FrontForm):
    """The text in one language: what is at the top, and the whole letter as Markdown."""

    body = forms.CharField(
        label=_("The letter"),
        help_text=_(
            "A line that begins with ## is a heading. The demands are the one list: each begins with a hyphen, a part"
            " of it with two spaces and a hyphen. An empty line begins a new paragraph. *Stars* are for emphasis."
        ),
        max_length=TEXT_LENGTH,
        strip=False,
        widget=lines(24, **{"class": "letter"}),
    )
    field_order = ("title", "summary", "subject", "body")


def letter_text(label: Any, rows: int) -> forms.CharField:
    """Return a field for Markdown of the letter."""
    return forms.CharField(
        label=label,
        required=False,
        max_length=TEXT_LENGTH,
        strip=False,
        widget=lines(rows, **{"class": "letter"}),
    )


class PartsForm(FrontForm):
    """The text in one language, with its sections and demands as rows beside it."""

    demands_heading = needed(
        forms.CharField(
            label=_("Heading of the demands"),
            help_text=_("Such as: What we ask"),
            required=False,
            max_length=HEADING_LENGTH,
        )
    )
    closing = letter_text(_("Closing text"), 4)

    @property
    def head(self) -> list[forms.BoundField]:
        """Return the fields above the sections."""
        return [self[name] for name in ("title", "summary", "subject")]

    @property
    def foot(self) -> list[forms.BoundField]:
        """Return the fields below the demands."""
        return [self[name] for name in ("closing", *AROUND)]

    def clean_closing(self) -> str:
        return clean_markdown(self.cleaned_data["closing"])


class SectionForm(forms.Form):
    """A part of the letter before the demands."""

    heading = needed(forms.CharField(label=_("Heading"), required=False, max_length=HEADING_LENGTH))
    body = needed(letter_text(_("Text"), 6))

    def clean_body(self) -> str:
        return clean_markdown(self.cleaned_data["body"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        heading, body = cleaned.get("heading", ""), cleaned.get("body", "")
        if body.strip() and not heading:
            self.add_error("heading", _("Give this section a heading, such as Background."))
        if heading and not body.strip() and "body" not in self.errors:
            self.add_error("body", _("Write the text of this section, or remove it."))
        return cleaned


class DemandForm(forms.Form):
    """A demand, or a part of one. `origin` is its id in the field `order` (desk/origins.py)."""

    text = forms.CharField(label=_("Demand"), required=False, max_length=DEMAND_LENGTH, widget=lines(2))
    level = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput())
    origin = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        empty_what_is_missing(self.initial)


def clean_markdown(text: str) -> str:
    """Return Markdown of a section. Raises ValidationError if it would swallow what follows it, or has a list."""
    text = text.replace("\r\n", "\n").strip("\n")
    if has_too_many_brackets(text):
        raise ValidationError(_("There are too many opening brackets ([) in this text."))
    if has_list(text):
        raise ValidationError(
            _(
                "There is a list in this text. The demands are the only list of a petition: write this as sentences."
            )
        )
    if not is_closed(text):
        raise ValidationError(
            _("This text does not end: three ` or ~ begin a block of code. Remove them, or end the block.")
        )
    return text
