"""The form of a link whose forms are counted."""

from django import forms
from django.utils.translation import gettext_lazy as _

from sabal.signing import sources


class NewLink(forms.Form):
    """The word of a new link."""

    word = forms.CharField(
        label=_("A word for the link"),
        help_text=_(
            "For example flyer or spring-meeting: lower-case letters a to z, digits and hyphens. Everybody who gets the"
            " link can read it."
        ),
        max_length=sources.LONGEST,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def clean_word(self) -> str:
        word = sources.normalised("-".join(self.cleaned_data["word"].split()))
        if not word:
            raise forms.ValidationError(
                _(
                    "Use only letters a to z, digits and hyphens. The first and the last must be a letter or a digit."
                )
            )
        return word
