"""The form of what happened with a recipient: delivered, refused, returned, acknowledged, asked, answered."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sabal.delivery.record import Happening
from sabal.delivery.rows import Step
from sabal.desk.editforms import lines
from sabal.desk.languagenames import name_of
from sabal.desk.proofforms import ProofForm
from sabal.desk.publishforms import showable
from sabal.desk.recordfields import NOTE_LENGTH, Dated, day_field, line, plain, this_day, today
from sabal.pages.standings import WAYS
from sabal.petitions.definition import Definition
from sabal.petitions.deliveries import StepKind, Way

ANSWER_LENGTH = 20_000
FARTHEST = timedelta(days=5 * 366)  # a date by which an answer is asked for
# Languages in which recipients of any petition often answer, beside those of the petition.
OFTEN = ("en", "fr", "es", "ar", "ru", "zh-hans", "ko", "ja", "de")

DAY_OF = {
    StepKind.DELIVERED: _("When was it delivered or sent?"),
    StepKind.REFUSED: _("When was it refused?"),
    StepKind.RETURNED: _("When did it come back?"),
    StepKind.ACKNOWLEDGED: _("When did they confirm it?"),
    StepKind.ASKED: _("When did you ask?"),
    StepKind.ANSWERED: _("When did they answer?"),
}
TITLES = {
    StepKind.DELIVERED: _("Record a delivery"),
    StepKind.REFUSED: _("Record that receipt was refused"),
    StepKind.RETURNED: _("Record that it came back"),
    StepKind.ACKNOWLEDGED: _("Record that they confirmed receipt"),
    StepKind.ASKED: _("Record that you asked for an answer"),
    StepKind.ANSWERED: _("Record an answer"),
}
FIELDS = {
    StepKind.DELIVERED: ("way", "member", "by", "reference"),
    StepKind.REFUSED: ("way", "member", "by"),
    StepKind.RETURNED: ("member", "reference"),
    StepKind.ACKNOWLEDGED: ("member", "reference"),
    StepKind.ASKED: ("due", "member", "reference"),
    StepKind.ANSWERED: ("member", "reference", "link"),
}


class StepForm(ProofForm, Dated):
    """What happened with a recipient."""

    way = forms.ChoiceField(
        label=_("How?"), required=False, choices=[("", _("In another way")), *WAYS.items()], initial=""
    )
    due = day_field(_("By when should they answer?"))
    member = line(
        _("To whom exactly"),
        _("Only if it was not all of them: a member, an office, a mission. It is public."),
        300,
    )
    by = line(_("By whom"), _("It is public. Leave it empty if nobody should be named."))
    reference = line(_("Reference"), _("A number under which they or the post office keep it. It is public."))
    link = line(
        _("Where it can be read"), _("Its address, beginning with https://, if they published it."), 500
    )
    language = forms.ChoiceField(label=_("Language of the answer"))
    answer = forms.CharField(
        label=_("The answer, as they gave it"),
        help_text=_("Word for word. An empty line begins a new paragraph. It is public."),
        required=False,
        max_length=ANSWER_LENGTH,
        validators=[showable],
        widget=lines(8, dir="auto"),
    )

    def __init__(
        self,
        *args: Any,
        kind: StepKind,
        definition: Definition,
        spoken: str = "",
        step: Step | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, language=definition.authoritative, **kwargs)
        self._kind, self._step = kind, step
        kept = step.words if step else {}
        own = step.language if step else ""
        answered = kind is StepKind.ANSWERED
        if answered:
            self._offer_languages(definition, spoken, own)
            self.fields["answer"].initial = kept.get(own, "")
            translated = {language: words for language, words in kept.items() if language != own}
            self.add_words(
                definition,
                _("Translation"),
                _("If you have one. The page says that it is yours."),
                ANSWER_LENGTH,
                translated,
            )
        else:
            self.add_words(
                definition, _("Note"), _("If there is more to say. It is public."), NOTE_LENGTH, kept
            )
        self.fields["day"].label = DAY_OF[kind]
        self.fields["day"].initial = step.happened_on if step else this_day()
        for name in ("way", "due", "member", "by", "reference", "link"):
            if name not in FIELDS[kind]:
                del self.fields[name]
            elif step is not None:
                column = {"due": "due_on", "by": "by_whom"}.get(name, name)
                self.fields[name].initial = getattr(step, column)
        for name in () if answered else ("language", "answer"):
            del self.fields[name]
        if step is not None:
            for name in ("proof", "caption", "seen_by"):
                del self.fields[name]
        self.order_fields(_order(self.fields))

    def _offer_languages(self, definition: Definition, spoken: str, own: str) -> None:
        here = get_language() or "en"
        codes = dict.fromkeys(filter(None, [own, spoken, *definition.languages, *OFTEN]))
        field = self.fields["language"]
        field.choices = [(code, name_of(code, here)) for code in codes]  # type: ignore[attr-defined]
        field.initial = own or spoken or definition.authoritative

    def clean_link(self) -> str:
        return self.link_of()

    def clean_due(self) -> date:
        due: date = self.cleaned_data["due"]
        if due > today() + FARTHEST:
            raise ValidationError(_("This is more than five years away. Look at the year."))
        return due

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("due") and cleaned.get("day") and cleaned["due"] < cleaned["day"]:
            self.add_error("due", _("This is before the day on which you asked."))
        says = cleaned.get("answer") or cleaned.get("link") or self.distilled or self._step
        if self._kind is StepKind.ANSWERED and not says and not self.errors:
            self.add_error(
                "answer", _("Copy the answer here, give the address where it can be read, or add its file.")
            )
        return cleaned

    def happening(self) -> Happening:
        """Return what happened."""
        cleaned = self.cleaned_data
        words = self.words()
        language = cleaned.get("language", "") if cleaned.get("answer") else ""
        if language:
            words[language] = plain(cleaned["answer"])
        return Happening(
            self._kind,
            cleaned["day"],
            member=cleaned.get("member", ""),
            way=Way(cleaned["way"]) if cleaned.get("way") else None,
            by=cleaned.get("by", ""),
            reference=cleaned.get("reference", ""),
            due=cleaned.get("due"),
            link=cleaned.get("link", ""),
            language=language,
            words=words,
        )


def _order(fields: Mapping[str, object]) -> list[str]:
    """Return the fields in the order of what people know first. Translations are beneath the answer."""
    words = [name for name in fields if name.startswith("words:")]
    translations, notes = (words, []) if "answer" in fields else ([], words)
    first = ["day", "due", "way", "language", "answer", *translations, "link"]
    return [*first, "by", "member", "reference", *notes, "proof", "caption", "seen_by"]
