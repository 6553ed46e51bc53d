"""How people sign in: by invitation only, and with secrets of authenticator apps encrypted in the database."""

import base64
import hashlib
import secrets
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    get_authentication_records,
)
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sabal.accounts import audit
from sabal.desk.accountforms import ways_of

SAID = {
    "mfa/messages/webauthn_added.txt": _("The passkey is set up. You can sign in with it alone."),
    "mfa/messages/webauthn_removed.txt": _("The passkey is removed."),
    "mfa/messages/totp_activated.txt": _("The authenticator app is set up."),
    "mfa/messages/totp_deactivated.txt": _("The authenticator app is removed."),
    "account/messages/password_changed.txt": _("The new password is saved."),
    "usersessions/messages/sessions_logged_out.txt": _("You are signed out everywhere else."),
}
"""What allauth says in its own words, in ours. Of what is not here nothing is said: the page that follows says it."""


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up without an invitation (accounts/invitations.py)."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _(
            "This account is not in use any more. Ask the person who invited you for a new link."
        ),
        "email_password_mismatch": _(
            "The email address or the password is not right. Capital letters count. Type both again."
        ),
        "enter_current_password": _("This is not your password now. Type it again."),
        "incorrect_password": _("This is not your password. Type it again."),
        "too_many_login_attempts": _("Too many attempts failed. Wait five minutes, then try again."),
        "rate_limited": _("Too many attempts. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        """Write it into the audit log. Signing in counts as the proof that dangerous acts ask for, for 15 minutes."""
        records = get_authentication_records(request, user)
        request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [
            {**one, "reauthenticated": True} for one in records
        ]
        audit.record(user, "signed-in")
        return super().post_login(request, user, **kwargs)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say it in our words."""
        said = message or SAID.get(message_template or "")
        if said:
            messages.add_message(request, messages.SUCCESS if not message else level, said, extra_tags)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the ways to confirm that this person has set up, the easiest first, the password last.

        The password is no way for a session that has not shown the second factor: it would be asked for again.
        """
        ways = ways_of(user) if user.is_authenticated else set()
        words = {
            "mfa_reauthenticate:webauthn": gettext("Use your passkey"),
            "mfa_reauthenticate": gettext("Use your authenticator app")
            if "totp" in ways
            else gettext("Use a recovery code"),
            "reauthenticate": gettext("Use your password"),
        }
        found = {one["id"]: one for one in super().get_reauthentication_methods(user)}
        factors = ways & {"webauthn", "totp"}
        if not ways & {"totp", "recovery_codes"}:
            found.pop("mfa_reauthenticate", None)
        if factors and not any(
            one["method"] == "mfa" for one in get_authentication_records(self.request, user)
        ):
            found.pop("reauthenticate", None)
        return [{**found[key], "description": said} for key, said in words.items() if key in found]


class MFAAdapter(DefaultMFAAdapter):
    """A copy of the database alone reveals no authenticator's secret."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _(
            "This is not the right code. An app shows a new one every 30 seconds; a recovery code works once."
        ),
        "cannot_delete_authenticator": _("This cannot be removed."),
        "cannot_generate_recovery_codes": _("Set up a passkey or an authenticator app first."),
        "unverified_email": _(
            "This account cannot be changed. Ask the person who invited you for a new link."
        ),
    }

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        """Return a name for a new passkey: its number."""
        return gettext("Passkey %(number)s") % {
            "number": Authenticator.objects.filter(user=user, type=type).count() + 1
        }

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            # The desk's secret was replaced. Codes of an empty text could be computed, those of a random one cannot.
            return base64.b32encode(secrets.token_bytes(20)).decode()


def remember_second_factor(request: HttpRequest, user: Any, authenticator: Any, **kwargs: Any) -> None:
    """Note that this session has shown the second factor that was just set up, and end the user's other sessions.

    Somebody who knew the password may have begun them before there was a second factor.
    """
    for session in UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key):
        session.end()
    if authenticator.type != "recovery_codes":
        record_authentication(
            request, user, method="mfa", id=authenticator.pk, type=authenticator.type, reauthenticated=True
        )


def _box() -> Fernet:
    key = hashlib.sha256(b"sabal desk authenticator " + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
