"""The forms of an update: what it says in each language, when it is published, and how often updates are emailed."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from sabal.desk.editforms import lines, needed
from sabal.desk.languagenames import name_of
from sabal.desk.pictureeditor import PictureField
from sabal.desk.publishforms import WhenForm, showable
from sabal.petitions.definition import Definition
from sabal.petitions.links import refused_link
from sabal.petitions.posts import BODY_LENGTH, TITLE_LENGTH, PostText
from sabal.petitions.wording import has_too_many_brackets
from sabal.updates.writing import PACES, WrittenPost
from sabal.webp import Webp

_BIG_HEADING = re.compile(r"(?m)^#{1,2}(?=\s)")  # the page has its own headings of these sizes


class UpdateForm(forms.Form):
    """What an update says. A language without a title and a text is left out; one language is enough."""

    revision = forms.IntegerField(widget=forms.HiddenInput(), required=False)
    file = PictureField(label=_("Picture"))
    without = forms.BooleanField(label=_("Remove the picture"), required=False)

    def __init__(
        self, *args: Any, definition: Definition, saved: WrittenPost | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._saved = saved
        first = definition.authoritative
        self.languages = (first, *(one for one in definition.languages if one != first))
        for language in self.languages:
            self._add_language(language, saved)
        if saved is None or saved.picture is None:
            del self.fields["without"]
        else:
            self.fields["file"].label = _("Another picture")

    def _add_language(self, language: str, saved: WrittenPost | None) -> None:
        text = (saved.texts.get(language) if saved else None) or PostText("", "")
        named = {"language": name_of(language, get_language() or "en")}
        attributes = {"lang": language, "dir": "auto"}
        self.fields[f"title:{language}"] = needed(
            forms.CharField(
                label=_("Title in %(language)s") % named,
                required=False,
                max_length=TITLE_LENGTH,
                initial=text.title,
                validators=[showable],
                widget=forms.TextInput(attrs=attributes),
            )
        )
        self.fields[f"body:{language}"] = needed(
            forms.CharField(
                label=_("Text in %(language)s") % named,
                required=False,
                max_length=BODY_LENGTH,
                strip=False,
                initial=text.body,
                validators=[showable],
                widget=lines(10, **attributes),
            )
        )
        self.fields[f"picture:{language}"] = needed(
            forms.CharField(
                label=_("What is to be seen in the picture, in %(language)s") % named,
                help_text=_("Every picture needs it, for readers who do not see it."),
                required=False,
                max_length=300,
                initial=text.picture,
                validators=[showable],
                widget=forms.TextInput(attrs=attributes),
            )
        )

    @property
    def parts(self) -> list[list[forms.BoundField]]:
        """Return title and text of each language."""
        return [[self[f"title:{one}"], self[f"body:{one}"]] for one in self.languages]

    @property
    def descriptions(self) -> list[forms.BoundField]:
        """Return what is to be seen in the picture, in each language."""
        return [self[f"picture:{one}"] for one in self.languages]

    @property
    def picture_is_wrong(self) -> bool:
        """Return whether a field of the picture must be corrected, or the file must be chosen again."""
        names = {"file", "without", *(f"picture:{one}" for one in self.languages)}
        return bool(self.files) or not names.isdisjoint(self.errors)

    @property
    def picture(self) -> Webp | None:
        """Return the picture that is saved."""
        return self._saved.picture if self._saved else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("file") and cleaned.get("without"):
            self.add_error("without", _("You chose another picture. Remove the tick, or choose no file."))
        has_picture = cleaned.get("file") or (self.picture and not cleaned.get("without"))
        written = False
        for language in self.languages:
            title, body, seen = (cleaned.get(f"{key}:{language}", "") for key in ("title", "body", "picture"))
            if not (title or body.strip()):
                continue
            written = True
            if not title and f"title:{language}" not in self.errors:
                self.add_error(f"title:{language}", _("Give it a title."))
            if not body.strip() and f"body:{language}" not in self.errors:
                self.add_error(f"body:{language}", _("Write the text, or empty the title too."))
            if has_too_many_brackets(body):
                self.add_error(f"body:{language}", _("There are too many opening brackets ([) in this text."))
            elif refused_link(body):
                self.add_error(
                    f"body:{language}",
                    _("A link must begin with https:// or mailto: and have an address after it."),
                )
            if has_picture and not seen and f"picture:{language}" not in self.errors:
                self.add_error(
                    f"picture:{language}",
                    _("Say what is to be seen in the picture, for readers who do not see it."),
                )
        if not written and not self.errors:
            raise ValidationError(_("Write a title and a text in at least one language."))
        return cleaned

    def written(self) -> WrittenPost:
        """Return what was typed."""
        cleaned = self.cleaned_data
        picture = cleaned["file"] or (None if cleaned.get("without") else self.picture)
        texts = {}
        for language in self.languages:
            body = _BIG_HEADING.sub("###", cleaned[f"body:{language}"].replace("\r\n", "\n")).strip("\n")
            if cleaned[f"title:{language}"]:
                seen = cleaned[f"picture:{language}"] if picture else ""
                texts[language] = PostText(" ".join(cleaned[f"title:{language}"].split()), body, seen)
        # A language that the petition lost keeps what was written.
        others = {
            language: text
            for language, text in (self._saved.texts.items() if self._saved else ())
            if language not in self.languages
        }
        return WrittenPost({**texts, **others}, picture)


class PublishUpdateForm(WhenForm):
    """When an update is published, and whether those who asked for updates get it by email."""

    emails = forms.BooleanField(
        label=_("Email it to those who asked for updates"), required=False, initial=True
    )

    def __init__(self, *args: Any, has_updates: bool, readers: int | None = None, **kwargs: Any) -> None:
        """`readers` is how many people get the email; None: it is not shown."""
        super().__init__(*args, last_day=date.max, **kwargs)
        if not has_updates:
            del self.fields["emails"]
        elif readers is not None:
            self.fields["emails"].help_text = ngettext(
                "%(number)s person asked for them.", "%(number)s people asked for them.", readers
            ) % {"number": f"{readers:,}"}

    def clean(self) -> dict[str, Any]:
        emails = (self.cleaned_data or {}).get("emails", False)
        return {**super().clean(), "emails": emails}


class CorrectionForm(forms.Form):
    """Why an update that is public is corrected, in one sentence for each of its languages."""

    def __init__(self, *args: Any, languages: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for language in languages:
            self.fields[f"why:{language}"] = forms.CharField(
                label=_("Why, in one sentence (%(language)s)") % {"language": language},
                help_text=_("The public reads it below the update."),
                required=False,
                max_length=300,
                validators=[showable],
                widget=forms.TextInput(attrs={"lang": language, "dir": "auto"}),
            )

    def why(self) -> dict[str, str]:
        """Return the reasons by language."""
        found = ((name.partition(":")[2], " ".join(text.split())) for name, text in self.cleaned_data.items())
        return {language: text for language, text in found if text}


PACE_NAMES = {
    0: _("For each update"),
    1: _("At most once a day"),
    7: _("At most once a week"),
    30: _("At most once in 30 days"),
}


class PaceForm(forms.Form):
    """How often those who asked for updates get an email at most."""

    days = forms.TypedChoiceField(
        label=_("How often do those who asked for updates get an email?"),
        help_text=_("Updates in between are gathered into one email."),
        choices=[(days, PACE_NAMES[days]) for days in PACES],
        coerce=int,
        widget=forms.RadioSelect(),
    )
