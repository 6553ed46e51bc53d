"""A published text in a real browser: sign as a visitor, correct a typo, read it in public, count the signature."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from desk_browser import add_passkey, assert_pages_fit, enter
from served import SLUG, Served

pytestmark = [pytest.mark.slow, pytest.mark.browser]
PAGES = ("", "/amendment", "/amendment/publish", "/close", "/sending", "/discard")


def sign(served: Served, browser: Any, email: str) -> None:
    """Sign and confirm as a visitor, in a browser of their own without script."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{served.base}/en/{SLUG}")
    page.fill("#name", "Suzie")
    page.fill("#email", email)
    page.check("#consent")
    page.click("#sign button")
    page.wait_for_url(f"**/en/{SLUG}/sent")
    confirm_newest(served, page)
    context.close()


def confirm_newest(served: Served, page: Any) -> None:
    emails = served.count() + 1
    deadline = time.monotonic() + 20
    page.goto(f"{served.base}/dev/mail/")
    while page.locator("main a[href^='/dev/mail/']").count() < emails:
        assert time.monotonic() < deadline, "no email arrived"
        time.sleep(0.3)
        page.reload()
    page.locator("main a[href^='/dev/mail/']").first.click()
    page.locator("a[href*='/confirm/']").first.click()
    page.locator("main form button").first.click()
    page.wait_for_url("**/signature/**")
    served.wait_for_count(emails)


def wait_for(page: Any, address: str, words: str) -> None:
    """Open a public page until it says something: public processes look for changes once a second."""
    for _ in range(60):
        page.goto(address)
        if words in page.locator("main").inner_text():
            return
        page.wait_for_timeout(250)
    pytest.fail(f"{address} does not say: {words}")


@pytest.fixture(scope="module")
def olga(served_desk: Served, browser: Any) -> Iterator[Any]:
    """Yield the browser window of Olga, who has a passkey."""
    page = enter(served_desk, browser)
    add_passkey(served_desk, page)
    yield page
    page.context.close()


def test_a_typo_is_corrected_in_public_and_the_signature_still_counts(
    olga: Any, served_desk: Served, browser: Any
) -> None:
    desk, here = served_desk.desk, f"{served_desk.desk}/petitions/{SLUG}"
    sign(served_desk, browser, "suzie@example.org")

    reader = browser.new_context(java_script_enabled=False).new_page()
    reader.goto(f"{served_desk.base}/en/{SLUG}")
    reader.fill("#name", "Max")

    olga.goto(here)
    olga.click("text=Change the text")
    olga.click("text=The text (English)")
    title = olga.input_value("[name=title]")
    olga.fill("[name=title]", f"{title} today")
    olga.click("main form button >> text=Save")
    olga.goto(f"{here}/amendment")
    assert olga.locator("ins").inner_text().endswith("today")
    assert title in reader.locator("h1").inner_text()
    check_pages(olga, desk)

    olga.goto(f"{here}/amendment")
    olga.click("text=Go on to publish")
    olga.click("main form button")
    olga.wait_for_load_state()
    assert olga.locator(".summary").is_visible() and olga.locator(".wrong").count() == 2
    olga.check("[value=correction]")
    olga.fill("[name='why:en']", "A word was missing in the title.")
    olga.click("main form button")
    olga.wait_for_selector("text=The change is public")

    public = f"{served_desk.base}/en/{SLUG}"
    wait_for(olga, public, "A word was missing in the title.")
    assert olga.locator("h1").inner_text() == f"{title} today"
    olga.goto(f"{public}/versions")
    assert "Why: A word was missing in the title." in olga.locator("main").inner_text()
    assert olga.locator("ins").first.inner_text().endswith("today")
    assert served_desk.count() == 1

    # Who had the old text open is asked to read the new one, and keeps what was typed.
    reader.fill("#email", "max@example.org")
    reader.check("#consent")
    reader.click("#sign button")
    assert "text has changed" in reader.locator("main").inner_text()
    assert reader.input_value("#name") == "Max"
    reader.click("#sign button")
    reader.wait_for_url(f"**/en/{SLUG}/sent")
    confirm_newest(served_desk, reader)
    assert served_desk.count() == 2

    olga.goto(f"{here}/close")
    olga.check("[name=achieved]")
    olga.click("main form button >> text=Close the petition")
    wait_for(olga, public, "We achieved this")
    assert served_desk.count() == 2
    olga.goto(here)
    olga.click("text=Open again")
    olga.click("main form button")
    assert olga.locator(".state").inner_text() == "Open"
    reader.context.close()


def complete_draft(served: Served, folder: Path) -> str:
    """Make a draft that can be published, of the files of the example, and return its slug."""
    assert served.sabal("export", SLUG, "--to", str(folder)).returncode == 0
    (folder / SLUG).rename(folder / "night-bus")
    terms = folder / "night-bus" / "petition.toml"
    terms.write_text(terms.read_text().replace(f'slug = "{SLUG}"', 'slug = "night-bus"'))
    done = served.sabal("import", str(folder / "night-bus"))
    assert done.returncode == 0, done.stderr
    check, key = folder / "check.age", served.data / "organiser-key.txt"
    assert served.sabal("keys", "check", "night-bus", "--out", str(check)).returncode == 0
    code = served.sabal("open", str(check), "--identity", str(key)).stdout.split()[-1]
    done = served.sabal("keys", "check", "night-bus", "--code", code)
    assert done.returncode == 0, done.stderr
    return "night-bus"


def test_a_draft_is_published_at_a_time_of_the_browsers_zone(
    olga: Any, served_desk: Served, browser: Any, tmp_path: Path
) -> None:
    slug = complete_draft(served_desk, tmp_path)
    context = browser.new_context(timezone_id="Asia/Seoul", storage_state=olga.context.storage_state())
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{served_desk.desk}/petitions/{slug}/publish")
    assert not page.locator("#id_day").is_visible()
    page.check("[value=later]")
    assert page.input_value("#id_zone") == "Asia/Seoul"
    due = datetime.now(ZoneInfo("Asia/Seoul")) + timedelta(minutes=1)
    page.fill("#id_day", f"{due:%Y-%m-%d}")
    page.fill("#id_time", f"{due:%H:%M}")
    page.click("main form button >> text=Publish")
    page.wait_for_load_state()
    if page.locator("text=This time has passed").count():  # the minute ended between the two steps
        due += timedelta(minutes=1)
        page.fill("#id_time", f"{due:%H:%M}")
        page.click("main form button >> text=Publish")
    assert f"{due:%H:%M} (Asia/Seoul)" in page.locator(".asked").inner_text()
    assert page.locator(".state").inner_text() == "Draft"
    deadline = time.monotonic() + 90
    while page.locator(".state").inner_text() == "Draft":
        assert time.monotonic() < deadline, "it was not published"
        page.wait_for_timeout(1_000)
        page.reload()
    assert datetime.now(ZoneInfo("Asia/Seoul")) >= due.replace(second=0, microsecond=0)
    wait_for(page, f"{served_desk.base}/en/{slug}", "Sign this petition")
    context.close()


def check_pages(olga: Any, desk: str) -> None:
    """No sideways scroll at 320 px, one heading, and nothing that axe finds, in both languages and schemes."""
    addresses = [f"{desk}/petitions/{SLUG}{path}" for path in PAGES]
    for language in ("en", "ko"):
        for scheme in ("light", "dark"):
            assert_pages_fit(olga, desk, addresses, language, scheme)
