"""Forms of other sites in a real browser: a hidden frame cannot sign, and a visible form is shown again on our page."""

import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from served import CHROMIUM, SLUG, Served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: forms of other origins are not tried in a browser"),
]

# Submit it after a moment: Playwright does not see the requests that a frame sends at once.
FORM = """<form method=post target={target} action="{site}/en/{slug}/sign">
<input name=name value="Suzie"><input name=email value="suzie@example.org"><input name=consent value=1></form>
<script>setTimeout(() => document.forms[0].submit(), 500)</script>"""


@pytest.fixture
def eves_site(served: Served) -> Iterator[str]:
    """Yield a site of another origin: / has a sandboxed frame that submits a form, /form submits the form itself."""
    form = FORM.format(site=served.base, slug=SLUG, target="_self")

    class Eve(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            frame = form.replace('"', "&quot;")
            page = (
                form
                if self.path == "/form"
                else f'<iframe sandbox="allow-forms allow-scripts" srcdoc="{frame}"></iframe>'
            )
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Eve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()


def test_a_sandboxed_frame_is_refused(served: Served, eves_site: str, browser: Any) -> None:
    page = browser.new_page()
    sent: list[str] = []
    statuses: list[int] = []
    page.on(
        "request", lambda r: sent.append(r.headers.get("origin", "")) if r.url.endswith("/sign") else None
    )
    page.on("response", lambda r: statuses.append(r.status) if r.url.endswith("/sign") else None)
    page.goto(eves_site)
    deadline = time.monotonic() + 30
    while not sent and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    page.wait_for_timeout(2_000)
    assert len(sent) == 1, "the frame sent nothing, so this test proves nothing"
    # Not every Chromium reports the status of an answer that must not be shown in a frame.
    assert set(statuses) <= {403}
    page.context.close()
    assert not list((served.data / "mail").glob("[0-9]*.eml"))


def test_a_form_from_another_site_is_shown_again_and_one_button_signs(
    served: Served, eves_site: str, browser: Any
) -> None:
    page = browser.new_page()
    page.goto(f"{eves_site}/form")
    page.wait_for_url(f"{served.base}/en/{SLUG}/sign")
    assert page.locator("#name").input_value() == "Suzie"
    assert page.locator("#email").input_value() == "suzie@example.org"
    assert not list((served.data / "mail").glob("[0-9]*.eml"))
    page.locator("#sign button").click()
    page.wait_for_url(f"**/en/{SLUG}/sent")
    page.context.close()
