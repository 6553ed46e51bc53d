"""A translator in a real browser: invited, sees only the languages, translates on a phone, loses the connection."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from desk_browser import add_passkey, enter
from desk_clients import LETTER
from served import Served

pytestmark = [pytest.mark.slow, pytest.mark.browser]
KOREAN = {
    "title": "심야버스를 지켜 주십시오",
    "summary": "심야버스를 유지해 주십시오.",
    "subject": "힐로드행 심야버스",
    "section-1-heading": "배경",
    "section-1": "새벽 한 시 버스는 병원 간호사들이 집에 갈 수 있는 유일한 길입니다.",
    "demands-heading": "우리의 요구",
    "demand-1": "2030년까지 버스를 유지할 것",
    "demand-2": "승객 수를 공개할 것",
    "sign_invitation": "아래에 서명해 주십시오.",
    "purpose": "의회에 알리기 위함입니다.",
    "recipient-the-town-council": "시의회",
}


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
    """Yield the window of Max on a phone, whom Carol invites to translate one petition into a language she adds."""
    carol.goto(f"{served_desk.desk}/petitions/the-night-bus-must-stay")
    carol.click("main >> text=Languages")
    carol.click("text=Add a language")
    carol.fill("[name=q]", "Korean")
    carol.click("main form[role=search] button")
    carol.click("[name=language][value=ko]")
    assert "한국어" in carol.locator("h1").inner_text()

    carol.goto(f"{served_desk.desk}/people/invite")
    carol.fill("[name=email]", "max@example.org")
    carol.select_option("[name=place]", label="Only the petition the-night-bus-must-stay")
    carol.check("[value=translator]")
    carol.click("main form button")
    link = carol.locator("code.copy").inner_text()
    page = enter(
        served_desk,
        browser,
        "Max",
        link,
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
    )
    yield page
    page.context.close()


def said(page: Any) -> Any:
    return page.locator("[data-said]")


def test_a_translator_translates_and_sees_nothing_else(max_: Any, carol: Any, served_desk: Served) -> None:
    draft = f"{served_desk.desk}/petitions/the-night-bus-must-stay"
    max_.click("table a")
    assert max_.url == f"{draft}/languages"
    max_.click("table a >> nth=0")
    max_.fill("[name='text:title']", KOREAN["title"])
    max_.wait_for_selector("[data-said]:has-text('Saved at')")
    assert max_.locator("[data-text=progress]").inner_text() == "1 of 11"
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
    assert max_.locator("[data-text=progress]").inner_text() == "2 of 11"

    for path in ("", "/terms", "/text/en", "/key", "/publish", "/revisions", "/languages/add"):
        assert max_.request.get(f"{draft}{path}").status == 403, path
    for path in ("/people", "/history", "/organisations", "/new"):
        assert max_.request.get(f"{served_desk.desk}{path}").status == 403, path

    for key, text in KOREAN.items():
        max_.fill(f"[name='text:{key}']", text)
    max_.click(".savebar button")
    max_.wait_for_selector("text=The language is complete")

    carol.goto(f"{draft}/languages")
    assert "11 of 11" in carol.locator("tbody").inner_text()
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
    carol.emulate_media(color_scheme=scheme)
    carol.goto(f"{served_desk.desk}/")
    carol.click(f"footer [value={language}]")
    carol.request.post(f"{draft}/languages/add")  # no token: refused, and nothing changes
    number = carol.goto(f"{draft}/revisions") and carol.locator("tbody a").nth(1).get_attribute("href")
    for path in (
        f"{draft}/languages",
        f"{draft}/languages/add?q=ar",
        f"{draft}/languages/ko",
        f"{draft}/languages/ko/table",
        f"{draft}/languages/ko/remove",
        f"{draft}/preview?language=ko",
        f"{draft}/revisions",
        f"{served_desk.desk}{number}",
    ):
        for width in (320, 1366):
            carol.set_viewport_size({"width": width, "height": 768})
            carol.goto(path)
            assert carol.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        assert carol.locator("h1").count() == 1, path
        found = Axe().run(carol, options={"iframes": False}).response["violations"]
        assert not found, (
            path,
            json.dumps([(one["id"], one["nodes"][0]["html"]) for one in found], indent=1),
        )
    carol.emulate_media(color_scheme="light")
    carol.goto(f"{served_desk.desk}/")
    carol.click("footer [value=en]")
