"""Deliveries in a real browser: Olga records a delivery, an answer and what it means; the public page shows it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from delivery.files import hostile_pdf, photo
from desk_browser import add_passkey, assert_pages_fit, enter
from journey.signer import wait_for
from served import SLUG, Served

pytestmark = [pytest.mark.slow, pytest.mark.browser]
DESK = f"/petitions/{SLUG}/answers"


@pytest.fixture(scope="module")
def olga(served_desk: Served, browser: Any) -> Iterator[Any]:
    page = enter(served_desk, browser)
    add_passkey(served_desk, page)
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def recorded(served_desk: Served, olga: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Olga follows what each page says comes next, from the delivery to the state of two demands."""
    folder = tmp_path_factory.mktemp("proofs")
    (folder / "receipt.jpg").write_bytes(photo(size=(1200, 900)))
    (folder / "answer.pdf").write_bytes(hostile_pdf())
    olga.goto(f"{served_desk.desk}/petitions/{SLUG}")
    olga.click('nav.menu >> text="Deliveries and answers"')
    olga.click("text=Record a delivery – The Office of the United Nations High Commissioner", timeout=15_000)
    olga.fill("[name=day]", "2026-03-14")
    olga.select_option("[name=way]", "hand")
    olga.fill("[name=by]", "Carol")
    olga.set_input_files("[name=proof]", folder / "receipt.jpg")
    olga.fill("[name=caption]", "The receipt, with the stamp of the registry")
    olga.check("[name=seen_by][value=public]")
    olga.click("main form button:not([data-kept])")
    olga.click("text=Record something else")
    olga.click("ul.kinds >> text=Record an answer")
    olga.fill("[name=day]", "2026-05-28")
    olga.select_option("[name=language]", "fr")
    olga.fill("[name=answer]", "Nous en avons pris note.")
    olga.fill("[name='words:en']", "We have taken note of it.")
    olga.set_input_files("[name=proof]", folder / "answer.pdf")
    olga.click("main form button:not([data-kept])")
    assert "Progress of the demands" in olga.locator("h1").inner_text()
    olga.check("[name=demands][value=demand-1-2]")
    olga.check("[name=demands][value=demand-4-1]")
    olga.check("[name=state][value=promised]")
    olga.fill("[name='words:en']", "It says so in its answer.")
    olga.click("main form button:not([data-kept])")
    assert olga.locator(".message.done").inner_text().startswith("It is recorded.")
    return folder


@pytest.fixture(scope="module")
def suzie(browser: Any) -> Iterator[Any]:
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    page.set_default_timeout(30_000)
    yield page
    page.context.close()


def test_the_public_page_shows_what_olga_recorded(served_desk: Served, recorded: Path, suzie: Any) -> None:
    suzie.goto(f"{served_desk.base}/en/{SLUG}")
    promised = suzie.locator("#demand-4-1 .where:has-text('Promised: 1')")
    wait_for(lambda: suzie.reload() and promised.count())
    suzie.click("#demand-4-1 .where")
    cell = suzie.locator("#demand-4-1-unhcr")
    assert suzie.url.endswith("/progress#demand-4-1") and "Promised, 28 May 2026" in cell.inner_text()
    assert not cell.locator("text=It says so in its answer.").is_visible()
    cell.locator("summary").click()
    assert cell.locator("text=It says so in its answer.").is_visible()
    cell.locator("text=Source").click()
    assert "#step-" in suzie.url
    picture = suzie.locator("figure.proof img")
    picture.scroll_into_view_if_needed()
    wait_for(lambda: picture.evaluate("one => one.complete && one.naturalWidth === 1200"))
    assert suzie.locator("text=(PDF").count() == 0  # the answer's file is for the team alone
    suzie.click("text=Translated by us")
    assert suzie.locator("text=Nous en avons pris note.").is_visible()


def test_only_the_team_sees_its_proof(served_desk: Served, olga: Any, recorded: Path, suzie: Any) -> None:
    olga.goto(f"{served_desk.desk}{DESK}/to/unhcr")
    assert olga.locator("text=Only your team sees it.").count() == 1
    link = olga.locator("a:has-text('(PDF')")
    with olga.expect_download() as download:
        link.click()
    assert b"SECRET-OF-THE-AUTHOR" not in Path(download.value.path()).read_bytes()
    answer = suzie.goto(f"{served_desk.desk}{link.get_attribute('href')}")
    assert answer.status == 200 and "/account/login/" in suzie.url


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ko", "dark")])
def test_the_pages_of_the_desk_fit_a_phone(
    served_desk: Served, olga: Any, recorded: Path, language: str, scheme: str
) -> None:
    paths = (
        "",
        "/earlier",
        "/to/unhcr",
        "/to/unhcr/add/answered",
        "/to/china/add/asked",
        "/to/unhcr/demands",
    )
    pages = [
        f"{served_desk.desk}{DESK}{path}" for path in (*paths, "/steps/1", "/steps/1/proof", "/demands/1")
    ]
    assert_pages_fit(olga, served_desk.desk, pages, language, scheme)


@pytest.mark.parametrize("language", ["en", "ko", "zh-hans", "ja"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_public_page_fits_a_phone(
    served_desk: Served, recorded: Path, suzie: Any, language: str, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    suzie.emulate_media(color_scheme=scheme)
    for path in (f"/{language}/{SLUG}/progress", f"/{language}/{SLUG}"):
        for width in (320, 768, 1366):
            suzie.set_viewport_size({"width": width, "height": 900})
            suzie.goto(f"{served_desk.base}{path}")
            suzie.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
            assert suzie.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            found = Axe().run(suzie).response["violations"]
            assert not found, [(one["id"], one["nodes"][0]["html"]) for one in found]
