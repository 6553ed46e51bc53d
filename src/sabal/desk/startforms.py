"""The forms with which a petition begins without a letter: from nothing, from a folder, as a copy."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sabal.accounts.models import Organisation
from sabal.desk.languagenames import name_of
from sabal.desk.problems import said
from sabal.petitions.definition import LANGUAGE, FolderError
from sabal.petitions.folder import parse
from sabal.petitions.folderzip import from_zip
from sabal.petitions.frontmatter import FRONT_MATTER, join_lines
from sabal.petitions.letters.words import LANGUAGES


class Owned(forms.Form):
    """A form that asks to which organisation the petition belongs. With one organisation it does not ask."""

    organisation = forms.ModelChoiceField(
        label=_("Organisation"), queryset=Organisation.objects.none(), empty_label=None, to_field_name="key"
    )

    def __init__(self, *args: Any, organisations: list[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keys = [one.key for one in organisations]
        field = self.fields["organisation"]
        field.queryset = Organisation.objects.filter(key__in=keys)  # type: ignore[attr-defined]
        if len(keys) == 1:
            field.widget, field.initial = forms.HiddenInput(), keys[0]


class BlankForm(Owned):
    """A title and a language. All else is written in the editor."""

    title = forms.CharField(
        label=_("Title"),
        help_text=_("A few words that say what you ask. You can change it later."),
        max_length=FRONT_MATTER["title"],
    )
    language = forms.ChoiceField(label=_("Language in which you write"))
    other = forms.CharField(
        label=_("Another language"),
        help_text=_("Only if it is not in the list: its code, such as pt or sw."),
        required=False,
        max_length=20,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = get_language() or "en"
        self.fields["language"].choices = [(one, name_of(one, here)) for one in LANGUAGES]  # type: ignore[attr-defined]
        self.fields["language"].initial = here if here in LANGUAGES else "en"

    def clean_title(self) -> str:
        title = join_lines(self.cleaned_data["title"])
        if not any(character.isalnum() for character in title):
            raise ValidationError(_("Write a title with letters."))
        return title

    def clean_other(self) -> str:
        other: str = self.cleaned_data["other"].lower()
        if other and not LANGUAGE.fullmatch(other):
            raise ValidationError(_("This is not a language code, such as en, ko or zh-hans."))
        return other


class FolderForm(Owned):
    """A petition folder as a .zip file. `folder` has its files."""

    file = forms.FileField(
        label=_("The folder as a .zip file"),
        help_text=_("It contains petition.toml and a file for each language, such as en.md."),
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,application/zip"}),
    )
    folder: dict[str, str]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        try:
            self.folder = from_zip(file.read(), file.name)
            parse(self.folder)
        except FolderError as error:
            sentences = [
                f"{problem.file}, {_('line')} {problem.line}: {said(problem)}"
                for problem in error.problems[:20]
            ]
            raise ValidationError(sentences) from error
        return file


class CopyForm(Owned):
    """Which petition is copied, of those that the user may see."""

    petition = forms.ChoiceField(label=_("Petition"))
    field_order = ("petition", "organisation")

    def __init__(self, *args: Any, petitions: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["petition"].choices = petitions  # type: ignore[attr-defined]
