"""The form of an import of subscribers, and the words for what can be wrong with one."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sabal.bounces.reasons import Reason
from sabal.desk.languages import named
from sabal.desk.uploads import ListFile
from sabal.newsletter.importing import Known
from sabal.newsletter.importrows import RowFault
from sabal.newsletter.suppression import Why
from sabal.settings import SITE_LANGUAGES

FAULTS = {
    RowFault.NO_ADDRESS: _("No address in the row"),
    RowFault.BAD_ADDRESS: _("Not an email address"),
    RowFault.LONG_ADDRESS: _("The address is too long"),
    RowFault.BAD_DOMAIN: _("The part after the @ cannot be read"),
    RowFault.BAD_DATE: _("The day of consent cannot be read"),
    RowFault.FUTURE: _("The day of consent is in the future"),
    RowFault.DAMAGED: _("The row is damaged: a quotation mark, or letters that are not UTF-8"),
}
KNOWN = {
    Known.TWICE: _("In the file more than once"),
    Known.THERE: _("Subscribed already"),
    Known.LEFT: _("Unsubscribed before"),
    Known.REFUSED: _("Said that they do not want to be asked"),
    Known.BOUNCED: _("Emails could not be delivered"),
    Known.COMPLAINED: _("Reported an email as spam"),
}
BOUNCED = {
    Reason.NO_MAILBOX: _("There is no such mailbox"),
    Reason.NO_DOMAIN: _("The domain takes no email"),
    Reason.FULL: _("The mailbox is full"),
    Reason.UNREACHABLE: _("The mail server could not be reached for days"),
    Reason.REFUSED_US: _("The mail server refuses emails from here"),
    Reason.OTHER: _("Another reason"),
    Reason.COMPLAINT: _("The reader reported it as spam"),
}
ENDED = {
    Why.LEFT: _("Unsubscribed"),
    Why.BOUNCED: _("No such mailbox"),
    Why.FULL: _("Undeliverable for long"),
    Why.COMPLAINED: _("Reported as spam"),
    Why.REFUSED: _("Wants no emails from this site"),
}
REFUSED = {
    "empty": _("The file is empty."),
    "broken": _("The file is damaged. Save it again as .xlsx or CSV, and upload that."),
    "large": _("The file is too large when it is unpacked. Divide it into several."),
    "macros": _("The file contains macros. Save it as .xlsx without macros, or as CSV."),
    "old": _("This is an old Excel file (.xls). Save it as .xlsx or CSV, and upload that."),
    "columns": _("No column has email addresses. Name it “email” in the first row."),
    "gone": _(
        "The file is no longer on the server, so this import cannot go on. Upload the list again: nobody is imported"
        " twice."
    ),
    "right": _("The person who asked for this has no right to it any more."),
    "failed": _(
        "Something on the server failed. Try again. If it fails again, tell the operator of this server."
    ),
}


class ImportForm(forms.Form):
    """A list of addresses, and the proof that its people agreed."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            ".xlsx or CSV, at most 100 MB. A column “email” is needed. “language” and “date” (of the consent) are used"
            " if they are there. Other columns are not kept."
        ),
        allow_empty_file=True,
        error_messages={"required": _("Choose a file. It may have at most 100 MB.")},
    )
    language = forms.ChoiceField(label=_("Language of those whose row names none"))
    place = forms.CharField(
        label=_("Where did they agree?"),
        help_text=_(
            "Such as: the form on our website ours.example/news, or a paper list at our meeting in Busan."
        ),
        max_length=300,
        widget=forms.TextInput,
    )
    day = forms.DateField(
        label=_("When did they agree?"),
        help_text=_("The latest day, if rows have no date of their own."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    sentence = forms.CharField(
        label=_("Which sentence did they agree to?"),
        help_text=_("Word for word. It is kept with each subscription, and each subscriber can read it."),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    agreed = forms.BooleanField(
        label=_("All of them agreed to get this newsletter by email, and we can prove it"),
        error_messages={"required": _("People who did not agree must not be imported.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reader = get_language() or "en"
        field = self.fields["language"]
        field.choices = [(one, str(named(one, reader))) for one in SITE_LANGUAGES]  # type: ignore[attr-defined]
        field.initial = reader if reader in SITE_LANGUAGES else SITE_LANGUAGES[0]

    def clean_file(self) -> ListFile:
        file = self.cleaned_data["file"]
        if not isinstance(file, ListFile):  # the handler of uploads left it aside
            raise forms.ValidationError(_("The file cannot be taken now. It may have at most 100 MB."))
        return file

    def clean_day(self) -> Any:
        day = self.cleaned_data["day"]
        if day > datetime.now(UTC).date():
            raise forms.ValidationError(_("This day is in the future."))
        return day
