"""The forms of allauth in the words of the desk: signing in, passwords, passkeys and codes."""

from typing import Any

from allauth.account.forms import ChangePasswordForm, LoginForm, ReauthenticateForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
    SignupWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONG_PASSWORD = _("At least 12 characters. Four or five unrelated words are good and easy to remember.")
NAME_LENGTH = 60


def word(form: forms.Form, name: str, label: Any, hint: Any = "", **attributes: str) -> None:
    """Give a field its label and its hint. What stands in an empty field is taken away: it looks like a value."""
    field = form.fields[name]
    field.label, field.help_text = label, hint
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs.update(attributes)


class SignIn(LoginForm):  # type: ignore[misc]  # allauth has no types
    """The email address and the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "login", _("Email address"), autocomplete="username")
        word(self, "password", _("Password"))


class ConfirmPassword(ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The password again, before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "password", _("Password"))


class ChangePassword(ChangePasswordForm):  # type: ignore[misc]  # allauth has no types
    """The password now, and a new one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "oldpassword", _("Password now"))
        word(self, "password1", _("New password"), LONG_PASSWORD)
        word(self, "password2", _("The new password again"))

    def clean(self) -> Any:
        cleaned = super().clean()
        if "password2" in self.errors and cleaned.get("password1"):
            self.errors["password2"] = self.error_class([_("The two passwords differ. Type both again.")])
        return cleaned


def ways_of(user: Any) -> set[str]:
    """Return what a person has set up: "webauthn", "totp", "recovery_codes"."""
    found = Authenticator.objects.filter(user=user)
    kinds = {one.type for one in found}
    codes = next((one for one in found if one.type == Authenticator.Type.RECOVERY_CODES), None)
    if codes is not None and not codes.wrap().get_unused_codes():
        kinds.discard(Authenticator.Type.RECOVERY_CODES)
    return kinds


class _Code:
    """A number of the app, or a recovery code: the field asks for what this person has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ways = ways_of(self.user)  # type: ignore[attr-defined]  # of the form
        form: Any = self
        if "totp" not in self.ways:
            word(form, "code", _("Recovery code"), autocomplete="off", spellcheck="false")
        elif "recovery_codes" in self.ways:
            word(
                form,
                "code",
                _("Number from your authenticator app"),
                _("Six digits. If you have lost the app, type one of your recovery codes."),
            )
        else:
            word(form, "code", _("Number from your authenticator app"), _("Six digits."))


class SignInByCode(_Code, AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """A code, after the password."""


class ConfirmByCode(_Code, ReauthenticateByCodeForm):  # type: ignore[misc]  # allauth has no types
    """A code, before something that matters."""


class ActivateAppForm(ActivateTOTPForm):  # type: ignore[misc]  # allauth has no types
    """The first number of a new authenticator app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "code", _("Number that the app shows now"), _("Six digits."), inputmode="numeric")


class _Passkey:
    """A passkey that was used. What allauth calls an incorrect code is said of a passkey."""

    why_not = _(
        "This passkey was not accepted: it may be of another site, or was removed here. Use another way below."
    )

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]  # of the form
        except ValidationError as error:
            if error.code == "incorrect_code":
                raise ValidationError(self.why_not, code="passkey") from error
            raise


class SignInByPasskeyForm(_Passkey, LoginWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A passkey in place of the email address and the password."""

    why_not = _(
        "This passkey was not accepted: it may be of another site, or was removed here."
        " Sign in with your email address and password."
    )


class SecondStepByPasskey(_Passkey, AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A passkey, after the password."""


class ConfirmByPasskeyForm(_Passkey, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A passkey, before something that matters."""


NAME = _("Name of this passkey")
NAME_HINT = _("You see it in the list if you have several, such as “Office laptop”.")


class NewPasskey(SignupWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A new passkey. It can always sign in alone: there is nothing to choose."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "name", NAME, NAME_HINT, autocomplete="off", maxlength=str(NAME_LENGTH))
        self.fields["name"].max_length = NAME_LENGTH

    def clean_name(self) -> str:
        return str(super().clean_name())[:NAME_LENGTH]

    def clean(self) -> Any:
        try:
            return super().clean()
        except (ValidationError, ValueError, KeyError) as error:
            raise ValidationError(
                _(
                    "The passkey was not added: it has no PIN, fingerprint or face, or took too long. Try again."
                )
            ) from error


class RenamePasskey(EditWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """Another name for a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "name", NAME, NAME_HINT, autocomplete="off", maxlength=str(NAME_LENGTH))

    def clean_name(self) -> str:
        return str(self.cleaned_data["name"])[:NAME_LENGTH]
