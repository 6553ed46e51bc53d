"""The second factor: who may change it, and what it protects when secrets are lost."""

import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.sessions.models import Session
from django.test import Client

import agefile
from desk_clients import PASSWORD, Person, forget_second_factor, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import User
from sabal.desk import secret
from sabal.refusal import Refusal
from sites import SiteOfTests

PAGES = (
    "totp/activate/",
    "totp/deactivate/",
    "recovery-codes/",
    "recovery-codes/generate/",
    "recovery-codes/download/",
    "webauthn/",
    "webauthn/add/",
)


def with_password(email: str) -> User:
    user = person(email, TeamRole.OWNER).user
    user.set_password(PASSWORD)
    user.save()
    assert EmailAddress.objects.filter(user=user, verified=True).exists()
    return user


def code_now(key: str) -> str:
    """Return the code of a secret. It is valid for some seconds more: codes change every 30 seconds."""
    if (rest := 30 - time.time() % 30) < 8:
        time.sleep(rest)
    return format_hotp_value(hotp_value(key, int(time.time()) // 30))


def signed_in(user: User, code: str) -> bool:
    """Try to sign in with the password and a code, and return whether the desk lets the browser in."""
    browser = Client()
    browser.post("/account/login/", {"login": user.email, "password": PASSWORD})
    browser.post("/account/security/authenticate/", {"code": code})
    return browser.get("/").status_code == 200


def test_password_and_code_let_in_and_a_password_alone_does_not(site: SiteOfTests) -> None:
    user = with_password("carol@example.org")
    Authenticator.objects.all().delete()
    key = generate_totp_secret()
    TOTP.activate(user, key)
    assert not signed_in(user, "000000")
    assert signed_in(user, code_now(key))
    assert key not in str(list(Authenticator.objects.values())), "the secret is in the database in clear"


def test_with_another_secret_no_code_can_be_computed(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restore on another machine the codes of an empty secret, which anybody can compute, let nobody in."""
    user = with_password("carol@example.org")
    RecoveryCodes.activate(user)
    from django.conf import settings

    monkeypatch.setattr(settings, "SECRET_KEY", "of another machine")
    assert not signed_in(user, code_now(""))
    codes = [format(int(hotp_value("", n)) % 10**8, "08d") for n in range(3)]
    assert not any(signed_in(user, code) for code in codes)


@pytest.mark.parametrize("page", PAGES)
def test_a_session_of_the_password_alone_changes_no_factor(site: SiteOfTests, page: str) -> None:
    carol = person("carol@example.org", TeamRole.OWNER)
    RecoveryCodes.activate(carol.user)
    before = list(Authenticator.objects.order_by("pk").values("pk", "data"))
    forget_second_factor(carol)
    for method in ("get", "post"):
        answer = getattr(carol.browser, method)(f"/account/security/{page}")
        assert answer.status_code == 302 and "/reauthenticate/" in answer["Location"], method
    assert list(Authenticator.objects.order_by("pk").values("pk", "data")) == before


def test_a_new_factor_ends_the_other_sessions(site: SiteOfTests) -> None:
    """A thief of the password may have begun them before."""
    user = with_password("carol@example.org")
    Authenticator.objects.all().delete()
    thief, carol = Client(), Client()
    for browser in (thief, carol):
        browser.post("/account/login/", {"login": user.email, "password": PASSWORD})
        assert browser.get("/").status_code == 200
    page = carol.get("/account/security/totp/activate/")
    key = page.context["form"].secret
    assert carol.post("/account/security/totp/activate/", {"code": code_now(key)}).status_code == 302
    assert carol.get("/history").status_code == 200
    assert thief.get("/").status_code == 302


def test_a_form_that_is_asked_for_again_is_not_kept(site: SiteOfTests) -> None:
    """A secret key that was pasted by mistake after 15 minutes must not be in the rows of sessions."""
    carol: Person = person("carol@example.org", TeamRole.OWNER)
    petition = site.publish()
    session = carol.browser.session
    session["account_authentication_methods"] = [
        {**record, "at": record["at"] - 3600} for record in session["account_authentication_methods"]
    ]
    session.save()
    identity = str(agefile.generate())
    answer = carol.browser.post(f"/petitions/{petition.slug}/key", {"key": identity})
    assert answer.status_code == 302 and "reauthenticate" in answer["Location"]
    assert identity[:30] not in "".join(str(one.get_decoded()) for one in Session.objects.all())


def test_the_desk_does_not_start_without_its_secret(site: SiteOfTests) -> None:
    """With a random one at each start, sessions would end and authenticator apps stop working."""
    (site.data / secret.FILE).unlink(missing_ok=True)
    with pytest.raises(Refusal):
        secret.refuse_without()
    secret.make()
    secret.refuse_without()
    assert (site.data / secret.FILE).stat().st_mode & 0o077 == 0
    (site.data / secret.FILE).write_text("short")
    with pytest.raises(Refusal):
        secret.refuse_without()
