"""The journey of a signer on a real server, in a real browser, on both databases; then Carol opens the export."""

import csv
import email
import io
import re
import time
import urllib.error
import urllib.request
from email import policy
from typing import Any

import pytest

from served import CHROMIUM, SLUG, Served


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: the journey in a browser is skipped")
def test_suzie_reads_signs_confirms_signs_again_and_withdraws(served: Served, browser: Any) -> None:
    from playwright.sync_api import Page, expect

    def sign(page: Page) -> None:
        page.goto(f"{served.base}/ko/{SLUG}")
        page.get_by_label("이름", exact=True).fill("수지 Suzie")
        page.locator("#email").fill("suzie@example.org")
        page.locator("#country").select_option("KR")
        page.locator("#consent").check()
        page.locator("#sign button").click()
        page.wait_for_url(f"**/ko/{SLUG}/sent")

    def follow_the_newest_email(page: Page) -> None:
        deadline = time.monotonic() + 20
        page.goto(f"{served.base}/dev/mail/")
        while page.locator("main a[href^='/dev/mail/']").count() < expected_emails[0]:
            assert time.monotonic() < deadline, "no email arrived"
            time.sleep(0.3)
            page.reload()
        page.locator("main a[href^='/dev/mail/']").first.click()
        page.locator("a[href*='/confirm/']").first.click()

    expected_emails = [1]
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, locale="ko-KR", java_script_enabled=False
    )
    page = context.new_page()
    sign(page)
    sent = page.locator("main").inner_text()
    assert "(lantern)" in sent
    follow_the_newest_email(page)
    assert "수지 Suzie" in page.locator("main").inner_text()
    assert served.count() == 0
    page.locator("main form button").first.click()
    page.wait_for_url(re.compile(r"/ko/signature/[a-z2-7]{26}$"))
    served.wait_for_count(1)
    page.goto(f"{served.base}/ko/{SLUG}")
    page.wait_for_timeout(1_500)
    page.goto(f"{served.base}/ko/{SLUG}")
    expect(page.locator("main")).to_contain_text("1")

    sign(page)
    assert page.locator("main").inner_text() == sent
    expected_emails[0] = 2
    follow_the_newest_email(page)
    page.locator("main form button").first.click()
    page.wait_for_url(re.compile(r"/ko/signature/[a-z2-7]{26}$"))
    time.sleep(2)
    assert served.count() == 1

    opened = served.sabal("open", SLUG, "--identity", str(served.data / "organiser-key.txt"))
    assert opened.returncode == 0, opened.stderr
    rows = list(csv.DictReader(io.StringIO(opened.stdout)))
    assert [(r["name"], r["email"], r["place"], r["checked"]) for r in rows] == [
        ("수지 Suzie", "suzie@example.org", "KR", "yes")
    ]

    page.locator("a[href$='/withdraw']").click()
    page.locator("main form button").click()
    page.wait_for_url("**/ko/signature/withdrawn")
    served.wait_for_count(0)
    assert context.cookies() == []
    context.close()
    opened = served.sabal("open", SLUG, "--identity", str(served.data / "organiser-key.txt"))
    assert len(list(csv.DictReader(io.StringIO(opened.stdout)))) == 0


def test_a_mail_scanner_confirms_only_by_post(served: Served) -> None:
    """A mail scanner follows links; GET changes nothing. One that also posts confirms only its own mailbox's email."""
    page = urllib.request.urlopen(f"{served.base}/en/{SLUG}", timeout=10).read().decode()
    version = re.search(r'name="version" value="([0-9a-f]{16})"', page)
    assert version
    body = f"name=Suzie&email=suzie%40example.org&consent=1&version={version[1]}".encode()
    before = set((served.data / "mail").glob("[0-9]*.eml"))
    urllib.request.urlopen(f"{served.base}/en/{SLUG}/sign", data=body, timeout=10).close()
    deadline = time.monotonic() + 20
    while not (emails := list(set((served.data / "mail").glob("[0-9]*.eml")) - before)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    message = email.message_from_bytes(emails[0].read_bytes(), policy=policy.default)
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    (link,) = re.findall(r"http://\S+", text)
    for url in (link, f"{link}/not-me", link, link.replace("/confirm/", "/signature/")):
        urllib.request.urlopen(url, timeout=10).read()
    time.sleep(1.5)
    assert served.count() == 0
    for _ in range(3):
        urllib.request.urlopen(link, data=b"", timeout=10).read()
    served.wait_for_count(1)
    with pytest.raises(urllib.error.HTTPError):  # a form of another type is refused
        urllib.request.urlopen(
            urllib.request.Request(link, b"{}", {"Content-Type": "application/json"}), timeout=10
        )
