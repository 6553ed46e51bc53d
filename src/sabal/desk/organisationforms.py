"""The forms of an organisation: who it is, and how it looks on the pages of its petitions."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from sabal.accounts.models import Organisation
from sabal.desk.editforms import lines
from sabal.desk.languagenames import name_of
from sabal.pages import accent
from sabal.pictures import LOGO, encoded
from sabal.refusal import Refusal
from sabal.webp import Webp

IMPRINT_LENGTH = 4_000


class EditOrganisation(forms.ModelForm):  # type: ignore[type-arg]
    """Name, contact and website of an organisation."""

    website = forms.URLField(
        label=_("Website"),
        help_text=_("Its address, beginning with https://"),
        required=False,
        assume_scheme="https",
    )

    class Meta:
        model = Organisation
        fields = ("name", "contact", "website")
        labels = {"name": _("Name"), "contact": _("Contact")}
        help_texts = {
            "name": _("The name by which readers know you. You can add it in other languages afterwards."),
            "contact": _("An email address or a phone number at which people reach you."),
        }

    def clean_website(self) -> str:
        website: str = self.cleaned_data["website"]
        if website and not website.startswith(("https://", "http://")):
            raise ValidationError(_("Give an address that begins with https://"))
        return website


class AddOrganisation(EditOrganisation):
    """A new organisation, with its imprint in the language of the reader: its petitions take it from here."""

    imprint_here = forms.CharField(
        label=_("Postal address and imprint"),
        help_text=_(
            "New petitions begin with your name, this address and your contact. You can change them there."
        ),
        required=False,
        max_length=IMPRINT_LENGTH,
        widget=lines(3),
    )
    field_order = ("name", "imprint_here", "contact", "website")

    def save(self, commit: bool = True) -> Any:
        text = self.cleaned_data["imprint_here"].replace("\r\n", "\n").strip()
        if text:
            self.instance.imprint = {get_language() or "en": text}
        return super().save(commit)


class IdentityForm(EditOrganisation):
    """All of an organisation: also its names and imprint by language, its colour and its logo."""

    accent = forms.CharField(
        label=_("Colour"),
        help_text=_("Of the buttons on the pages of your petitions: # and six digits, such as #0e4a48."),
        required=False,
        max_length=7,
        widget=forms.TextInput(attrs={"class": "short", "autocomplete": "off", "spellcheck": "false"}),
    )
    logo_file = forms.FileField(
        label=_("Logo"),
        help_text=_("PNG, JPEG or WebP, at most 2 MB. It is shown small, beside your name."),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    without_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    new_logo: Webp | None = None
    offered = ""  # the colour that passes, if the one that was typed does not

    def __init__(self, *args: Any, languages: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = get_language() or "en"
        self._languages = languages
        self.fields["accent"].initial = self.instance.accent
        self.fields["name"].help_text = _(
            "Readers see this name, unless you give one in their language below."
        )
        for language in languages:
            named = {"language": name_of(language, here)}
            self.fields[f"name:{language}"] = forms.CharField(
                label=_("Name in %(language)s") % named,
                required=False,
                max_length=200,
                initial=self.instance.names.get(language, ""),
                widget=forms.TextInput(attrs={"lang": language, "dir": "auto"}),
            )
            self.fields[f"imprint:{language}"] = forms.CharField(
                label=_("Imprint in %(language)s") % named,
                help_text=_(
                    "What the law of your country asks for, such as your register and who represents you."
                ),
                required=False,
                max_length=IMPRINT_LENGTH,
                initial=self.instance.imprint.get(language, ""),
                widget=lines(3, lang=language, dir="auto"),
            )
        names = [f"name:{language}" for language in languages]
        self.order_fields(["name", *names, "contact", "website", "accent", "logo_file", "without_logo"])
        if not self.instance.logo:
            del self.fields["without_logo"]

    def clean_accent(self) -> str:
        colour = str(self.data.get("use") or self.cleaned_data["accent"]).strip().lower()
        if not colour:
            return ""
        if not accent.COLOUR.fullmatch(colour):
            raise ValidationError(_("Write # and six digits or letters a–f, such as #0e4a48."))
        if not accent.passes(colour):
            self.offered = accent.nearest(colour)
            raise ValidationError(
                _(
                    "The words on a button could not be read on this colour. The nearest that passes is"
                    " %(colour)s."
                )
                % {"colour": self.offered}
            )
        return colour

    def clean_logo_file(self) -> None:
        if file := self.cleaned_data["logo_file"]:
            try:
                self.new_logo = encoded(file.read(), LOGO)
            except Refusal as error:
                raise ValidationError(say(str(error))) from error

    def keep_logo(self) -> bool:
        """Store a good logo although something else is refused, as a browser does not keep a chosen file."""
        if self.new_logo:
            Organisation.objects.filter(pk=self.instance.pk).update(**_columns(self.new_logo))
        return self.new_logo is not None

    def save(self, commit: bool = True) -> Any:
        cleaned, it = self.cleaned_data, self.instance
        it.accent = cleaned["accent"]
        for key, kept in (("name", it.names), ("imprint", it.imprint)):
            for language in self._languages:
                text = cleaned[f"{key}:{language}"].replace("\r\n", "\n").strip()
                kept[language] = text
                if not text:
                    del kept[language]
        if self.new_logo:
            for name, value in _columns(self.new_logo).items():
                setattr(it, name, value)
        elif cleaned.get("without_logo"):
            it.logo, it.logo_width, it.logo_height = b"", 0, 0
        return super().save(commit)


def _columns(logo: Webp) -> dict[str, Any]:
    return {"logo": logo.data, "logo_width": logo.width, "logo_height": logo.height}
