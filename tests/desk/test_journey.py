"""An owner's first minutes at the desk, in a real browser: in, a second factor, a look at everything, pause, close."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

import agefile
from desk_browser import assert_pages_fit, enter, invite
from desk_clients import LETTER
from served import SLUG, Served

pytestmark = [pytest.mark.slow, pytest.mark.browser]
TERMS = {
    "organiser": "Friends of the night bus",
    "name": "Friends of the night bus e.V.",
    "address": "Hill Road 1\n1234 Town",
    "purpose": "To tell the council.",
}
PAGES = (
    "/",
    "/new",
    "/new/blank",
    "/new/copy",
    "/new/folder",
    "/petitions/another-draft",
    "/petitions/another-draft/terms",
    "/petitions/another-draft/text/en",
    "/petitions/another-draft/text/en?whole=1",
    "/petitions/another-draft/recipients",
    "/petitions/another-draft/key",
    "/petitions/another-draft/publish",
    "/petitions/another-draft/discard",
    f"/petitions/{SLUG}",
    f"/petitions/{SLUG}/preview?language=ko",
    f"/petitions/{SLUG}/preview?language=en&width=phone",
    f"/petitions/{SLUG}/pause",
    f"/petitions/{SLUG}/close",
    f"/petitions/{SLUG}/numbers",
    "/petitions/another-draft/numbers",
    "/email",
    "/components",
    "/organisations",
    "/organisations/sparrow-house",
    "/people",
    "/people/invite",
    "/history",
    "/account/security/",
    "/account/security/webauthn/",
    "/account/security/webauthn/add/",
    "/account/security/totp/activate/",
    "/account/security/recovery-codes/",
    "/account/sessions/",
    "/account/password/",
    "/nothing",
)


@pytest.fixture(scope="module")
def olga(served_desk: Served, browser: Any) -> Iterator[Any]:
    """Yield the browser window of Olga, who came in with the link that the server printed and has a passkey."""
    page = enter(served_desk, browser)
    yield page
    page.context.close()


def test_the_first_minutes(olga: Any, served_desk: Served) -> None:
    desk = served_desk.desk
    olga.click("table a")
    olga.click("text=Pause")
    assert olga.locator("h1").inner_text() == "Protect your account first"
    olga.click("text=Set up a passkey")
    olga.fill("[name=name]", "Laptop")
    olga.click("main form button")
    olga.wait_for_url("**/recovery-codes/?next=*")
    olga.click("text=go on")  # to what she wanted
    assert olga.url == f"{desk}/petitions/{SLUG}/pause"
    olga.click("main form button")
    assert "Paused" in olga.locator("main").inner_text()
    for _ in range(40):  # public processes look for changes once a second
        olga.goto(f"{served_desk.base}/en/{SLUG}")
        if "paused" in olga.locator("main").inner_text().lower():
            break
        olga.wait_for_timeout(250)
    else:
        pytest.fail("the public page does not say that it is paused")
    olga.goto(f"{desk}/petitions/{SLUG}/resume")
    olga.click("main form button")
    assert "Open" in olga.locator(".state").inner_text()

    olga.goto(f"{desk}/organisations")
    olga.fill("[name=name]", "Sparrow House")
    olga.click("main form button")
    olga.goto(f"{desk}/petitions/{SLUG}")
    olga.click("button:text-is('Give')")
    assert "Sparrow House" in olga.locator("main").inner_text()

    link = invite(served_desk, olga, "max@example.org", "organisation:sparrow-house", "viewer")
    assert link.startswith("http://localhost:") and "/welcome/" in link

    olga.goto(f"{desk}/history")
    lines = olga.locator("tbody tr").all_inner_texts()
    said = [line.split("\t")[2].split(":")[0] for line in lines]
    assert said[:4] == ["invited", "gave the petition to", "added the organisation", "opened again"]
    assert "paused" in said and "joined" in said


def test_from_a_letter_to_a_published_petition(olga: Any, served_desk: Served, tmp_path: Path) -> None:
    """In the browser alone, but for the key, which Olga makes and uses on her own computer."""
    identity = agefile.generate()
    olga.goto(f"{served_desk.desk}/")
    olga.click("main a.button")
    olga.fill("[name=text]", LETTER)
    olga.click("[name=read]")
    olga.select_option("#role-7", "background")
    olga.click("[name=make]")
    olga.wait_for_load_state()
    draft = olga.url
    assert olga.locator(".checks .open").count() == 5

    olga.click("text=Who is responsible")
    olga.check("[value=open]")
    for key, value in TERMS.items():
        olga.fill(f"[name='{key}:en']", value)
    olga.fill("[name=privacy_contact]", "privacy@example.org")
    olga.fill("[name=retention]", "2030-01-31")
    olga.click("main form button")
    olga.goto(draft)
    olga.click("text=The text (English)")
    olga.fill("[name=summary]", "We ask the town council to keep the night bus.")
    olga.click("main form button")
    olga.goto(draft)

    olga.click(".checks a >> text=key >> nth=0")
    olga.fill("[name=key]", str(identity.recipient))
    olga.click("main form button >> nth=0")
    with olga.expect_download() as download:
        olga.click("form[action$=check-file] button")
    download.value.save_as(tmp_path / "check.age")
    olga.fill("[name=code]", agefile.decrypt((tmp_path / "check.age").read_bytes(), [identity]).decode())
    olga.click("form[action$=code] button")
    olga.wait_for_load_state()
    assert olga.locator(".checks .open").count() == 0
    olga.click("main form button")
    olga.wait_for_selector("text=It is published")
    olga.goto(olga.locator("main li a").get_attribute("href"))
    assert olga.locator("h1").inner_text() == "The night bus must stay"
    olga.goto(draft)
    assert olga.locator(".state").inner_text() == "Open"


def test_the_preview_is_the_public_page(olga: Any, served_desk: Served) -> None:
    olga.goto(f"{served_desk.desk}/petitions/{SLUG}/preview?language=ko")
    frame = olga.frame_locator("iframe")
    assert frame.locator("html").get_attribute("lang") == "ko"
    frame.locator("nav.langs a[lang=en]").click()
    frame.locator("html[lang=en]").wait_for()
    frame.locator("[name=name]").fill("Suzie")
    frame.locator("form[action$=sign] button").click()
    frame.locator("[role=alert], .summary").first.wait_for()  # the address is missing
    assert served_desk.count() == 0


def test_signing_in_again_with_the_passkey(olga: Any, served_desk: Served) -> None:
    olga.goto(f"{served_desk.desk}/")
    olga.click("text=Sign out")
    olga.goto(f"{served_desk.desk}/people/invite")
    assert "/account/login/" in olga.url
    olga.click("#passkey_login")
    olga.wait_for_url("**/people/invite")


def test_a_wrong_password_says_nothing_about_who_exists(olga: Any, served_desk: Served, browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    said = []
    for email in ("owner@example.org", "nobody@example.org"):
        page.goto(f"{served_desk.desk}/account/login/")
        page.fill("[name=login]", email)
        page.fill("[name=password]", "wrong wrong wrong wrong")
        page.click("main form:not(#mfa_login) button")
        said.append(page.locator("main").inner_text())
    context.close()
    assert said[0] == said[1] and "is not right" in said[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_at_every_width(olga: Any, served_desk: Served, language: str, scheme: str) -> None:
    """No sideways scroll at 320 px, one heading, and nothing that axe finds."""
    if language == "en" and scheme == "light":
        olga.goto(f"{served_desk.desk}/new")
        olga.fill("[name=text]", LETTER.replace("The night bus must stay", "Another draft"))
        olga.click("[name=read]")
        assert not Axe().run(olga).response["violations"]
        olga.click("[name=make]")
    addresses = [f"{served_desk.desk}{path}" for path in PAGES]
    assert_pages_fit(olga, served_desk.desk, addresses, language, scheme)
