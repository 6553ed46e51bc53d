"""The forms of the desk. Each names its fields, so that nothing else of a request is ever stored."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sabal.accounts import roles
from sabal.accounts.acts import MEANINGS, NAMES, OFFERED, RIGHT_NAMES, Act, TeamRole
from sabal.accounts.models import Organisation, User
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


class Invite(Grant):
    """An invitation: to whom, and to what."""

    email = forms.CharField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )
    place = forms.ChoiceField(label=_("Where"))
    field_order = ("email", "place", "role", "rights")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places: list[tuple[str, Any]] = []
        if Act.INVITE in roles.in_site(user):
            places.append(("site", _("The whole site")))
        self.organisations = {one.key: one for one in roles.organisations_where(user, Act.INVITE)}
        places += [(f"organisation:{key}", one.name) for key, one in self.organisations.items()]
        self.petitions = {one.slug: one for one in roles.petitions_where(user, Act.INVITE)}
        places += [
            (f"petition:{slug}", _("Only the petition %(slug)s") % {"slug": slug}) for slug in self.petitions
        ]
        self.fields["place"].choices = places  # type: ignore[attr-defined]

    def clean_email(self) -> str:
        try:
            return EmailAddress.parse(self.cleaned_data["email"]).typed
        except ValueError:
            raise ValidationError(
                _("This is not an email address. It looks like name@example.org.")
            ) from None


class LetterForm(forms.Form):
    """A letter: pasted, or in a file."""

    organisation = forms.ModelChoiceField(
        label=_("Organisation"), queryset=Organisation.objects.none(), empty_label=None, to_field_name="key"
    )
    text = forms.CharField(
        label=_("Paste the letter"),
        help_text=_("All of it: to whom, the subject, the background, what you ask."),
        required=False,
        strip=False,
        max_length=LETTER_BYTES,
        widget=forms.Textarea(attrs={"rows": 12}),
    )
    file = forms.FileField(
        label=_("Or choose its file"),
        help_text=_("Plain text (.txt, at most 60 kB) or Word (.docx, at most 10 MB)."),
        required=False,
    )
    language = forms.CharField(
        label=_("Language"),
        help_text=_("Only if it is not recognised: its code, such as en or ko."),
        required=False,
        max_length=20,
    )

    def __init__(self, *args: Any, organisations: list[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keys = [one.key for one in organisations]
        field = self.fields["organisation"]
        field.queryset = Organisation.objects.filter(key__in=keys)  # type: ignore[attr-defined]
        if len(keys) == 1:
            field.widget, field.initial = forms.HiddenInput(), keys[0]

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
