"""The forms around publishing: why a text was changed, when to publish, and how a petition ended."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sabal.desk.amending import PendingAmendment
from sabal.desk.languagenames import language_name
from sabal.desk.moments import moment, zones
from sabal.petitions import folder
from sabal.petitions.amendment import AmendmentKind
from sabal.petitions.definition import Definition
from sabal.petitions.ending import Ending, parse_ending
from sabal.refusal import Refusal

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def showable(text: str) -> None:
    """Raise ValidationError for what no petition may contain, such as characters that nobody sees."""
    for line in text.splitlines():
        if problem := next(folder.problems_of(line), None):
            raise ValidationError(problem)


MOST_DAYS = 366  # between planning and publishing
KINDS = {
    AmendmentKind.CORRECTION: _(
        "A correction or a translation: what is asked, and of whom, stays as it was signed"
    ),
    AmendmentKind.MEANING: _("A change of meaning: something else is asked, of others, or on other terms"),
    AmendmentKind.KEYS: _("A new key: later signatures are locked to it"),
}


class AmendmentForm(forms.Form):
    """Of which kind a change is, and why it was made, in one sentence for each language of the petition."""

    kind = forms.ChoiceField(label=_("What kind of change is it?"), widget=forms.RadioSelect())

    def __init__(self, *args: Any, change: PendingAmendment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._change = change
        kind = self.fields["kind"]
        kind.choices = [(one.value, KINDS[one]) for one in change.kinds]  # type: ignore[attr-defined]
        if len(change.kinds) == 1:
            kind.initial = change.kinds[0].value
        definition = change.definition
        others = [one for one in definition.languages if one != definition.authoritative]
        for language in (definition.authoritative, *others):
            self.fields[f"why:{language}"] = forms.CharField(
                label=_("Why, in one sentence (%(language)s)") % {"language": language_name(language)},
                help_text=""
                if others and language in others
                else _("The public reads it beside the change."),
                required=language == definition.authoritative,
                max_length=300,
                validators=[showable],
                widget=forms.TextInput(attrs={"lang": language}),
            )

    def why(self) -> dict[str, str]:
        """Return the reasons by language, that of the language that decides first."""
        return {
            name.partition(":")[2]: " ".join(value.split())
            for name, value in self.cleaned_data.items()
            if name.startswith("why:") and value
        }


class WhenForm(forms.Form):
    """When to publish: at once, or at a time of a time zone."""

    too_late: "StrOrPromise" = _("This is after the last day for signing, or more than a year away.")
    when = forms.ChoiceField(
        label=_("When?"),
        choices=[("now", _("Now")), ("later", _("At the time below"))],
        initial="now",
        required=False,
        widget=forms.RadioSelect(),
    )
    day = forms.DateField(
        label=_("Day"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
    )
    time = forms.TimeField(
        label=_("Time"),
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        input_formats=["%H:%M", "%H:%M:%S"],
    )
    zone = forms.ChoiceField(
        label=_("Time zone"), help_text=_("Of the clock that you mean."), required=False, initial="UTC"
    )

    def __init__(self, *args: Any, last_day: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._last_day = last_day
        self.fields["zone"].choices = [(name, name.replace("_", " ")) for name in zones()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("when") != "later":
            return {"due": None, "zone": ""}
        for name in ("day", "time"):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("Say when, or choose “Now”."))
        if self.errors:
            return cleaned
        try:
            due = moment(cleaned["day"], cleaned["time"], cleaned.get("zone") or "UTC")
        except (Refusal, OverflowError) as error:
            self.add_error("time", str(error))
            return cleaned
        if due <= datetime.now(UTC):
            self.add_error("day", _("This time has passed. Choose a later one, or “Now”."))
        elif due.date() > self._last_day or due > datetime.now(UTC) + timedelta(days=MOST_DAYS):
            self.add_error("day", self.too_late)
        return {**cleaned, "due": due, "zone": cleaned.get("zone") or "UTC"}


class EndingForm(forms.Form):
    """How a petition ended: whether it was achieved, and closing words in every language or in none."""

    achieved = forms.BooleanField(
        label=_("We achieved what we asked for"),
        help_text=_("The public page then says so, in its own languages."),
        required=False,
    )

    def __init__(self, *args: Any, definition: Definition, stored: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = parse_ending(stored) or Ending(False, {})
        self.fields["achieved"].initial = said.achieved
        for language in definition.languages:
            self.fields[f"words:{language}"] = forms.CharField(
                label=_("Closing words (%(language)s)") % {"language": language_name(language)},
                required=False,
                max_length=2_000,
                initial=said.words.get(language, ""),
                validators=[showable],
                widget=forms.Textarea(attrs={"rows": 4, "lang": language}),
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        words = {name: value for name, value in cleaned.items() if name.startswith("words:")}
        if any(words.values()):
            for name in (name for name, value in words.items() if not value):
                self.add_error(name, _("Write it in this language too, or leave all languages empty."))
        return cleaned

    def ending(self) -> Ending:
        """Return what was said."""
        words = {
            name.partition(":")[2]: value.replace("\r\n", "\n")
            for name, value in self.cleaned_data.items()
            if name.startswith("words:") and value
        }
        return Ending(bool(self.cleaned_data["achieved"]), words)
