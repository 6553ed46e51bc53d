"""The forms of what is sent to recipients: to whom, with which words, when, and by itself at which numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sabal.delivery import address
from sabal.delivery.sendings import SendingRules
from sabal.desk.languagenames import name_of
from sabal.desk.publishforms import MOST_DAYS, WhenForm, showable
from sabal.refusal import Refusal

LONGEST_WORDS = 2_000


def _reply_to() -> forms.CharField:
    return forms.CharField(
        label=_("Answers go to"),
        help_text=_("An email address of your organisation that somebody reads. The recipient sees it."),
        max_length=2_000,
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "email", "spellcheck": "false"}),
    )


def _clean_reply_to(text: str) -> str:
    try:
        return address.read(text).typed
    except Refusal as refusal:
        raise ValidationError(str(refusal)) from None


class OwnWords(forms.Form):
    """Words of the organiser in the email, one field for each language in which a recipient gets it."""

    def add_words(self, languages: tuple[str, ...], here: str, saved: dict[str, str]) -> None:
        """Add the fields."""
        for language in languages:
            self.fields[f"words:{language}"] = forms.CharField(
                label=_("Your own words in the email: %(language)s") % {"language": name_of(language, here)},
                required=False,
                max_length=LONGEST_WORDS,
                initial=saved.get(language, ""),
                validators=[showable],
                widget=forms.Textarea(attrs={"rows": 3, "lang": language}),
            )

    @property
    def words(self) -> dict[str, str]:
        """Return the words by language."""
        return {
            name.partition(":")[2]: value.replace("\r\n", "\n").strip()
            for name, value in self.cleaned_data.items()
            if name.startswith("words:") and value.strip()
        }


class SendForm(WhenForm, OwnWords):
    """To whom, when, and with which words."""

    to = forms.MultipleChoiceField(
        label=_("To whom?"),
        widget=forms.CheckboxSelectMultiple(),
        error_messages={"required": _("Choose at least one recipient.")},
    )
    reply_to = _reply_to()
    form = forms.RegexField(r"[0-9a-f]{16}", required=False, widget=forms.HiddenInput())

    def __init__(
        self,
        *args: Any,
        choices: list[tuple[str, str]],
        languages: tuple[str, ...],
        here: str,
        saved: dict[str, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, last_day=(datetime.now(UTC) + timedelta(days=MOST_DAYS)).date(), **kwargs)
        self.fields["when"].label = _("When does it leave?")
        self.fields["to"].choices = choices  # type: ignore[attr-defined]
        self.add_words(languages, here, saved)
        words = [name for name in self.fields if name.startswith("words:")]
        self.order_fields(["to", "reply_to", *words, "when", "day", "time", "zone"])

    def clean_reply_to(self) -> str:
        return _clean_reply_to(self.cleaned_data["reply_to"])

    def clean(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        return given | super().clean()


class RulesForm(OwnWords):
    """When the server sends by itself."""

    first = forms.IntegerField(
        label=_("For the first time, at this number of signatures"),
        required=False,
        min_value=1,
        max_value=1_000_000_000,
    )
    every = forms.IntegerField(
        label=_("Then again, at each further number of"),
        help_text=_("Such as 10,000. If several numbers are reached at once, one email is sent."),
        required=False,
        min_value=10,
        max_value=1_000_000_000,
    )
    final = forms.BooleanField(
        label=_("When the petition is finalised, with the last number"), required=False
    )
    days_between = forms.IntegerField(
        label=_("At least so many days between two of these emails to a recipient"),
        min_value=1,
        max_value=365,
        initial=7,
    )
    reply_to = _reply_to()

    def __init__(
        self, *args: Any, languages: tuple[str, ...], here: str, saved: SendingRules | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reply_to"].required = False
        self.add_words(languages, here, saved.words if saved else {})

    def clean_reply_to(self) -> str:
        text = self.cleaned_data["reply_to"]
        return _clean_reply_to(text) if text else ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        wanted = any(cleaned.get(name) for name in ("first", "every", "final"))
        if wanted and not cleaned.get("reply_to") and "reply_to" not in self.errors:
            self.add_error("reply_to", _("Say where answers go: recipients reply to the email."))
        return cleaned
