"""Run axe on every page × language × light and dark, 320 px wide. Expect no violation and no sideways scrolling.

Sideways scrolling is looked for in every direction of writing.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from sabal.pages import html
from sabal.pages.petition import petition
from sabal.pages.prepared import NAMES, prepared_page
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.form import MESSAGES, FormError, Mistakes

from .conftest import GUARDED, OPEN, Reader

CHROMIUM = os.environ.get("SABAL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: accessibility is NOT tested"),
]

PAGES = {
    "petition": "/{}/stop-forced-repatriation",
    "every field": "/{}/keep-the-orchard",
    "refused": "/{}/keep-the-orchard?refused",
    "closed": "/{}/closed-orchard",
    "growth": "/{}/keep-the-orchard/growth",
    "versions": "/{}/keep-the-orchard/versions",
    "sent": "/{}/stop-forced-repatriation/sent",
    "index": "/{}",
    "imprint": "/{}/imprint",
    "privacy": "/{}/privacy",
    "verify": "/{}/verify",
    "open receipt": f"/{{}}/receipt?{OPEN}",
    **{name: f"/{{}}/{name}?{GUARDED}" for name in NAMES},
}
NEWSLETTER: dict[str, dict[str, object]] = {
    "choose": {"newsletters": [("rivers", "River Friends", "en"), ("buses", "Night Bus League", "ko")]},
    "subscribe": {
        "key": "rivers",
        "name": "River Friends",
        "named": "en",
        "controller": "River Friends Ltd",
        "contact": "rivers@example.org",
        "others": True,
        "sentence": "Send me the newsletter.",
        "version": "0123456789abcdef",
        "wrong": {"email": "Enter your email address.", "consent": "Tick the box."},
    },
    "gone": {"offered": True},
    **{name: {"name": "River Friends", "named": "en"} for name in ("asked", "confirmed", "unsubscribed")},
}
REFUSED = Mistakes(
    {"email": "suzie@gmial.com", "display": "full"},
    (
        FormError("name", MESSAGES["no name"]),
        FormError("email", MESSAGES["suggest"]),
        FormError("country", MESSAGES["bad country"]),
        FormError("consent", MESSAGES["no consent"]),
        FormError("comment", MESSAGES["odd comment"]),
        FormError("display", MESSAGES["bad display"]),
    ),
    "gmail.com",
)


class QuietHandler(WSGIRequestHandler):
    """Answer requests without printing them."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site_url(reader: Reader, petitions: dict[int, PetitionSnapshot]) -> Iterator[str]:
    """Serve the pages over HTTP. The query asks for a refused form, or names the petition of a prepared page."""

    def front(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        language, name = path.split("/")[1], path.rpartition("/")[2]
        if query == "refused":
            answer = petition(petitions[OPEN], language, REFUSED, 422)
        elif query:
            answer = prepared_page(name, language, petitions[int(query)])
        else:
            answer = reader.get(path)
        start(f"{answer.status} .", [(name.decode(), value.decode()) for name, value in answer.headers])
        return [answer.body]

    server = make_server("127.0.0.1", 0, front, handler_class=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko", "zh-hans", "ja"])
def test_pages_have_no_accessibility_violation(
    site_url: str, language: str, scheme: Any, browser: Any
) -> None:
    faults: list[str] = []
    # The page's policy would block axe's script, which is not part of the page.
    page = browser.new_page(viewport={"width": 320, "height": 640}, color_scheme=scheme, bypass_csp=True)
    for name, path in PAGES.items():
        page.goto(site_url + path.format(language))
        faults += wide(page, name)
        faults += violations(page, name)
    for name, context in NEWSLETTER.items():
        answer = html.page(f"newsletter/{name}.html", context, language=language)
        page.set_content(answer.body.decode())
        faults += wide(page, name) + violations(page, name)
    page.context.close()
    assert not faults, "\n".join(faults)


# The petition's text may run the other way than the site's own words.
TURN = """([site, text]) => {
  document.documentElement.dir = site
  document.querySelectorAll("main [lang], article, table, form").forEach(part => { part.dir = text })
  return document.documentElement.scrollWidth
}"""


SCROLLS_INSIDE = """[...document.querySelectorAll(".sign, .sign *")].some(
  part => part.scrollHeight > part.clientHeight && getComputedStyle(part).overflowY == "auto")"""


@pytest.mark.slow
def test_on_a_laptop_the_button_is_reached_by_scrolling_the_page_alone(site_url: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 657})
    for language in ("en", "ko", "zh-hans", "ja"):
        for path in (PAGES["petition"], PAGES["every field"]):
            page.goto(site_url + path.format(language))
            inner = page.evaluate(SCROLLS_INSIDE)
            assert not inner
            page.mouse.move(200, 400)  # over the letter
            page.mouse.wheel(0, 1_200)
            page.wait_for_timeout(200)
            button = page.locator("#sign button").bounding_box()
            assert button and 0 <= button["y"] <= 657 - button["height"], (language, path, button)
    page.context.close()


@pytest.mark.slow
def test_the_keyboard_reaches_the_form_in_two_keys(site_url: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 657})
    page.goto(site_url + PAGES["petition"].format("en"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "name"
    page.context.close()


def wide(page: Any, name: str) -> list[str]:
    """Return a line for each direction of site and text in which the open page is wider than its window of 320 px."""
    found = []
    for directions in (("rtl", "rtl"), ("rtl", "ltr"), ("ltr", "rtl"), ("ltr", "ltr")):
        width = page.evaluate(TURN, directions)
        found += [f"{name}, {' '.join(directions)}: {width} px wide"] if width > 320 else []
    return found


def violations(page: Any, name: str) -> list[str]:
    """Return the violations that axe finds on the open page, one line each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{name}: {v['id']}: {v['nodes'][0]['html'][:120]}" for v in found]
