"""The forms of the desk. Each names its fields, so that nothing else of a request is ever stored."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import prefetch_related_objects
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from sabal.accounts import roles
from sabal.accounts.acts import MEANINGS, NAMES, OFFERED, RIGHT_NAMES, Act, TeamRole
from sabal.accounts.models import Organisation, User
from sabal.desk import languages
from sabal.desk.editforms import needed
from sabal.desk.titles import definition_of, title_of
from sabal.mail.address import EmailAddress
from sabal.petitions.definition import FolderError
from sabal.petitions.letters.textfile import LETTER_BYTES, text_of_letter


class NewPassword(forms.Form):
    """A name and a password, for a person who has just been let in."""

    name = forms.CharField(
        label=_("Your name"),
        help_text=_("Your team sees it."),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password1 = forms.CharField(
        label=_("Password"),
        help_text=_("At least 12 characters. Four or five unrelated words are good and easy to remember."),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label=_("The same password again"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        self.fields["name"].initial = user.name
        if user.pk:
            self.fields["name"].required = False
            self.fields["name"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password, again = cleaned.get("password1"), cleaned.get("password2")
        if password and again and password != again:
            self.add_error("password2", _("The two passwords differ. Type both again."))
        if password:
            self._user.name = cleaned.get("name") or self._user.name
            try:
                validate_password(password, self._user)
            except ValidationError as error:
                self.add_error("password1", error)
        return cleaned


class Grant(forms.Form):
    """A role, and rights beside it."""

    role = forms.ChoiceField(
        label=_("Role"),
        choices=[(role.value, role.value) for role in OFFERED],
        widget=forms.RadioSelect(),
        initial=TeamRole.EDITOR.value,
    )
    rights = forms.MultipleChoiceField(
        label=_("May also"),
        help_text=_("An owner may do all of this."),
        required=False,
        choices=list(RIGHT_NAMES.items()),
        widget=forms.CheckboxSelectMultiple(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(role.value, f"{NAMES[role]}: {MEANINGS[role]}") for role in OFFERED]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]


def place_label(name: object, beneath: object) -> SafeString:
    """Return a place with what is said of it on a second line."""
    return format_html('{}<br><span class="small">{}</span>', name, beneath)


class Invite(Grant):
    """An invitation: to whom, and to what. The narrowest place is offered first.

    A translator of a petition gets a language: else there would be nothing to translate.
    """

    email = forms.CharField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )
    place = forms.ChoiceField(
        label=_("To what"),
        help_text=_("The less a person can reach, the less can go wrong."),
        widget=forms.RadioSelect(attrs={"class": "places"}),
    )
    language = needed(
        forms.ChoiceField(
            label=_("Language into which they translate"),
            help_text=_(
                "It is added to the petition if it is not there yet, and the person begins on its page."
            ),
            required=False,
        )
    )
    field_order = ("email", "place", "role", "language", "rights")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organisations = {one.key: one for one in roles.organisations_where(user, Act.INVITE)}
        petitions = roles.petitions_where(user, Act.INVITE)
        prefetch_related_objects(petitions, "version")
        self.petitions = {one.slug: one for one in petitions}
        places: list[tuple[str, Any]] = [
            (f"petition:{slug}", place_label(title_of(one), gettext("this petition alone: %s") % slug))
            for slug, one in self.petitions.items()
        ]
        every = gettext("all petitions of this organisation, also later ones")
        places += [
            (f"organisation:{key}", place_label(one, every)) for key, one in self.organisations.items()
        ]
        if Act.INVITE in roles.in_site(user):
            everything = gettext("all organisations and all petitions")
            places.append(("site", place_label(gettext("The whole site"), everything)))
        self.fields["place"].choices = places  # type: ignore[attr-defined]
        self.fields["place"].initial = places[0][0] if places else None
        here = get_language() or "en"
        self.fields["language"].choices = [("", "–"), *languages.choices(here)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("role") != TeamRole.TRANSLATOR:
            return cleaned | {"language": ""}
        petition = self.petitions.get(cleaned.get("place", "").removeprefix("petition:"))
        definition = definition_of(petition) if petition else None
        if definition and not cleaned.get("language"):
            self.add_error("language", _("Choose it: without a language there is nothing to translate."))
        elif definition and cleaned["language"] == definition.authoritative:
            self.add_error("language", _("The petition is written in this language. Choose another one."))
        return cleaned

    def clean_email(self) -> str:
        try:
            return EmailAddress.parse(self.cleaned_data["email"]).typed
        except ValueError:
            raise ValidationError(
                _("This is not an email address. It looks like name@example.org.")
            ) from None


class LetterImportForm(forms.Form):
    """A letter: pasted, or in a file."""

    organisation = forms.ModelChoiceField(
        label=_("Organisation"), queryset=Organisation.objects.none(), empty_label=None, to_field_name="key"
    )
    text = needed(
        forms.CharField(
            label=_("Paste the letter"),
            help_text=_("All of it: to whom, the subject, the background, what you ask."),
            required=False,
            strip=False,
            max_length=LETTER_BYTES,
            widget=forms.Textarea(attrs={"rows": 12, "class": "letter"}),
        )
    )
    file = needed(
        forms.FileField(
            label=_("Or choose its file"),
            help_text=_("Plain text (.txt, at most 60 kB) or Word (.docx, at most 10 MB)."),
            required=False,
        )
    )
    language = forms.CharField(
        label=_("Language"),
        help_text=_("Only if it is not recognised: its name."),
        required=False,
        max_length=80,
    )

    def __init__(self, *args: Any, organisations: list[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keys = [one.key for one in organisations]
        field = self.fields["organisation"]
        field.queryset = Organisation.objects.filter(key__in=keys)  # type: ignore[attr-defined]
        if len(keys) == 1:
            field.widget, field.initial = forms.HiddenInput(), keys[0]

    def clean_language(self) -> str:
        typed = self.cleaned_data["language"]
        found = languages.tag_of(typed, get_language() or "en") if typed.strip() else ""
        if found is None:
            raise ValidationError(_("No language has this name. Write it as in a list of languages."))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if file := cleaned.get("file"):
            try:
                cleaned["text"] = text_of_letter(file.read(), file.name)
            except FolderError as error:
                self.add_error("file", error.problems[0].sentence)
        elif not cleaned.get("text", "").strip() and "text" not in self.errors:
            self.add_error("text", _("Paste the letter here, or choose its file."))
        return cleaned


class PublicKey(forms.Form):
    """The public half of the organiser's key."""

    key = forms.CharField(
        label=_("Public half of the key"),
        help_text=_("The content of the file that ends in .pub. It begins with age1."),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )


class CheckCode(forms.Form):
    """The code that the key opened."""

    code = forms.CharField(
        label=_("Code"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
