"""The form for a list of people who signed elsewhere: only to be counted, or to be invited to sign here."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sabal.desk.languagenames import name_of
from sabal.desk.publishforms import showable
from sabal.elsewhere.invitations import Reason
from sabal.elsewhere.models import InvitationList
from sabal.petitions.definition import Definition

COUNT, INVITE = "count", "invite"
Ground = InvitationList.Ground
GROUNDS = [
    (Ground.CONSENT, _("They agreed there that our organisation may write to them about this")),
    (Ground.INTEREST, _("A legitimate interest of ours that was weighed against theirs")),
    (Ground.OTHER, _("Another law")),
]
WITH_INVITATION = ("platform", "title", "ground", "ground_text", "language")


class PeopleForm(forms.Form):
    """A file of people, and what is done with it. `invite` is whether they may be invited."""

    file = forms.FileField(
        label=_("The list"),
        help_text=_(
            "CSV or OSDI JSON, as the other platform exports it. At most 12 MB; divide a longer list."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.json,text/csv,application/json"}),
    )
    what = forms.ChoiceField(
        label=_("What is it for?"),
        choices=[
            (COUNT, _("Only count the people. Nothing of the list is stored.")),
            (INVITE, _("Invite each of them, once, to sign here")),
        ],
        initial=COUNT,
        widget=forms.RadioSelect(),
    )
    platform = forms.CharField(
        label=_("Where did they sign?"),
        help_text=_("The name of the platform. The invitation says it."),
        required=False,
        max_length=60,
        validators=[showable],
    )
    title = forms.CharField(
        label=_("Title of the petition there"),
        help_text=_("The invitation says it, so that people remember what they signed."),
        required=False,
        max_length=200,
        validators=[showable],
    )
    ground = forms.ChoiceField(
        label=_("What allows you to write to them?"),
        choices=GROUNDS,
        required=False,
        widget=forms.RadioSelect(),
    )
    ground_text = forms.CharField(
        label=_("In which words, where and when?"),
        help_text=_(
            "The sentence that they agreed to, on which page and since when; or how you weighed the interests; or which"
            " law. It is kept with the list, so that you can show it."
        ),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    language = forms.ChoiceField(
        label=_("Language of the invitation"),
        help_text=_("For those whose language is not in the list."),
        required=False,
    )

    def __init__(self, *args: Any, definition: Definition, invite: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not invite:
            for name in ("what", *WITH_INVITATION):
                del self.fields[name]
            return
        here = get_language() or "en"
        self.fields["language"].choices = [(one, name_of(one, here)) for one in definition.languages]  # type: ignore[attr-defined]
        self.fields["language"].initial = definition.authoritative
        for name in WITH_INVITATION:
            self.fields[name].needed = name != "title"  # type: ignore[attr-defined]  # for the label

    @property
    def is_invitation(self) -> bool:
        """Return whether people are to be invited."""
        return self.cleaned_data.get("what") == INVITE

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("what") == INVITE:
            needed = {
                "platform": _("Say where they signed."),
                "ground": _(
                    "Without a ground in law nobody may be invited. Choose one, or only count the people."
                ),
                "ground_text": _("Say it so that somebody else can check it."),
                "language": _("Choose a language."),
            }
            for name, sentence in needed.items():
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, sentence)
        return cleaned

    def clean_platform(self) -> str:
        return _one_line(self.cleaned_data["platform"])

    def clean_title(self) -> str:
        return _one_line(self.cleaned_data["title"])

    def reason(self) -> Reason:
        """Return why people are invited."""
        return Reason(**{name: self.cleaned_data[name] for name in WITH_INVITATION})


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if "://" in line or "@" in line:
        # Another's address in an email that this site sends would be advertising, or worse.
        raise ValidationError(_("No web address and no email address can be here. Write the name alone."))
    return line
