"""A translator in a real browser: invited, sees only the languages, translates on a phone, loses the connection."""

from collections.abc import Iterator
from typing import Any

import pytest

from desk_browser import add_passkey, assert_pages_fit, enter, speak
from desk_clients import KOREAN, LETTER
from served import Served

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def carol(served_desk: Served, browser: Any) -> Iterator[Any]:
    """Yield the window of Carol, who owns the site, has a passkey and has made a draft."""
    page = enter(served_desk, browser, "Carol")
    add_passkey(served_desk, page)
    page.goto(f"{served_desk.desk}/organisations")
    page.fill("[name=name]", "Sparrow House")
    page.click("main form button")
    page.goto(f"{served_desk.desk}/new")
    page.fill("[name=text]", LETTER)
    page.click("[name=read]")
    page.click("[name=make]")
    page.wait_for_url("**/petitions/the-night-bus-must-stay")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def max_(carol: Any, served_desk: Served, browser: Any) -> Iterator[Any]:
    """Yield the window of Max on a phone, whom Carol invites to translate one petition into a new language."""
    carol.goto(f"{served_desk.desk}/people/invite")
    carol.fill("[name=email]", "max@example.org")
    assert carol.is_checked("[value='petition:the-night-bus-must-stay']"), "the narrowest place comes first"
    assert not carol.locator("main [name=language]").is_visible()
    carol.check("[value=translator]")
    carol.select_option("main [name=language]", "ko")
    carol.click("main form button")
    link = carol.locator("code.copy").inner_text()
    carol.context.grant_permissions(["clipboard-read", "clipboard-write"])
    carol.click("[data-copy]")
    carol.locator("[data-copy]:has-text('Copied')").wait_for()
    assert carol.evaluate("navigator.clipboard.readText()") == link
    page = enter(
        served_desk,
        browser,
        "Max",
        link,
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
    )
    assert page.url.endswith("/the-night-bus-must-stay/languages/ko"), "the work begins elsewhere"
    assert page.get_attribute("html", "lang") == "ko"
    speak(page, served_desk.desk, "en")
    yield page
    page.context.close()


def said(page: Any) -> Any:
    return page.locator("[data-said]")


def test_a_translator_translates_and_sees_nothing_else(max_: Any, carol: Any, served_desk: Served) -> None:
    draft = f"{served_desk.desk}/petitions/the-night-bus-must-stay"
    max_.click("table a")
    assert max_.url == f"{draft}/languages/ko"
    max_.fill("[name='text:title']", KOREAN["title"])
    max_.wait_for_selector("[data-said]:has-text('Saved at')")
    assert max_.locator("[data-text=progress]").inner_text() == "3 of 13"
    assert not max_.locator("#piece-title .state").is_visible()
    assert max_.locator("#piece-summary .state").inner_text() == "Missing"
    source, field = (max_.locator(f"#piece-title {one}").bounding_box() for one in (".source", ".field"))
    assert source["x"] == field["x"] and source["y"] < field["y"], "the two texts are not stacked on a phone"

    max_.context.set_offline(True)
    max_.fill("[name='text:summary']", KOREAN["summary"])
    max_.wait_for_selector("[data-said]:has-text('No connection')")
    assert max_.input_value("[name='text:summary']") == KOREAN["summary"]
    max_.context.set_offline(False)
    max_.wait_for_selector("[data-said]:has-text('Saved at')")
    assert max_.locator("[data-text=progress]").inner_text() == "4 of 13"

    for path in ("", "/terms", "/text/en", "/key", "/publish", "/revisions", "/languages/add"):
        assert max_.request.get(f"{draft}{path}").status == 403, path
    for path in ("/people", "/history", "/organisations", "/new"):
        assert max_.request.get(f"{served_desk.desk}{path}").status == 403, path

    for key, text in KOREAN.items():
        max_.fill(f"[name='text:{key}']", text)
    max_.click(".savebar button")
    max_.wait_for_selector("text=The language is complete")

    carol.goto(f"{draft}/languages")
    assert "13 of 13" in carol.locator("tbody").inner_text()
    carol.click("tbody >> text=Preview")
    frame = carol.frame_locator("iframe")
    assert frame.locator("h1").inner_text() == KOREAN["title"]
    assert frame.locator("html").get_attribute("lang") == "ko"


