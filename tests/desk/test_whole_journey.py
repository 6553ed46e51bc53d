"""An officer of a small organisation, from the first link to the closed petition: in browsers, without a terminal."""

import email
import json
import re
import time
import urllib.request
from collections.abc import Iterator
from email import policy
from pathlib import Path
from typing import Any

import pytest

from desk_browser import add_passkey, enter
from desk_clients import LETTER
from organiser import pages
from organiser.pages import PASSPHRASE, Opened
from sabal.organiser.page import FILE
from served import Served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(
        not FILE.is_file(), reason="organiser.html was not built: script/organiser-page says why"
    ),
]
PETITION = "the-night-bus-must-stay"
TERMS = {
    "organiser": "Friends of the night bus",
    "name": "Friends of the night bus e.V.",
    "address": "Hill Road 1\n1234 Town",
    "purpose": "To tell the council.",
}


@pytest.fixture
def olga(served_desk: Served, browser: Any) -> Iterator[Any]:
    """Yield the window of Olga, on the screen of a usual laptop, who came in with the link that the server printed."""
    page = enter(served_desk, browser)
    page.set_default_timeout(20_000)
    yield page
    page.context.close()


def test_from_the_first_link_to_the_closed_petition(
    olga: Any, served_desk: Served, browser: Any, tmp_path: Path
) -> None:
    add_passkey(served_desk, olga)
    write(olga, served_desk)
    add_korean(olga, served_desk)
    with pages.opened(browser, tmp_path) as offline:
        key = choose_key(olga, offline, served_desk)
        publish(olga, served_desk)
        visitor_signs(browser, served_desk)
        read_names(olga, offline, served_desk, key)
    correct_a_typo(olga, served_desk)
    close(olga, served_desk)


def write(olga: Any, served: Served) -> None:
    olga.goto(f"{served.desk}/new")
    olga.click("main a.button")  # a petition belongs to an organisation
    olga.fill("[name=name]", "Friends of the night bus")
    olga.click("main form button")
    olga.goto(f"{served.desk}/new")
    olga.fill("[name=text]", LETTER)
    olga.click("[name=read]")
    olga.select_option("#role-7", "background")
    olga.click("[name=make]")
    olga.click("text=Who is responsible")
    olga.check("[value=open]")
    for name, value in TERMS.items():
        olga.fill(f"[name='{name}:en']", value)
    olga.fill("[name=privacy_contact]", "privacy@example.org")
    olga.fill("[name=retention]", "2030-01-31")
    olga.click("main form button")
    olga.goto(f"{served.desk}/petitions/{PETITION}")
    olga.click("text=The text (English)")
    olga.fill("[name=summary]", "We ask the town council to keep the night bus.")
    olga.click("main form button")


def add_korean(olga: Any, served: Served) -> None:
    """Translate every piece, and see both languages as the public will."""
    olga.goto(f"{served.desk}/petitions/{PETITION}/languages/add")
    olga.click("button[name=language][value=ko]")
    olga.wait_for_load_state()
    pieces = olga.locator("textarea[name^='text:']")
    assert pieces.count() > 8
    for n in range(pieces.count()):
        pieces.nth(n).fill(f"심야버스를 지켜 주십시오 {n}")
    olga.click(".savebar button")
    assert "part of the petition" in olga.locator("main").inner_text()
    for language, title in (("en", "The night bus must stay"), ("ko", "심야버스를 지켜 주십시오 0")):
        olga.goto(f"{served.desk}/petitions/{PETITION}/preview?language={language}")
        assert olga.frame_locator("iframe").locator("h1").inner_text() == title


def choose_key(olga: Any, offline: Opened, served: Served) -> Path:
    """Make a key in the page that the desk offers, and show the desk that it opens."""
    olga.goto(f"{served.desk}/petitions/{PETITION}/key")
    assert saved(olga, "text=Save organiser.html", offline.folder).read_bytes() == FILE.read_bytes()
    offline.go("new-key")
    offline.tab.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    offline.tab.get_by_label("The passphrase again").fill(PASSPHRASE)
    offline.press("Make the key")
    offline.tab.get_by_role("heading", name="Save the key file").wait_for(timeout=60_000)
    key = offline.saved("Save organiser.key")
    public = offline.tab.get_by_label("Public half").input_value()
    offline.choose("Your key file", key)
    offline.tab.get_by_label("Passphrase of the key").fill(PASSPHRASE)
    offline.press("Check it")
    offline.tab.get_by_text("It opens, and it is the key that you made.").wait_for(timeout=60_000)

    olga.fill("[name=key]", public)
    olga.click("text=Use this key")
    check = saved(olga, "form[action$=check-file] button", offline.folder)
    offline.go("file")
    offline.choose("The locked file", check)
    offline.choose("Your key file", key)
    offline.tab.get_by_label("Passphrase of the key").fill(PASSPHRASE)
    offline.press("Open")
    offline.tab.get_by_text("Your key opens what is locked for it.").wait_for(timeout=60_000)
    olga.fill("[name=code]", offline.tab.locator(".code:visible").inner_text())
    olga.click("text=Check the code")
    return key


