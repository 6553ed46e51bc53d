"""What a person typed is not lost in a real browser: the page is left, the session ends, somebody else saves."""

from collections.abc import Iterator
from typing import Any

import pytest

from desk_browser import add_passkey, assert_pages_fit, enter, invite
from desk_clients import PASSWORD
from served import SLUG, Served

pytestmark = [pytest.mark.slow, pytest.mark.browser]
UPDATES = f"/petitions/{SLUG}/updates"


@pytest.fixture(scope="module")
def olga(served_desk: Served, browser: Any) -> Iterator[Any]:
    page = enter(served_desk, browser)
    add_passkey(served_desk, page)
    page.on("dialog", lambda dialog: dialog.accept())  # "Leave the page?"
    yield page
    page.context.close()


def offer(page: Any) -> Any:
    return page.locator("[data-kept]:has(button)")


def test_what_was_typed_is_offered_again_and_is_gone_once_it_is_saved(olga: Any, served_desk: Served) -> None:
    new = f"{served_desk.desk}{UPDATES}/new"
    olga.goto(new)
    assert not offer(olga).is_visible()
    assert olga.locator("[name='body:en']").bounding_box()["height"] > 150, "no room for a text"
    olga.fill("[name='title:en']", "The council answered")
    olga.fill("[name='body:en']", "It says *no*.")
    olga.goto(f"{served_desk.desk}/")
    olga.goto(new)
    assert olga.input_value("[name='title:en']") == "" and offer(olga).is_visible()
    olga.click("[data-kept=use]")
    assert olga.input_value("[name='body:en']") == "It says *no*." and not offer(olga).is_visible()
    olga.click("[name=do][value=save]")
    olga.wait_for_url("**/updates/1/**")
    olga.goto(new)
    assert not offer(olga).is_visible(), "what was saved is offered again"


def test_it_survives_the_end_of_the_session(olga: Any, served_desk: Served) -> None:
    new = f"{served_desk.desk}{UPDATES}/new"
    olga.goto(new)
    olga.fill("[name='title:en']", "Written for an hour")
    cookies = olga.context.cookies()
    olga.context.clear_cookies()
    olga.click("[name=do][value=save]")
    olga.wait_for_load_state()
    assert not olga.url.endswith("/new") or olga.locator("[name='title:en']").count() == 0
    olga.context.add_cookies(cookies)  # she signs in again
    olga.goto(f"{served_desk.desk}/")
    olga.goto(new)
    olga.click("[data-kept=use]")
    assert olga.input_value("[name='title:en']") == "Written for an hour"


def test_it_can_be_deleted_and_a_refused_form_offers_nothing_twice(olga: Any, served_desk: Served) -> None:
    new = f"{served_desk.desk}{UPDATES}/new"
    olga.goto(new)
    olga.click("[data-kept=drop]")
    olga.goto(new)
    assert not offer(olga).is_visible()
    olga.fill("[name='body:en']", "A text without a title.")
    olga.click("[name=do][value=save]")
    olga.locator("[role=alert]").wait_for()
    assert olga.input_value("[name='body:en']") == "A text without a title." and not offer(olga).is_visible()


def test_putting_back_never_overwrites_what_somebody_else_saved(olga: Any, served_desk: Served) -> None:
    edit = f"{served_desk.desk}{UPDATES}/1"
    olga.goto(edit)
    olga.fill("[name='title:en']", "Mine")
    olga.goto(f"{served_desk.desk}/")
    other = olga.context.new_page()
    other.goto(edit)
    other.fill("[name='title:en']", "Theirs")
    other.click("[name=do][value=save]")
    other.wait_for_url("**/updates/1/**")
    other.close()
    olga.goto(edit)
    assert olga.input_value("[name='title:en']") == "Theirs"
    olga.click("[data-kept=use]")
    olga.click("[name=do][value=save]")
    assert "Somebody else changed this update" in olga.locator("[role=alert]").inner_text()
    assert olga.input_value("[name='title:en']") == "Mine"


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ko", "dark")])
def test_the_offer_fits_a_phone(olga: Any, served_desk: Served, language: str, scheme: str) -> None:
    olga.goto(f"{served_desk.desk}{UPDATES}/new")
    olga.fill("[name='title:en']", "Kept")
    assert_pages_fit(olga, served_desk.desk, [f"{served_desk.desk}{UPDATES}/new"], language, scheme)
    olga.goto(f"{served_desk.desk}{UPDATES}/new")
    assert offer(olga).is_visible()


def test_the_next_person_in_the_window_is_not_offered_what_somebody_else_typed(
    olga: Any, served_desk: Served
) -> None:
    """Olga's session ends by itself; Max signs in at the same computer."""
    link = invite(served_desk, olga, "max@example.org", "site", "editor")
    olga.goto(f"{served_desk.desk}{UPDATES}/new")
    olga.fill("[name='title:en']", "Typed by Olga")
    cookies = olga.context.cookies()
    olga.context.clear_cookies()
    olga.goto(link)
    assert "Typed by Olga" in kept(olga), "who comes is not known yet; it may be Olga"
    olga.fill("[name=name]", "Max")
    olga.fill("[name=password1]", PASSWORD)
    olga.fill("[name=password2]", PASSWORD)
    olga.click("main button")
    olga.wait_for_selector("footer [action='/account/logout/']")
    assert "Typed by Olga" not in kept(olga)
    olga.context.clear_cookies()
    olga.context.add_cookies(cookies)


def test_signing_out_deletes_it(olga: Any, served_desk: Served) -> None:
    """Somebody else may use this computer next."""
    olga.goto(f"{served_desk.desk}{UPDATES}/new")
    olga.fill("[name='title:en']", "Not for the next person")
    assert "Not for the next person" in kept(olga)
    olga.click("text=Sign out")
    olga.wait_for_load_state()
    assert "Not for the next person" not in kept(olga)


def kept(page: Any) -> str:
    return str(page.evaluate("JSON.stringify({...sessionStorage})"))
