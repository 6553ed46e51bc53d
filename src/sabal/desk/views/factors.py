"""Set up a passkey, an authenticator app and recovery codes, and confirm with them.

These are allauth's views, with our forms (desk/accountforms.py) and the way on to what the person wanted
(desk/steps.py).
"""

from typing import Any

from allauth.mfa.recovery_codes.views import DownloadRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.internal.auth import begin_registration
from allauth.mfa.webauthn.views import AddWebAuthnView, LoginWebAuthnView, ReauthenticateWebAuthnView
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from sabal import settings
from sabal.desk import steps


class _OnTheWay:
    """A step of the way: it shows which, and leads on to `next`."""

    request: Any
    step = steps.FACTOR

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]  # of allauth's view
        following = steps.afterwards(self.request)
        context["following"] = following
        if following:
            context["way"] = steps.way(self.step, following)
        return context

    def get_success_url(self) -> str:
        following = steps.afterwards(self.request)
        page = super().get_success_url()  # type: ignore[misc]  # of allauth's view
        if page == reverse("mfa_view_recovery_codes"):
            return steps.with_next(page, following)
        return following or str(page)


class AddPasskey(_OnTheWay, AddWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """Add a passkey that can sign in alone: it knows whose it is, and asks for a PIN, a fingerprint or a face."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["js_data"] = {"creation_options": begin_registration(self.request.user, True)}
        return context


class ActivateApp(_OnTheWay, ActivateTOTPView):  # type: ignore[misc]  # allauth has no types
    """Set up an authenticator app."""


class RecoveryCodes(_OnTheWay, ViewRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    """Show the recovery codes."""

    step = steps.CODES


class RecoveryCodesFile(DownloadRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    """Answer with the recovery codes as a text that says of itself what it is."""

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        lines = [
            _("Recovery codes of %(person)s for the desk at %(address)s")
            % {"person": self.request.user.email, "address": settings.DESK_URL},
            _("Each lets you in once, after your password. Keep this where nobody else finds it."),
            "",
            *context["unused_codes"],
        ]
        name = 'attachment; filename="recovery-codes.txt"'
        return HttpResponse(
            "".join(f"{line}\r\n" for line in lines),  # as Notepad of an old Windows shows lines
            content_type="text/plain; charset=utf-8",
            headers={"Content-Disposition": name},
        )


class SignInByPasskey(LoginWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """Sign in with a passkey alone. One that is not accepted leads back, with a sentence and the way on."""

    def form_invalid(self, form: Any) -> HttpResponse:
        return _said_at(self.request, form, reverse("account_login"))


class ConfirmByPasskey(ReauthenticateWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """Confirm with a passkey. One that is not accepted leads back, with a sentence and the way on."""

    def form_invalid(self, form: Any) -> HttpResponse:
        return _said_at(self.request, form, self.request.path)


def _said_at(request: Any, form: Any, page: str) -> HttpResponse:
    for message in form.errors.get("credential", []):
        messages.error(request, message)
    return HttpResponseRedirect(steps.with_next(page, steps.afterwards(request)))


add_passkey = AddPasskey.as_view()
activate_app = ActivateApp.as_view()
recovery_codes_file = RecoveryCodesFile.as_view()
recovery_codes = RecoveryCodes.as_view()
sign_in_by_passkey = SignInByPasskey.as_view()
confirm_by_passkey = ConfirmByPasskey.as_view()
