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
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.http import HttpRequest

from sabal.accounts import audit


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up without an invitation (accounts/invitations.py)."""

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

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Say nothing on signing in and out: the page that follows says it."""
        template = str(args[0] if args else kwargs.get("message_template") or "")
        if not template.endswith(("logged_in.txt", "logged_out.txt")):
            super().add_message(request, level, *args, **kwargs)


class MFAAdapter(DefaultMFAAdapter):
    """A copy of the database alone reveals no authenticator's secret."""

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
