"""A person at the desk in a real browser, for tests."""

import re
from typing import Any

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
    page.set_default_timeout(15_000)
    give_authenticator(context, page)
    page.goto(link)
    page.fill("[name=name]", name)
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.click("main button")
    assert page.locator("h1").inner_text() == "Petitions"
    return page


def add_passkey(served: Served, page: Any) -> None:
    """Set up a passkey as the second factor."""
    page.goto(f"{served.desk}/account/security/webauthn/add/")
    page.fill("[name=name]", "Laptop")
    page.check("[name=passwordless]")
    page.click("main form button")
    page.wait_for_url("**/recovery-codes/")
