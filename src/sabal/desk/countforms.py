"""The form of a count that was made on paper or on another platform."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sabal.desk.editforms import WholeNumber
from sabal.desk.publishforms import showable
from sabal.elsewhere.counting import Counted
from sabal.elsewhere.models import OtherCount

MOST = 1_000_000_000
Kind = OtherCount.Kind
EARLIEST = date(1990, 1, 1)


class CountForm(forms.Form):
    """How many, where and when, and by what anyone can tell."""

    kind = forms.ChoiceField(
        label=_("How did they sign?"),
        choices=[
            (Kind.PAPER, _("On paper")),
            (Kind.PLATFORM, _("On another platform, such as another website")),
        ],
        initial=Kind.PAPER,
        widget=forms.RadioSelect(),
    )
    place = forms.CharField(
        label=_("Where?"),
        help_text=_(
            "The town and the event, or the name of the platform. The public reads it. Name no person."
        ),
        max_length=200,
        validators=[showable],
    )
    signatures = WholeNumber(
        label=_("How many signatures?"),
        help_text=_("Only those that are not on this site too, as far as you know."),
        min_value=0,
        max_value=MOST,
    )
    day = forms.DateField(
        label=_("Counted on"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "short"}),
        input_formats=["%Y-%m-%d"],
    )
    link = forms.URLField(
        label=_("Link to evidence"),
        help_text=_("A page where everybody can see the number, such as that of the other platform."),
        required=False,
        max_length=500,
        assume_scheme="https",
    )
    note = forms.CharField(
        label=_("Note for your team"),
        help_text=_("Where the sheets are, and who can show them. The public does not see it."),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, corrects: OtherCount | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._corrects = corrects
        if corrects is not None:
            self.fields["signatures"].help_text = _("The right number. 0 takes the whole count back.")

    def clean_place(self) -> str:
        place = " ".join(self.cleaned_data["place"].split())
        if "@" in place:
            raise ValidationError(_("The public reads this: leave email addresses out."))
        return place

    def clean_signatures(self) -> int:
        number: int = self.cleaned_data["signatures"]
        if not number and self._corrects is None:
            raise ValidationError(_("Enter a number of at least 1."))
        return number

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day > datetime.now(UTC).date() + timedelta(days=1):  # somewhere it is tomorrow already
            raise ValidationError(_("This day is in the future."))
        if day < EARLIEST:
            raise ValidationError(_("This day is too long ago. Is the year right?"))
        return day

    def clean_link(self) -> str:
        link: str = self.cleaned_data["link"]
        if link and not link.startswith(("https://", "http://")):
            raise ValidationError(_("This is not the address of a web page."))
        return link

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not (cleaned.get("link") or cleaned.get("note")) and not {"link", "note"} & set(self.errors):
            self.add_error(
                "note", _("Give a link or a note: the second person must be able to check the number.")
            )
        return cleaned

    def counted(self) -> Counted:
        """Return what was counted."""
        return Counted(**{name: self.cleaned_data[name] for name in Counted.__dataclass_fields__})
