"""The forms of newsletters: to whom, the text in one language, when, and what readers are told about the newsletter."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sabal.desk.editforms import TEXT_LENGTH, lines
from sabal.desk.languagenames import name_of
from sabal.desk.publishforms import WhenForm, showable
from sabal.mailings.wording import strange_fields
from sabal.petitions.links import refused_link


class NewMailingForm(forms.Form):
    """To which list, and in which language the writing begins."""

    audience = forms.ChoiceField(label=_("To whom?"), widget=forms.RadioSelect())
    language = forms.ChoiceField(
        label=_("In which language do you begin?"),
        help_text=_("Others can follow. Readers whose language is missing get this one."),
    )

    def __init__(
        self, *args: Any, lists: list[tuple[str, str]], languages: Iterable[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        here = get_language() or "en"
        self.fields["audience"].choices = lists  # type: ignore[attr-defined]
        self.fields["audience"].initial = lists[0][0] if lists else None
        self.fields["language"].choices = [(one, name_of(one, here)) for one in languages]  # type: ignore[attr-defined]


class MailingTextForm(forms.Form):
    """Subject and text in one language."""

    revision = forms.IntegerField(widget=forms.HiddenInput())
    subject = forms.CharField(
        label=pgettext_lazy("email", "Subject"),
        help_text=_("What it is about, in a few words. Many phones show the first 40 letters."),
        max_length=150,
        validators=[showable],
    )
    body = forms.CharField(
        label=_("Text"),
        help_text=_(
            "It is a letter: paragraphs, a few links, no pictures. The end of the email is added by itself."
        ),
        max_length=TEXT_LENGTH,
        validators=[showable],
        widget=lines(14),
    )

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("subject", "body"):
            self.fields[name].widget.attrs |= {"lang": language, "dir": "auto"}

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"].replace("\r\n", "\n")
        if found := strange_fields(body):
            raise ValidationError(
                _(
                    "“%(field)s” would be sent as it is: there are no personal fields here. Write it for everybody."
                )
                % {"field": found[0]}
            )
        if refused_link(body):
            raise ValidationError(
                _("A link must begin with https:// or mailto: and have an address after it.")
            )
        return body

    def clean_subject(self) -> str:
        subject = " ".join(self.cleaned_data["subject"].split())
        if found := strange_fields(subject):
            raise ValidationError(
                _(
                    "“%(field)s” would be sent as it is: there are no personal fields here. Write it for everybody."
                )
                % {"field": found[0]}
            )
        return subject


class SendMailingForm(WhenForm):
    """When to send, and to the readers of which languages."""

    too_late = _("This is more than a year away.")
    readers = forms.MultipleChoiceField(
        label=_("To the readers of which languages?"),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
    )
    archived = forms.BooleanField(
        label=_("Show it on the public page of past newsletters"),
        help_text=_("People who think about subscribing can read it there."),
        required=False,
    )
    field_order = ("readers", "when", "day", "time", "zone", "archived")

    def __init__(
        self, *args: Any, readers: list[tuple[str, str]], is_newsletter: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["readers"].choices = readers  # type: ignore[attr-defined]
        self.fields["readers"].initial = [one for one, _ in readers]
        self.fields["archived"].initial = True
        if len(readers) < 2:
            del self.fields["readers"]
        if not is_newsletter:
            del self.fields["archived"]

    def clean(self) -> dict[str, Any]:
        readers, archived = self.cleaned_data.get("readers"), bool(self.cleaned_data.get("archived"))
        cleaned = {**super().clean(), "archived": archived, "readers": readers or []}
        if "readers" in self.fields:
            if not readers and "readers" not in self.errors:
                self.add_error("readers", _("Choose at least one language."))
            if readers is not None and len(readers) == len(self.fields["readers"].choices):  # type: ignore[attr-defined]
                cleaned["readers"] = []  # all, also those who subscribe meanwhile in another language
        return cleaned


class AboutNewsletterForm(forms.Form):
    """How often a newsletter comes, by language, and who gets replies."""

    reply_to = forms.EmailField(
        label=_("Replies go to"),
        help_text=_(
            "An email address that somebody reads. If it is empty, they go to the sender of this site."
        ),
        required=False,
    )

    def __init__(
        self, *args: Any, languages: Iterable[str], how_often: dict[str, str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        here = get_language() or "en"
        self._languages = tuple(languages)
        for language in self._languages:
            self.fields[f"often:{language}"] = forms.CharField(
                label=_("How often does it come? (%(language)s)") % {"language": name_of(language, here)},
                help_text=_(
                    "One sentence beside the box, such as: “About once a month, and when something happens.”"
                ),
                required=False,
                max_length=200,
                initial=how_often.get(language, ""),
                validators=[showable],
                widget=forms.TextInput(attrs={"lang": language, "dir": "auto"}),
            )

    def how_often(self) -> dict[str, str]:
        """Return the sentences that were written, by language."""
        found = {one: " ".join(self.cleaned_data[f"often:{one}"].split()) for one in self._languages}
        return {language: sentence for language, sentence in found.items() if sentence}
