"""The editor of the picture of a petition: the file, and what is to be seen in it in each language."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from sabal.desk.editforms import Saved, lines, needed
from sabal.desk.editors import SAVE, Editor
from sabal.desk.languagenames import name_of
from sabal.desk.rows import Action, Row
from sabal.petitions import editing
from sabal.petitions.folder import parse
from sabal.petitions.frontmatter import FRONT_MATTER, join_lines
from sabal.petitions.picture import DESCRIPTION, NAME, as_text
from sabal.pictures import PICTURE, encoded
from sabal.refusal import Refusal
from sabal.webp import Webp


class PictureField(forms.FileField):
    """A file that is made safe to show (pictures.py). Its clean value is the picture, or None if none was chosen."""

    def __init__(self, **given: Any) -> None:
        widget = forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"})
        help_text = _("PNG, JPEG or WebP, at most 10 MB. Where and when it was taken is not kept.")
        super().__init__(required=False, widget=widget, help_text=help_text, **given)

    def clean(self, data: Any, initial: Any = None) -> Webp | None:
        file = super().clean(data, initial)
        if not file:
            return None
        try:
            return encoded(file.read(PICTURE.file_bytes + 1), PICTURE)
        except Refusal as error:
            raise ValidationError(say(str(error))) from error


class PictureForm(Saved):
    """A file, and a description in each language of the petition."""

    file = PictureField(label=_("Picture"))
    without = forms.BooleanField(label=_("Remove the picture"), required=False)

    def __init__(self, *args: Any, languages: tuple[str, ...], has_picture: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.languages, self._has_picture = languages, has_picture
        if not has_picture:
            del self.fields["without"]
        else:
            self.fields["file"].label = _("Another picture")
        for language in languages:
            self.fields[f"description:{language}"] = needed(
                forms.CharField(
                    label=_("What is to be seen in it, in %(language)s")
                    % {"language": name_of(language, get_language() or "en")},
                    help_text=_(
                        "For readers who do not see the picture: one sentence, such as: A bus at night."
                    ),
                    required=False,
                    max_length=FRONT_MATTER[DESCRIPTION],
                    widget=lines(2, lang=language, dir="auto"),
                )
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("file") and cleaned.get("without"):
            self.add_error("without", _("You chose another picture. Remove the tick, or choose no file."))
        stays = self._has_picture and not cleaned.get("without")
        first = f"description:{self.languages[0]}"
        if (cleaned.get("file") or stays) and not cleaned.get(first) and first not in self.errors:
            self.add_error(first, _("Say what is to be seen in the picture, for readers who do not see it."))
        if not self._has_picture and not cleaned.get("file") and "file" not in self.errors:
            self.add_error("file", _("Choose a picture."))
        return cleaned


class PictureEditor(Editor):
    """The picture and its descriptions. `uploads` are the files that were sent."""

    template: ClassVar[str] = "desk/edit_picture.html"

    def __init__(
        self,
        files: Mapping[str, str],
        revision: int,
        data: Any = None,
        action: Action = SAVE,
        uploads: Any = None,
    ) -> None:
        self._uploads = uploads
        super().__init__(files, revision, data, action)

    main: PictureForm

    def load(self) -> None:
        self.definition = parse(self.before)

    @property
    def picture(self) -> Webp | None:
        """Return the picture as saved."""
        return self.definition.picture

    def saved(self) -> Row:
        texts = self.definition.texts
        return {f"description:{language}": text.picture_description for language, text in texts.items()}

    def main_form(self, **given: Any) -> PictureForm:
        first = self.definition.authoritative
        languages = (first, *(one for one in self.definition.languages if one != first))
        if "data" in given:
            given["files"] = self._uploads
        return PictureForm(languages=languages, has_picture=self.picture is not None, **given)

    def files(self) -> dict[str, str]:
        cleaned = self.main.cleaned_data
        changed = dict(self.before)
        if cleaned["file"]:
            changed[NAME] = as_text(cleaned["file"].data)
        elif cleaned.get("without"):
            del changed[NAME]
        for language in self.definition.languages:
            said = join_lines(cleaned[f"description:{language}"]) if NAME in changed else ""
            front, body = editing.wording(changed[f"{language}.md"])
            changed[f"{language}.md"] = editing.with_wording(
                changed[f"{language}.md"], {**front, DESCRIPTION: said}, body
            )
        return changed
