"""The forms about signatures that came in: their export, their review, their revocation."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from sabal.signing import held
from tlog.entry import Reason

MOST_BYTES = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
REASONS = {
    Reason.DUPLICATE: _("duplicate"),
    Reason.FAKE: _("automated"),
    Reason.OTHER: _("other"),
}
"""The public reasons for which a signature is invalidated."""
WHY_HELD = {
    held.RATE: _("too many from one network"),
    held.ROBOT: _("a field was filled in that people do not see"),
    held.LISTED: _("a rule of yours names the email domain"),
}
"""Why signatures are held for review."""
REFUSED = {
    "no-file": _(
        "This is not a file of revocations: its first line does not say so. The audit makes such a file."
    ),
    "no-log": _("Line 1 does not say for which log and at which size this was made."),
    "too-long": _("A file of revocations has at most %(most)s lines."),
    "twice": _("Line %(line)s: index %(index)s is in the file twice."),
    "other-log": _(
        "This file was made for another petition. Choose the file that the audit of this petition made."
    ),
    "newer": _("This file was made when the log had %(then)s entries. Here it has %(here)s."),
    "gone": _("Lines that name no signature: %(number)s (%(some)s). Make the file again from a new export."),
    "keys": _("Line %(line)s must hold index, reason and why, and nothing else."),
    "index": _("Line %(line)s: the log had no such index when it had %(then)s entries."),
    "reason": _("Line %(line)s: the reason must be duplicate, automated or other."),
    "why": _(
        "Line %(line)s: “why” is one line of at most %(most)s characters, without names or email addresses."
    ),
    "no-object": _("Line %(line)s is not a JSON object of at most %(most)s characters."),
}
"""What is wrong with a file, by RevocationsError.kind."""


class DrainCode(forms.Form):
    """The code that shows that every record of an export opened."""

    code = forms.CharField(
        label=_("Code"),
        help_text=_("64 letters and digits, from the page or the command that opened the file."),
        max_length=200,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        ),
    )


class RevocationFile(forms.Form):
    """The file that the offline audit made."""

    file = forms.FileField(
        label=_("File of the audit"),
        help_text=_("At most 12 MB. It is checked first: nothing is changed yet."),
        allow_empty_file=True,
        error_messages={"required": _("Choose the file that the audit made. It may have at most 12 MB.")},
    )


class PublicReason(forms.Form):
    """The reason that the public log gives."""

    reason = forms.TypedChoiceField(
        label=_("Reason in the public log"), coerce=int, widget=forms.RadioSelect(), initial=0
    )

    def __init__(self, *args: Any, as_file: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(reason.value, name) for reason, name in REASONS.items()]
        field = self.fields["reason"]
        field.choices = [(0, _("as the file says")), *choices] if as_file else choices  # type: ignore[attr-defined]
        if not as_file:
            field.initial = Reason.FAKE.value
