"""A newcomer looks at a living site: every page with numbers, in each language, light and dark, wide and narrow."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from conftest import POSTGRESQL, running
from desk_clients import PASSWORD
from sabal.settings import DEV_SWITCH
from served import Served, wait_for_page

pytestmark = [pytest.mark.slow, pytest.mark.browser]
DESK = (
    "/",
    "/petitions/demo-night-bus",
    "/petitions/demo-night-bus/numbers",
    "/petitions/demo-night-bus/numbers?before=20",
    "/petitions/demo-old-orchard/numbers",
    "/petitions/demo-river-water/numbers",
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
    link = re.findall(r"http://\S+/welcome/(\S+)", living.output.read_text())[-1]
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.goto(f"{living.desk}/welcome/{link}")
    page.fill("[name=name]", "Olga")
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.click("main button")
    yield page
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_with_numbers(olga: Any, living: Served, language: str, scheme: str) -> None:
    olga.emulate_media(color_scheme=scheme)
    olga.goto(f"{living.desk}/")
    olga.click(f"footer [value={language}]")
    for address in (
        *(living.desk + path for path in DESK),
        f"{living.base}/{language}/demo-night-bus/growth",
    ):
        for width in (320, 1366):
            olga.set_viewport_size({"width": width, "height": 768})
            olga.goto(address)
            olga.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
            assert olga.evaluate("document.documentElement.scrollWidth") <= width, (address, width)
        assert olga.locator("h1").count() == 1, address
        found = Axe().run(olga).response["violations"]
        assert not found, (address, json.dumps([(one["id"], one["nodes"][0]["html"]) for one in found]))
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
