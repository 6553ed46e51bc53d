"""A person at the desk in a real browser, for tests."""

import json
import re
from collections.abc import Iterable
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from desk_clients import PASSWORD, give_authenticator
from served import Served


def enter(served: Served, browser: Any, name: str = "Olga", link: str = "", **options: Any) -> Any:
    """Return the window of a person who came in with a link, by default the one that the server printed.

    The person has a fingerprint reader. `options` are those of a context of Playwright.
    """
    if not link:
        printed = re.search(r"http://\S+/welcome/(\S+)", served.output.read_text())
        assert printed, "the server printed no link to its desk"
        link = f"{served.desk}/welcome/{printed[1]}"
    context = browser.new_context(**{"viewport": {"width": 1366, "height": 768}, **options})
    page = context.new_page()
    page.set_default_timeout(30_000)
    give_authenticator(context, page)
    page.goto(link)
    page.fill("[name=name]", name)
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.click("main button")
    page.wait_for_selector("footer [action='/account/logout/']")
    return page


def add_passkey(served: Served, page: Any) -> None:
    """Set up a passkey as the second factor."""
    page.goto(f"{served.desk}/account/security/webauthn/add/")
    page.fill("[name=name]", "Laptop")
    page.click("main form button")
    page.wait_for_url("**/recovery-codes/")


def invite(served: Served, page: Any, email: str, place: str, role: str) -> str:
    """Invite somebody on the desk, and return the link. `place` is "site", "organisation:KEY" or "petition:SLUG"."""
    page.goto(f"{served.desk}/people/invite")
    page.fill("[name=email]", email)
    page.check(f"[value='{place}']")
    page.check(f"[value={role}]")
    page.click("main form button")
    return str(page.locator("code.copy").inner_text())


MENUS_ARE_LINES = """[...document.querySelectorAll(".top nav, .menu")].every((menu) => {
  const here = menu.querySelector("[aria-current]")?.getBoundingClientRect();
  return menu.offsetHeight < 60 && (!here || (here.left >= 0 && here.right <= innerWidth));
})"""


def assert_pages_fit(
    page: Any, desk: str, addresses: Iterable[str], language: str, scheme: str, *, frames: bool = False
) -> None:
    """Assert that pages have no sideways scroll at 320 px, one heading, and nothing that axe finds.

    What is folded is opened. `frames` is whether axe looks into frames too. At the end the window is as it was.
    """
    page.emulate_media(color_scheme=scheme)
    speak(page, desk, language)
    for address in addresses:
        for width in (320, 1366):
            page.set_viewport_size({"width": width, "height": 768})
            page.goto(address)
            page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)
            if width == 320:  # each menu is one line, and shows where the person is
                assert page.evaluate(MENUS_ARE_LINES), address
        assert page.locator("h1").count() == 1, address
        found = Axe().run(page, options={"iframes": frames}).response["violations"]
        assert not found, (
            address,
            json.dumps([(one["id"], one["nodes"][0]["html"]) for one in found], indent=1),
        )
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1366, "height": 768})
    speak(page, desk, "en")


def speak(page: Any, desk: str, language: str) -> None:
    """Choose the language of the desk."""
    page.goto(f"{desk}/")
    page.click(f"footer [value={language}]")
