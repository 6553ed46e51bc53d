"""The form of a proof: a file that shows that something happened, what it shows, and who may see it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sabal.delivery.distil import FILE_BYTES, Fault
from sabal.delivery.proofs import Distilled, distilled, refusal
from sabal.desk.recordfields import line
from sabal.refusal import Refusal


class ProofForm(forms.Form):
    """A file that shows that it happened, what it shows, and who may see it."""

    proof = forms.FileField(
        label=_("Proof"),
        help_text=_(
            "A photo (JPEG, PNG, WebP) or a PDF, at most 10 MB: a stamp, a receipt, the answer itself. It is made anew,"
            " so that it says nothing of your camera, your computer or your place."
        ),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"}),
    )
    caption = line(
        _("What it shows"),
        _("One sentence, for those who cannot see it. Such as: the receipt, with the stamp of the registry."),
        300,
    )
    seen_by = forms.ChoiceField(
        label=_("Who sees the proof?"),
        help_text=_("Look first whether it shows a person or a name that should not be public."),
        choices=[("team", _("Only our team")), ("public", _("Everybody, on the public page"))],
        initial="team",
        required=False,
        widget=forms.RadioSelect(),
    )
    distilled: Distilled | None = None

    def __init__(self, *args: Any, language: str = "", received: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._language, self._received = language, received

    def clean_proof(self) -> None:
        file = self.cleaned_data["proof"]
        if file is None:
            if self._received > FILE_BYTES:  # the server reads no file of that size, so the form has none
                raise ValidationError(str(refusal(Fault.LARGE)))
            return
        try:
            self.distilled = distilled(file.read())
        except Refusal as error:
            raise ValidationError(str(error)) from error

    @property
    def captions(self) -> dict[str, str]:
        """Return what the proof shows, by language."""
        caption = " ".join(self.cleaned_data.get("caption", "").split())
        return {self._language: caption} if caption else {}

    @property
    def is_public(self) -> bool:
        """Return whether everybody may see the proof."""
        return self.cleaned_data.get("seen_by") == "public"


class MoreProofForm(ProofForm):
    """A further proof of what is recorded already."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.distilled is None and "proof" not in self.errors:
            self.add_error("proof", _("Choose a file."))
        return cleaned
