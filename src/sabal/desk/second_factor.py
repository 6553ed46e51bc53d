"""A session that has not shown the second factor of its user cannot change, remove or add one.

Otherwise a session that a thief began with a stolen password, before a second factor was set up, could replace it.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from sabal.accounts.models import User
from sabal.desk.access import ask_second_factor, has_second_factor, has_shown_second_factor

OPEN = ("mfa_authenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_login_webauthn")
"""Pages that ask for the second factor."""


class SecondFactor:
    """Guard allauth's pages of second factors."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponseBase | None:
        name = request.resolver_match.url_name if request.resolver_match else ""
        if not (name or "").startswith("mfa_") or name in OPEN or not isinstance(request.user, User):
            return None
        if has_second_factor(request.user) and not has_shown_second_factor(request):
            return ask_second_factor(request)
        return None
