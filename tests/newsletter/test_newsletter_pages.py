"""The newsletter's pages on a real server: equal answers, buttons instead of links, the POST of mail programs."""

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

PAGE = "/ko/newsletter/stop-forced-repatriation"


def fetch(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def subscribers(served: Served) -> str:
    return served.sabal("newsletter", "list").stdout


def wait_for_emails(served: Served, number: int) -> list[Path]:
    """Return the emails that the server has written, oldest first. Wait until there are `number` of them."""
    deadline = time.monotonic() + 20
    while len(emails := sorted((served.data / "mail").glob("[0-9]*.eml"))) < number:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return emails


def test_asking_and_confirming_with_the_same_answer_for_every_address(served: Served) -> None:
    _, page = fetch(served.base + PAGE)
    ask = urllib.parse.urlencode(filled(page, "suzie@example.org")).encode()
    first = fetch(served.base + PAGE, ask)
    wait_for_emails(served, 1)  # two emails written at the same moment may come in either order
    assert first == fetch(served.base + PAGE, ask)
    emails = wait_for_emails(served, 2)
    message = email.message_from_bytes(emails[-1].read_bytes(), policy=policy.default)
    (link,) = set(
        re.findall(r"http://\S+?/newsletter/confirm/\w+", message.get_body(("plain",)).get_content())
    )  # type: ignore[attr-defined]
    assert fetch(link)[0] == 200 and "confirmed" not in subscribers(served).replace("not confirmed yet", "")
    assert fetch(link, b"")[0] == 200 and re.search(
        r"1\s+newsletter of stop-forced-repatriation\s+ko\s+confirmed", subscribers(served)
    )
    password_manager = urllib.parse.urlencode(filled(page, "max@example.org", website="x")).encode()
    assert first == fetch(served.base + PAGE, password_manager)
    wait_for_emails(served, 3)
    out = served.data / "subscribers.csv"
    assert served.sabal("newsletter", "export", "--out", str(out)).returncode == 0
    assert "suzie@example.org" in out.read_text() and out.stat().st_mode & 0o077 == 0
    # The address is in the list now: the same answer, and no email.
    assert first == fetch(served.base + PAGE, ask)
    time.sleep(1.5)
    assert len(list((served.data / "mail").glob("[0-9]*.eml"))) == 3


def test_an_invalid_address_gets_an_error_and_is_shown_again(served: Served) -> None:
    status, page = fetch(served.base + PAGE, urllib.parse.urlencode({"email": "suzie(at)example"}).encode())
    assert status == 422 and 'value="suzie(at)example"' in page and 'role="alert"' in page


def test_one_click_unsubscribe_is_answered_without_redirect(served: Served) -> None:
    link = f"{served.base}/en/newsletter/unsubscribe/{'a' * 26}"
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    status, _ = fetch(link, body, **{"Content-Type": "multipart/form-data; boundary=x"})
    assert status == 404  # an invented link; but neither 403 nor 415 nor a redirect
    assert fetch(link, b"List-Unsubscribe=One-Click")[0] == 404