def publish(olga: Any, served: Served) -> None:
    assert olga.locator(".checks .open").count() == 0
    olga.click("main form button")
    olga.wait_for_selector("text=It is published")
    assert counted(served) == 0


def visitor_signs(browser: Any, served: Served) -> None:
    context = browser.new_context()
    suzie = context.new_page()
    suzie.goto(f"{served.base}/en/{PETITION}")
    suzie.fill("[name=name]", "Suzie 수지")
    suzie.fill("[name=email]", "suzie@example.org")
    suzie.check("[name=consent]")
    suzie.click("form[action$=sign] button >> nth=-1")
    suzie.goto(wait_for(lambda: link_in_email(served)))
    suzie.click("main form button >> nth=0")
    context.close()
    assert wait_for(lambda: counted(served)) == 1


def read_names(olga: Any, offline: Opened, served: Served, key: Path) -> None:
    """The desk shows the number, and only the page with the key shows who."""
    olga.goto(f"{served.desk}/petitions/{PETITION}")
    assert re.search(r"\b1\b", olga.locator(".count").first.inner_text())
    assert "Suzie" not in olga.content()
    olga.click("nav.menu a:text-is('Signers’ names')")
    export = saved(olga, "main form button >> nth=0", offline.folder)
    assert b"Suzie" not in export.read_bytes()
    offline.open_names([export], key, PASSPHRASE)
    assert offline.tab.locator("td", has_text="Suzie 수지").count() == 1
    offline.tab_of("Delete from the server")
    olga.fill("[name=code]", offline.tab.locator(".code:visible").inner_text())
    olga.click("text=Plan the deletion")
    olga.click("text=Keep them on the server after all")


def correct_a_typo(olga: Any, served: Served) -> None:
    """The correction is public with its reason, and the signature still counts."""
    olga.goto(f"{served.desk}/petitions/{PETITION}/text/en")
    olga.fill("[name=title]", "The night bus must stay in town")
    olga.click("main form button >> text=Save")
    olga.goto(f"{served.desk}/petitions/{PETITION}/amendment/publish")
    olga.check("[value=correction]")
    for language in ("en", "ko"):
        olga.fill(f"[name='why:{language}']", "Words were missing in the title.")
    olga.click("main form button")
    olga.wait_for_selector("text=The change is public")
    public = f"{served.base}/en/{PETITION}"
    assert wait_for(lambda: "must stay in town" in (olga.goto(public), olga.content())[1])
    assert "Words were missing in the title." in olga.locator("main").inner_text()
    assert counted(served) == 1


def close(olga: Any, served: Served) -> None:
    for act, state in (("pause", "Paused"), ("resume", "Open"), ("close", "Closed")):
        olga.goto(f"{served.desk}/petitions/{PETITION}/{act}")
        olga.click("main form button")
        assert olga.locator(".state").inner_text() == state


def saved(page: Any, button: str, folder: Path) -> Path:
    """Press a button that saves a file, and return the file."""
    with page.expect_download() as waiting:
        page.click(button)
    path = folder / str(waiting.value.suggested_filename)
    waiting.value.save_as(path)
    return path


def counted(served: Served) -> int:
    with urllib.request.urlopen(f"{served.base}/{PETITION}/count.json", timeout=10) as answer:
        return int(json.load(answer)["counted"])


def link_in_email(served: Served) -> str | None:
    for file in (served.data / "mail").glob("[0-9]*.eml"):
        body = email.message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("plain",))
        if body and (found := re.search(r"http://\S+/confirm/[a-z2-7]{26}", body.get_content())):
            return found[0]
    return None


def wait_for(find: Any) -> Any:
    deadline = time.monotonic() + 30
    while not (found := find()):
        assert time.monotonic() < deadline, find
        time.sleep(0.2)
    return found
