"""Passkeys in a real browser with a virtual fingerprint reader: made, used alone, cancelled, refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from desk_browser import add_passkey, assert_pages_fit, enter, speak
from desk_clients import PASSWORD
from served import Served

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def olga(served_desk: Served, browser: Any) -> Iterator[Any]:
    """Yield Olga's window. She has set up a passkey with what the page offers, and touched nothing else."""
    page = enter(served_desk, browser)
    add_passkey(served_desk, page)
    yield page
    page.context.close()


def sign_out(page: Any) -> None:
    page.click("footer form:last-of-type button")
    page.wait_for_url("**/account/login/")


def reader(page: Any, *, verifies: bool = True) -> None:
    """Give a window of another computer a fingerprint reader, which has no passkey yet."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_signs_in_alone(olga: Any, served_desk: Served) -> None:
    sign_out(olga)
    olga.click("#passkey_login")
    olga.wait_for_url(f"{served_desk.desk}/")
    assert "Petitions" in olga.locator("h1").inner_text()
    # It was the second factor too: what needs one opens at once.
    olga.goto(f"{served_desk.desk}/people/invite")
    assert olga.locator("h1").inner_text() == "Invite a person"


def test_signing_in_leads_to_the_page_that_was_wanted(olga: Any, served_desk: Served) -> None:
    sign_out(olga)
    olga.goto(f"{served_desk.desk}/organisations")
    olga.click("#passkey_login")
    olga.wait_for_url(f"{served_desk.desk}/organisations")


def test_after_the_password_the_passkey_comes_first(olga: Any, served_desk: Served) -> None:
    sign_out(olga)
    olga.fill("[name=login]", "owner@example.org")
    olga.fill("[name=password]", "not this one at all")
    olga.click("main form:not(#mfa_login) button")
    said = olga.locator(".summary:visible").inner_text()
    assert "You are not signed in yet" in said and "is not right" in said and "saved" not in said
    olga.fill("[name=password]", PASSWORD)
    olga.click("main form:not(#mfa_login) button")
    assert olga.locator("main button:visible").first.inner_text() == "Use your passkey"
    assert "authenticator app" not in olga.locator("main").inner_text(), "she has set up none"
    olga.click("#use_passkey")
    olga.wait_for_url(f"{served_desk.desk}/")


def test_to_confirm_the_passkey_comes_first(olga: Any, served_desk: Served) -> None:
    olga.goto(f"{served_desk.desk}/account/reauthenticate/?next=/people")
    assert "password" in olga.locator("label").inner_text().lower()
    assert olga.locator(".ways a").all_inner_texts() == ["Use a recovery code", "Use your passkey"]
    olga.click(".ways >> text=Use your passkey")
    olga.click("#use_passkey")
    olga.wait_for_url(f"{served_desk.desk}/people")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_without_a_passkey_the_page_says_what_to_do(served_desk: Served, browser: Any, language: str) -> None:
    """A computer without this person's passkey: the button must not be silent."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served_desk.desk}/account/login/")
    page.click(f"footer [value={language}]")
    reader(page)
    page.click("#passkey_login")
    page.wait_for_selector(".summary:visible")
    said = page.locator(".summary:visible").inner_text()
    assert ("email address and password" if language == "en" else "이메일 주소와 비밀번호로") in said
    assert page.url.endswith("/account/login/")
    context.close()


def test_a_device_that_confirms_nobody_makes_no_passkey(olga: Any, served_desk: Served, browser: Any) -> None:
    """Such a passkey could not sign in alone."""
    context = browser.new_context(storage_state=olga.context.storage_state())
    page = context.new_page()
    reader(page, verifies=False)
    page.goto(f"{served_desk.desk}/account/security/webauthn/")
    before = page.locator("tbody tr").count()
    page.goto(f"{served_desk.desk}/account/security/webauthn/add/")
    page.click("#add_passkey")
    page.wait_for_selector(".summary:visible")
    assert "No passkey was made." in page.locator(".summary:visible").inner_text()
    page.goto(f"{served_desk.desk}/account/security/webauthn/")
    assert page.locator("tbody tr").count() == before
    context.close()


def test_a_passkey_that_was_removed_here_is_refused_in_a_sentence(olga: Any, served_desk: Served) -> None:
    olga.goto(f"{served_desk.desk}/account/security/webauthn/")
    olga.click("tbody a >> text=Remove")
    olga.click("main form button")
    sign_out(olga)
    olga.click("#passkey_login")
    olga.wait_for_selector(".message.error")
    assert "was removed here" in olga.locator(".message.error").inner_text()
    olga.fill("[name=login]", "owner@example.org")
    olga.fill("[name=password]", PASSWORD)
    olga.click("main form:not(#mfa_login) button")
    olga.wait_for_url(f"{served_desk.desk}/")
    add_passkey(served_desk, olga)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_pages_fit_and_speak_one_language(
    olga: Any, served_desk: Served, language: str, scheme: str
) -> None:
    security = f"{served_desk.desk}/account/security"
    olga.goto(f"{security}/webauthn/")
    rename = olga.locator("tbody a").first.get_attribute("href")
    pages = [
        f"{security}/",
        f"{security}/webauthn/",
        f"{served_desk.desk}{rename}",
        f"{served_desk.desk}{rename.replace('edit', 'remove')}",
        f"{security}/webauthn/add/?next=/people",
        f"{security}/webauthn/reauthenticate/",
        f"{security}/reauthenticate/",
        f"{security}/totp/activate/?next=/people",
        f"{security}/recovery-codes/",
        f"{security}/recovery-codes/?next=/people",
        f"{security}/recovery-codes/generate/",
        f"{served_desk.desk}/account/reauthenticate/",
        f"{served_desk.desk}/account/password/",
        f"{served_desk.desk}/account/sessions/",
        f"{served_desk.desk}/account/logout/",
    ]
    assert_pages_fit(olga, served_desk.desk, pages, language, scheme)
    if language == "ko":
        speak(olga, served_desk.desk, "ko")
        for page in pages:
            olga.goto(page)
            words = olga.locator("main").inner_text().replace("Laptop", "").replace("PIN", "")
            words = words.replace(olga.evaluate("navigator.userAgent"), "")
            for code in olga.locator("main .copy").all_inner_texts():
                words = words.replace(code, "")
            english = [one for one in words.split() if one.isascii() and one.isalpha() and len(one) > 2]
            assert not english, (page, english)
        speak(olga, served_desk.desk, "en")