def test_two_people_in_one_piece(max_: Any, carol: Any, served_desk: Served) -> None:
    path = f"{served_desk.desk}/petitions/the-night-bus-must-stay/languages/ko"
    max_.goto(path)
    carol.goto(path)
    carol.fill("[name='text:title']", "캐럴의 제목")
    carol.wait_for_selector("[data-said]:has-text('Saved at')")
    max_.fill("[name='text:title']", "막스의 제목")
    max_.wait_for_selector("[data-said].error:has-text('Somebody else changed a piece')")
    max_.click(".savebar button")
    assert "캐럴의 제목" in max_.locator(".theirs").inner_text()
    assert max_.input_value("[name='text:title']") == "막스의 제목"
    max_.fill("[name='text:title']", KOREAN["title"])
    max_.wait_for_selector("[data-said]:has-text('Saved at')")
    carol.goto(path)
    assert carol.input_value("[name='text:title']") == KOREAN["title"]


def test_a_table_goes_out_and_comes_back(carol: Any, served_desk: Served) -> None:
    carol.goto(f"{served_desk.desk}/petitions/the-night-bus-must-stay/languages/ko/table")
    with carol.expect_download() as download:
        carol.click("text=As CSV")
    filled = (
        download.value.path().read_text("utf-8-sig").replace(KOREAN["demand-2"], "승객 수를 매달 공개할 것")
    )
    carol.set_input_files(
        "[name=file]", {"name": "ko.csv", "mimeType": "text/csv", "buffer": filled.encode()}
    )
    carol.click("main form button")
    assert "1 piece changes." in carol.locator("main").inner_text()
    carol.click("text=Save the ticked changes")
    assert carol.input_value("[name='text:demand-2']") == "승객 수를 매달 공개할 것"


def test_the_text_saves_itself_and_its_history_is_there(carol: Any, served_desk: Served) -> None:
    draft = f"{served_desk.desk}/petitions/the-night-bus-must-stay"
    carol.goto(f"{draft}/text/en")
    for title in ("The night bus has to stay", "The night bus has to stay here"):
        carol.fill("[name=title]", title)
        carol.wait_for_selector("[data-said]:has-text('Saved at')")
    carol.click("main form button:has-text('Save')")
    carol.goto(f"{draft}/languages/ko")
    assert "Older than its source" in carol.locator("#piece-title").inner_text()
    carol.check("[name='right:title']")
    carol.click(".savebar button")
    assert "Older than its source" not in carol.locator("#piece-title").inner_text()
    carol.goto(f"{draft}/revisions")
    carol.click("tbody a >> nth=0")
    carol.wait_for_load_state()
    assert carol.locator("ins").count() >= 1
    carol.goto(f"{draft}/revisions")
    carol.click("tbody a >> nth=1")
    carol.click("main form >> text=Restore")
    assert "Restored" in carol.locator("[role=status]").first.inner_text()


def test_without_script_everything_is_still_there(carol: Any, served_desk: Served, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=carol.context.storage_state())
    page = context.new_page()
    page.goto(f"{served_desk.desk}/petitions/the-night-bus-must-stay/languages/ko")
    page.fill("[name='text:summary']", "스크립트 없이 쓴 요약입니다.")
    page.click(".savebar button")
    assert page.input_value("[name='text:summary']") == "스크립트 없이 쓴 요약입니다."
    assert "Saved" in page.locator("[role=status]").first.inner_text()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_at_every_width(carol: Any, served_desk: Served, language: str, scheme: str) -> None:
    """No sideways scroll at 320 px, one heading, and nothing that axe finds."""
    draft = f"{served_desk.desk}/petitions/the-night-bus-must-stay"
    carol.request.post(f"{draft}/languages/add")  # no token: refused, and nothing changes
    carol.goto(f"{draft}/revisions")
    revision = carol.locator("tbody a").nth(1).get_attribute("href")
    pages = ("languages", "languages/add?q=ar", "languages/ko", "languages/ko/table", "languages/ko/remove")
    addresses = [f"{draft}/{path}" for path in (*pages, "preview?language=ko", "revisions")]
    assert_pages_fit(carol, served_desk.desk, [*addresses, f"{served_desk.desk}{revision}"], language, scheme)
