"""A name that ends with a full stop, such as “… e.V.”, ends a sentence without a second one."""

from dataclasses import replace

import pytest
from django.utils.translation import override

from sabal.mail.content import quoted, sentence
from sabal.newsletter import consent
from sabal.pages import html
from sabal.petitions import folder
from sites import EXAMPLE

NAME = "Help for All e.V."


@pytest.mark.parametrize("spoken", ["en", "ko"])
def test_on_a_page(spoken: str) -> None:
    context = {"name": NAME, "named": spoken, "leave": ""}
    page = html.page("newsletter/confirmed.html", context, language="en").body.decode()
    assert html.NAME_STOPS not in page and "e.V..</p>" not in page.replace("</bdi>", "")
    assert f"newsletter of {NAME}</p>" in page.replace(f'<bdi lang="{spoken}" dir="ltr">', "").replace(
        "</bdi>", ""
    )
    korean = html.page("newsletter/confirmed.html", context, language="ko").body.decode()
    assert "e.V." in korean and html.NAME_STOPS not in korean


def test_a_name_without_one_keeps_that_of_the_sentence() -> None:
    page = html.page(
        "newsletter/confirmed.html", {"name": "Ours", "named": "en"}, language="en"
    ).body.decode()
    assert "newsletter of Ours.</p>" in page


@pytest.mark.parametrize("spoken", ["en", "ko", "ar"])
def test_in_an_email(spoken: str) -> None:
    with override("en"):
        said = sentence("Write to %(name)s. Thank you.", name=quoted(NAME, spoken))
        assert "e.V.." not in said.text.replace("\u2069", "") and "e.V." in said.text
        assert "e.V.." not in said.html.replace("</bdi>", "") and said.html.endswith(" Thank you.")
        assert sentence("Of %(name)s today.", name=quoted(NAME, spoken)).text.endswith(" today.")


@pytest.mark.parametrize(("which", "language"), [("newsletter", "en"), ("updates", "en"), ("updates", "ko")])
def test_in_a_consent(which: str, language: str) -> None:
    definition = folder.parse(folder.read(EXAMPLE))
    named = replace(definition, organiser={"en": NAME})
    said = consent.sentence(which, named, language).replace("\u2069", "")
    assert "e.V. " in said and "e.V.." not in said
    other = consent.sentence(which, replace(definition, organiser={"en": "Help for All"}), language)
    assert "All." in other.replace("\u2069", ""), "a sentence that ends with the name"
