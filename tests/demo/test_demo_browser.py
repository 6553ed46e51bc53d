"""A newcomer looks at a living site: every page with numbers, in each language, light and dark, wide and narrow."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import POSTGRESQL, running
from desk_browser import assert_pages_fit, enter
from sabal.settings import DEV_SWITCH
from served import Served, wait_for_page

pytestmark = [pytest.mark.slow, pytest.mark.browser]
DESK = (
    "/",
    "/petitions/demo-night-bus",
    "/petitions/demo-night-bus/numbers",
    "/petitions/demo-night-bus/numbers?before=20",
    "/petitions/demo-night-bus/numbers/links",
    "/petitions/demo-old-orchard/numbers",
    "/petitions/demo-river-water/numbers",
    "/petitions/demo-night-bus/delivery",
    "/petitions/demo-night-bus/answers",
    "/petitions/demo-night-bus/updates",
    "/petitions/demo-night-bus/elsewhere",
    "/email?days=30",
    "/components",
)


@pytest.fixture(scope="module", params=["sqlite", POSTGRESQL])
def living(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a running development server with the invented petitions."""
    with running(request, tmp_path_factory.mktemp("living"), desk=True) as served:
        served.stop()
        done = subprocess.run(
            [sys.executable, "-m", "sabal", "prepare", "--demo"],
            env=served.environment | {DEV_SWITCH: "1", "SABAL_BASE_URL": served.base},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0 and "48 of 48 days" in done.stdout, done.stderr
        served.start()
        wait_for_page(f"{served.desk}/account/login/")
        yield served


@pytest.fixture(scope="module")
def olga(living: Served, browser: Any) -> Iterator[Any]:
    """Yield the window of Olga, who came in with the link that the server printed."""
    link = re.findall(r"http://\S+/welcome/\S+", living.output.read_text())[-1]
    page = enter(living, browser, link=link)
    page.set_default_timeout(30_000)
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    yield page
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_with_numbers(olga: Any, living: Served, language: str, scheme: str) -> None:
    public = ("growth", "progress", "updates", "updates/1", "elsewhere")
    addresses = [living.desk + path for path in DESK]
    addresses += [f"{living.base}/{language}/demo-night-bus/{name}" for name in public]
    addresses.append(f"{living.base}/{language}/newsletter/demo-night-bus/issues/1")
    assert_pages_fit(olga, living.desk, addresses, language, scheme, frames=True)
    assert not [one for one in olga.complaints if "Content Security Policy" in one]


def test_charts_are_in_the_colours_of_the_page(olga: Any, living: Served) -> None:
    """Each label lies within its picture, also in Korean, whose letters are wide."""
    olga.set_viewport_size({"width": 360, "height": 740})
    seen = set()
    for scheme in ("light", "dark"):
        olga.emulate_media(color_scheme=scheme)
        olga.goto(f"{living.desk}/petitions/demo-night-bus/numbers")
        assert olga.locator("svg.chart").count() == 4
        shape = olga.locator("svg.chart rect").first
        seen.add(shape.evaluate("one => getComputedStyle(one).fill"))
        outside = olga.evaluate(
            "[...document.querySelectorAll('svg.chart')].flatMap(svg => [...svg.querySelectorAll('text')].filter("
            "text => { const a = text.getBoundingClientRect(), b = svg.getBoundingClientRect();"
            " return a.left < b.left - 1 || a.right > b.right + 1 || a.bottom > b.bottom + 1 })"
            ".map(text => text.textContent))"
        )
        assert outside == []
    assert len(seen) == 2


def test_the_numbers_of_page_and_file_agree(olga: Any, living: Served) -> None:
    olga.goto(f"{living.desk}/petitions/demo-night-bus/numbers")
    with olga.expect_download() as download:
        olga.click("text=CSV >> nth=0")
    text = download.value.path().read_text(encoding="utf-8-sig")
    counted = int(text.strip().splitlines()[-1].split(",")[-1])
    olga.goto(f"{living.base}/en/demo-night-bus")
    assert f"{counted:,}" in olga.locator(".count").first.inner_text()


def test_a_visitor_who_came_by_a_link_counts_for_its_word(olga: Any, living: Served) -> None:
    """Also after a mistake in the form, and without anything in the page or the browser that remembers the word."""
    links = f"{living.desk}/petitions/demo-night-bus/numbers/links"
    forms = "tr:has(code:text-is('flyer')) .number"
    olga.goto(links)
    before = int(olga.locator(forms).inner_text())
    visitor = olga.context.browser.new_context().new_page()
    visitor.goto(f"{living.base}/demo-night-bus?from=flyer")
    visitor.fill("[name=name]", "Suzie")
    visitor.fill("[name=email]", "suzie@example.org")
    visitor.click("#sign button")
    assert "Tick the box to agree" in visitor.locator("[role=alert]").inner_text()
    visitor.check("[name=consent]")
    visitor.click("#sign button")
    visitor.wait_for_url("**/sent")
    assert visitor.context.cookies() == []
    visitor.context.close()
    for _ in range(120):  # public processes store the numbers of forms every ten seconds
        olga.goto(links)
        if int(olga.locator(forms).inner_text()) == before + 1:
            break
        olga.wait_for_timeout(250)
    assert int(olga.locator(forms).inner_text()) == before + 1
