"""A petition is written from nothing to a complete check list, with the keyboard alone, with and without script."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import agefile
from desk_clients import PASSWORD, give_authenticator
from sabal.petitions import folder
from sabal.petitions.definition import Text
from sabal.petitions.folderzip import as_zip, from_zip
from served import Served

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def signed_in(served_desk: Served, browser: Any) -> Iterator[Any]:
    """Yield the window of Carol, who owns the site, has a passkey, and has added her organisation."""
    link = re.search(r"http://\S+/welcome/(\S+)", served_desk.output.read_text())
    assert link, "the server printed no link to its desk"
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.set_default_timeout(30_000)
    give_authenticator(context, page)
    page.goto(f"{served_desk.desk}/welcome/{link[1]}")
    page.fill("[name=name]", "Carol")
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.click("main button")
    page.goto(f"{served_desk.desk}/account/security/webauthn/add/")
    page.fill("[name=name]", "Laptop")
    page.click("main form button")
    page.wait_for_url("**/recovery-codes/")
    page.goto(f"{served_desk.desk}/organisations")
    page.fill("[name=name]", "Sparrow House")
    page.click("main form button")
    yield page
    context.close()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def carol(request: pytest.FixtureRequest, signed_in: Any, browser: Any) -> Iterator[Any]:
    """Yield a window in which Carol is signed in, with or without script."""
    context = browser.new_context(
        viewport={"width": 1366, "height": 768},
        java_script_enabled=request.param,
        storage_state=signed_in.context.storage_state(),
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.with_script = request.param
    yield page
    context.close()


def press(page: Any, button: str) -> None:
    """Press a button with the keyboard, and wait for what it does."""
    page.locator(f"#edit button[value='{button}']").focus()
    if page.with_script and button not in ("save", "preview"):
        with page.expect_response(
            lambda answer: answer.request.method == "POST" and "x-autosave" not in answer.request.headers
        ):
            page.keyboard.press("Enter")
        page.locator("[inert]").wait_for(state="detached")
    else:
        with page.expect_navigation():
            page.keyboard.press("Enter")


def write(page: Any, field: str, text: str) -> None:
    page.locator(f"[name='{field}']").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def focused(page: Any) -> str:
    """Return the button or field that has the focus."""
    page.locator(":focus").wait_for()
    it = page.locator(":focus")
    return it.get_attribute("value") or it.get_attribute("name") or ""


def test_from_nothing_to_a_complete_list(carol: Any, served_desk: Served, tmp_path: Path) -> None:
    page, desk = carol, served_desk.desk
    identity = agefile.generate()
    page.goto(f"{desk}/new/blank")
    write(page, "title", f"Keep the bus {page.with_script}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/text/en")
    draft = page.url.removesuffix("/text/en")

    write(page, "summary", "We ask the council to keep the night bus.")
    press(page, "add:section")
    assert focused(page) == "section-0-heading"
    page.keyboard.type("Background")
    write(page, "section-0-body", "The last bus *leaves* at nine.")
    write(page, "demand-0-text", "Keep it")
    press(page, "add:demand")
    assert focused(page) == "demand-1-text"
    page.keyboard.type("Every hour")
    press(page, "nest:demand:1")
    assert focused(page) == "nest:demand:1"
    press(page, "part:demand:0")
    assert focused(page) == "demand-2-text"
    page.keyboard.type("At the hospital")
    press(page, "up:demand:2")
    assert focused(page) == "up:demand:1", "the focus must stay with the row that moved"
    press(page, "add:demand")
    page.keyboard.type("Publish the numbers")
    press(page, "up:demand:3")
    assert focused(page) == "up:demand:0"
    press(page, "remove:demand:0")
    assert focused(page) == "undo"
    press(page, "undo")
    assert page.locator("[name='demand-0-text']").input_value() == "Publish the numbers"
    shown = page.frame_locator(".frame iframe:not(.waiting)")
    if page.with_script:
        shown.locator("text=At the hospital").wait_for()  # the preview follows by itself
    else:
        page.locator(".side-bar button").first.focus()
        page.keyboard.press("Enter")
    shown.locator("em:text('leaves')").wait_for()
    press(page, "save")
    assert "Saved." in page.locator("main").inner_text()
    assert page.locator("[name='demand-2-text']").input_value() == "At the hospital"

    page.goto(f"{draft}/recipients")
    write(page, "recipient-0-name:en", "The Bus Company")
    press(page, "add:recipient")
    assert focused(page) == "recipient-1-name:en"
    page.keyboard.type("The Town Council")
    press(page, "up:recipient:1")
    assert focused(page) == "up:recipient:0"
    press(page, "save")

    page.goto(f"{draft}/terms")
    page.locator("[name=profile][value=open]").focus()
    page.keyboard.press("Space")
    for field, text in (
        ("organiser:en", "Friends of the night bus"),
        ("name:en", "Friends of the night bus e.V."),
        ("address:en", "Hill Road 1"),
        ("privacy_contact", "privacy@example.org"),
    ):
        write(page, field, text)
    page.fill("[name=retention]", "2030-01-31")
    press(page, "save")
    page.goto(draft)
    assert page.locator(".checks .open").count() == 2, page.locator(".checks").inner_text()

    page.goto(f"{draft}/key")
    page.fill("[name=key]", str(identity.recipient))
    page.click("main form button >> nth=0")
    with page.expect_download() as download:
        page.click("form[action$=check-file] button")
    download.value.save_as(tmp_path / "check.age")
    page.fill("[name=code]", agefile.decrypt((tmp_path / "check.age").read_bytes(), [identity]).decode())
    page.click("form[action$=code] button")
    page.goto(draft)
    assert page.locator(".checks .open").count() == 0

    page.goto(f"{draft.replace('/petitions/', '/en/')}")
    letter = page.locator("body").inner_text()
    places = [letter.index(text) for text in ("The Town Council", "The Bus Company")]
    places += [
        letter.index(text) for text in ("Publish the numbers", "Keep it", "At the hospital", "Every hour")
    ]
    assert places == sorted(places), "the order of the page is not that of the editor"


@pytest.mark.parametrize("carol", [True], indirect=True, ids=["script"])
def test_a_page_with_unsaved_changes_asks_before_it_is_left(carol: Any, served_desk: Served) -> None:
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    carol.on("dialog", stay)
    carol.goto(f"{served_desk.desk}/new/blank")
    write(carol, "title", "Another bus")
    carol.keyboard.press("Enter")
    carol.wait_for_url("**/text/en")
    editor = carol.url
    carol.locator("[name=summary]").click()
    carol.keyboard.type("Unsaved")
    carol.goto(f"{served_desk.desk}/")
    assert asked == ["beforeunload"]
    # Not back: the text may have saved itself on the way, and the old page would be behind it.
    carol.goto(editor)
    carol.locator("[name=summary]").click()
    carol.keyboard.type("Saved now")
    press(carol, "save")
    carol.goto(f"{served_desk.desk}/")
    assert asked == ["beforeunload"]


def test_on_a_phone_the_preview_is_behind_a_button(carol: Any, served_desk: Served) -> None:
    carol.set_viewport_size({"width": 360, "height": 740})
    carol.goto(f"{served_desk.desk}/new/blank")
    write(carol, "title", "The bus on a phone")
    carol.keyboard.press("Enter")
    carol.wait_for_url("**/text/en")
    assert not carol.locator(".side").is_visible()
    write(carol, "summary", "What I typed on a phone")
    with carol.context.expect_page() as opened:
        carol.click(".narrow-only")
    opened.value.locator("text=What I typed on a phone").first.wait_for()
    assert carol.locator("[name=summary]").input_value() == "What I typed on a phone"


@pytest.mark.parametrize("carol", [True], indirect=True, ids=["script"])
def test_rows_that_move_while_the_page_saves_itself(carol: Any, served_desk: Served, tmp_path: Path) -> None:
    """Other languages follow each move once, whatever was saved in between."""
    example = folder.read(Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation")
    (tmp_path / "example.zip").write_bytes(as_zip(example))
    carol.goto(f"{served_desk.desk}/new/folder")
    carol.set_input_files("[name=file]", tmp_path / "example.zip")
    carol.click("main form button")
    draft = carol.url
    carol.goto(f"{draft}/text/en")
    for field, button in (("demand-3-text", "up:demand:3"), ("demand-1-text", "down:demand:0")):
        carol.locator(f"[name={field}]").press("Control+End")
        carol.keyboard.type(" now")
        press(carol, button)
        carol.locator("[data-said]:not(:empty)").filter(has_text=re.compile(r"\d:\d\d")).wait_for()
    press(carol, "up:demand:6")
    press(carol, "save")
    zipped = carol.context.request.get(f"{draft}/folder.zip").body()
    found = folder.parse(from_zip(zipped, "x.zip")).texts
    before = folder.parse(example).texts
    pairs = dict(zip(words(before["en"]), words(before["ko"]), strict=True))
    now = [text.removesuffix(" now") for text in words(found["en"])]
    assert now != words(before["en"]) and sorted(now) == sorted(pairs)
    assert words(found["ko"]) == [pairs[text] for text in now], "a demand has the translation of another"


def words(text: Text) -> list[str]:
    return [one.text for demand in text.demands for one in (demand, *demand.parts)]


@pytest.mark.parametrize("first", [0, 1], ids=["in turn", "overtaken"])
def test_a_slow_preview_never_stays_over_a_later_one(signed_in: Any, served_desk: Served, first: int) -> None:
    """Carol types on while the server still makes the preview of what she typed before."""
    page, held = signed_in, []

    def hold(route: Any) -> None:
        if route.request.method == "POST" and "x-autosave" not in route.request.headers:
            held.append(route)
        else:
            route.continue_()

    page.goto(f"{served_desk.desk}/new/blank")
    page.fill("[name=title]", f"A slow server {first}")
    page.keyboard.press("Enter")
    page.locator("#edit [name=summary]").wait_for()
    page.route("**/*", hold)
    for number, words in enumerate(("First words", "Second words"), 1):
        page.fill("#edit [name=summary]", words)
        page.keyboard.press("Tab")
        for _ in range(100):
            if len(held) == number:
                break
            page.wait_for_timeout(100)
        assert len(held) == number
    held[first].continue_()
    page.frame_locator(".frame iframe:not(.waiting)").locator("text=words").first.wait_for()
    if first == 0:
        held[1].continue_()
    page.frame_locator(".frame iframe:not(.waiting)").locator("text=Second words").first.wait_for()
    assert page.locator(".frame iframe").count() == 1
    page.unroute("**/*")
