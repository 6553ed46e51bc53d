"""The newsletter's pages through a real house: one answer for all, buttons and not links, mail programs' POST."""

import email
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from email import policy
from pathlib import Path

from newsletter.asking import filled
from served import Served

PAGE = "/ko/newsletter"


def fetch(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def subscribers(served: Served) -> str:
    return served.sabal("newsletter", "list").stdout


def wait_for_letters(served: Served, number: int) -> list[Path]:
    """The letters that the house has written, oldest first."""
    deadline = time.monotonic() + 20
    while len(letters := sorted((served.data / "mail").glob("[0-9]*.eml"))) < number:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return letters


def test_asking_confirming_and_being_told_the_same(served: Served) -> None:
    _, page = fetch(served.base + PAGE)
    ask = urllib.parse.urlencode(filled(page, "suzie@example.org")).encode()
    first = fetch(served.base + PAGE, ask)
    wait_for_letters(served, 1)  # two letters written in the same moment may come in either order
    assert first == fetch(served.base + PAGE, ask)
    robot = urllib.parse.urlencode(filled(page, "eve@example.org", website="x")).encode()
    assert first == fetch(served.base + PAGE, robot)
    letters = wait_for_letters(served, 2)
    message = email.message_from_bytes(letters[-1].read_bytes(), policy=policy.default)
    (link,) = set(
        re.findall(r"http://\S+?/newsletter/confirm/\w+", message.get_body(("plain",)).get_content())
    )  # type: ignore[attr-defined]
    assert fetch(link)[0] == 200 and "confirmed" not in subscribers(served).replace("not confirmed yet", "")
    assert fetch(link, b"")[0] == 200 and re.search(r"1\s+newsletter\s+ko\s+confirmed", subscribers(served))
    out = served.data / "subscribers.csv"
    assert served.sabal("newsletter", "export", "--out", str(out)).returncode == 0
    assert "suzie@example.org" in out.read_text() and out.stat().st_mode & 0o077 == 0
    # In the list now: the same answer, and no letter.
    assert first == fetch(served.base + PAGE, ask)
    time.sleep(1.5)
    assert len(list((served.data / "mail").glob("[0-9]*.eml"))) == 2


def test_what_is_no_address_is_said_and_kept(served: Served) -> None:
    status, page = fetch(served.base + PAGE, urllib.parse.urlencode({"email": "suzie(at)example"}).encode())
    assert status == 422 and 'value="suzie(at)example"' in page and 'role="alert"' in page


def test_a_mail_programs_one_click_is_answered_without_redirect(served: Served) -> None:
    link = f"{served.base}/en/newsletter/unsubscribe/{'a' * 26}"
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    status, _ = fetch(link, body, **{"Content-Type": "multipart/form-data; boundary=x"})
    assert status == 404  # nobody's link; but neither 403 nor 415 nor a redirect
    assert fetch(link, b"List-Unsubscribe=One-Click")[0] == 404
