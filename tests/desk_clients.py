"""People who work on the desk, for tests: users with a role, and their browsers."""

import time
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Membership, Organisation, User
from sabal.petitions.models import Petition

PASSWORD = "blue river seven chairs"
LETTER = """The night bus must stay

To: The Town Council

Subject: The night bus to Hill Road

The bus at one o'clock is the only way home for nurses of the hospital.

We ask that you:
1. Keep the bus until 2030
2. Publish the numbers of passengers

Please sign below.
"""
KOREAN = {
    "title": "심야버스를 지켜 주십시오",
    "summary": "심야버스를 유지해 주십시오.",
    "subject": "힐로드행 심야버스",
    "section-1-heading": "배경",
    "section-1": "새벽 한 시 버스는 병원 간호사들이 집에 갈 수 있는 유일한 길입니다.",
    "demands-heading": "우리의 요구",
    "demand-1": "2030년까지 버스를 유지할 것",
    "demand-2": "승객 수를 공개할 것",
    "sign_invitation": "아래에 서명해 주십시오.",
    "purpose": "의회에 알리기 위함입니다.",
    "recipient-the-town-council": "시의회",
}
"""The pieces of LETTER in another language."""


@dataclass
class Person:
    """A user, and a browser in which they are signed in."""

    user: User
    browser: Client


def person(
    email: str,
    role: TeamRole | None = None,
    *,
    organisation: Organisation | None = None,
    petition: Petition | None = None,
    rights: tuple[str, ...] = (),
    second_factor: bool = True,
) -> Person:
    """Make a user with a role, signed in, with a second factor that this session has shown."""
    user = User(email=email, name=email.partition("@")[0].title())
    user.set_unusable_password()
    user.save()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    if role is not None:
        Membership.objects.create(
            user=user, role=role, rights=list(rights), organisation=organisation, petition=petition
        )
    browser = Client()
    browser.force_login(user)
    records = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    if second_factor:
        TOTP.activate(user, generate_totp_secret())
        records.append({"method": "mfa", "at": time.time(), "reauthenticated": True})
    session = browser.session
    session["account_authentication_methods"] = records
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return Person(user, browser)


def forget_second_factor(person: Person) -> None:
    """Make the session one that was begun with the password alone."""
    session = person.browser.session
    session["account_authentication_methods"] = session["account_authentication_methods"][:1]
    session.save()


def has_second_factor(user: User) -> bool:
    return Authenticator.objects.filter(user=user).exists()


def give_authenticator(context: Any, page: Any) -> None:
    """Give the browser a fingerprint reader that always says yes."""
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
