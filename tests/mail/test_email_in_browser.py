"""The HTML part as a mail program shows it: on a narrow phone, in light and dark, from left and from right."""

from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils.translation import override

from mail.test_emails import ALL, PETITIONS, an_email, part, rendered
from sabal.mail.content import Content, quoted, sentence
from sabal.mail.ids import CONFIRM_NEWSLETTER

pytestmark = pytest.mark.browser
RULES = {"runOnly": ["color-contrast", "link-name", "html-has-lang", "document-title", "target-size"]}
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


def htmls() -> list[tuple[str, str]]:
    found = [
        (f"{kind} {profile} {language}", part(rendered(an_email(kind, language), PETITIONS[profile]), "html"))
        for kind, profile, language in ALL
    ]
    petition = PETITIONS["open"]
    assert petition is not None
    text = replace(petition.texts["en"], language="de", title=LONG)
    long = replace(petition, texts={**petition.texts, "de": text})
    return [*found, ("long", part(rendered(an_email(CONFIRM_NEWSLETTER, "de"), long), "html"))]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_email_fits_a_narrow_phone_and_is_legible(browser: Any, scheme: str) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 700}, color_scheme=scheme)
    axe, paper = Axe(), {"light": "rgb(246, 242, 234)", "dark": "rgb(21, 20, 18)"}[scheme]
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for name, html in htmls():
        page.set_content(html)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper, name
        found = axe.run(page, options=RULES).response
        assert found["violations"] == [], (name, found["violations"])
        (contrast,) = [rule for rule in found["passes"] if rule["id"] == "color-contrast"]
        ratios = [node["any"][0]["data"]["contrastRatio"] for node in contrast["nodes"]]
        assert len(ratios) > 5 and min(ratios) >= 7, (name, ratios)
        box = page.locator("a.beam").bounding_box()
        assert box["height"] >= 44, name
    page.close()
    assert requests == [], "an email loads nothing"


def test_an_email_in_a_language_from_right_to_left(browser: Any) -> None:
    with override("ar"):
        content = Content(
            "تأكيد",
            (sentence("من فضلك أكّد توقيعك على “%(title)s”.", title=quoted("A bus!", "en")),),
            "https://petition.example/ar/confirm/" + "a" * 26,
            "شكرًا",
            quoted("petition.example", "en"),
        )
        html = content.as_html("ar")
    page = browser.new_page(viewport={"width": 320, "height": 700})
    page.set_content(html)
    assert page.evaluate("document.documentElement.dir") == "rtl"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    box = page.locator("a.beam").bounding_box()
    assert box["x"] + box["width"] > 280, "the button is at the right"
    page.close()
