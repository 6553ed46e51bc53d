"""Every part of a page declares the language and the direction of its own words."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from sabal.newsletter.consent import sentence
from sabal.newsletter.form import SubscribeMistakes
from sabal.pages import newsletter, versions
from sabal.pages.petition import petition as petition_page
from sabal.pages.prepared import NAMES, prepared_page
from sabal.petitions import folder
from sabal.petitions.consent import consent_text
from sabal.petitions.definition import Definition
from sabal.petitions.history import PublishedVersion
from sabal.petitions.snapshot import Counts, PetitionSnapshot
from sabal.signing.form import FormError, Mistakes

from .conftest import Reader, snapshot

TERMS = """\
slug = "hafila"
languages = ["ar"]
authoritative = "ar"
organiser = "أصدقاء الحافلة"
profile = "{profile}"
hint = "lantern"
retention = 2031-05-01
purpose = "لتسليم العريضة"
endorsers = ["نادي المشاة"]
newsletter = true
updates = true
[controller]
name = "جمعية أصدقاء الحافلة"
address = "الطريق الطويل ١"
privacy_contact = "privacy@bus.example"
[fields]
comment = {open}
display = {open}
[[recipients]]
name = "مجلس المدينة"
"""
TEXT = """\
---
title: أبقوا الحافلة الليلية
summary: نطلب من المدينة الإبقاء على الحافلة.
subject: الحافلة الليلية
sign_invitation: وقعوا هنا.
newsletter_invitation: اسمعوا منا.
notice: ملاحظة.
---

## خلفية

تغادر آخر حافلة عند التاسعة.

## ما نطلبه

- الإبقاء على الحافلة
  - عند المستشفى
- نشر التكلفة

نتطلع إلى الرد.
"""
ARABIC, LATIN = re.compile(r"[\u0621-\u064a]"), re.compile(r"[A-Za-z]")
VOID = ("meta", "link", "input", "br", "circle")
ENDED_BY = {
    "li": "li",
    "option": "option",
    "dt": "dt dd",
    "dd": "dt dd",
    "tr": "tr td th",
    "td": "td th",
    "th": "td th",
}


def hafila(profile: str) -> Definition:
    terms = TERMS.format(profile=profile, open="true" if profile == "open" else "false")
    return folder.parse({"petition.toml": terms, "ar.md": TEXT})


@pytest.fixture(params=["open", "guarded"])
def bus(request: pytest.FixtureRequest, petitions: dict[int, PetitionSnapshot]) -> PetitionSnapshot:
    """Return the only petition of the site, which is in Arabic, amended, with numbers and names."""
    petitions.clear()
    definition = hafila(request.param)
    consent = {"ar": consent_text(definition, "ar")}
    before = replace(
        definition,
        retention=date(2032, 5, 1),
        purpose={"ar": "لتسليم الرسالة إلى المدينة"},
        organiser={"ar": "نادي الحافلة"},
        warn_residents=("TD", "KW"),
        recipients=(replace(definition.recipients[0], name={"ar": "رئيس المدينة"}),),
        endorsers=(),
        texts={"ar": replace(definition.texts["ar"], summary="نطلب من المدينة الإبقاء على كل حافلة.")},
    )
    older = {"ar": consent_text(before, "ar")}
    petitions[1] = replace(
        snapshot(1, definition),
        counts=Counts(confirmed=340, countries=(("KW", 200), ("TD", 100)), names=("Suzie", "سوزي")),
        amended_on=date(2026, 11, 9),
        versions=(
            PublishedVersion(1, date(2026, 11, 1), "1" * 64, before, older, ()),
            PublishedVersion(2, date(2026, 11, 9), "2" * 64, definition, consent, ()),
        ),
    )
    return petitions[1]


def test_every_part_of_a_page_says_its_language_and_direction(reader: Reader, bus: PetitionSnapshot) -> None:
    for page in every_page(reader, bus):
        found = Parts(page)
        for part, language, direction in found.parts:
            if part == "سوزي":  # nobody knows the language of a signer's name
                assert direction == "auto"
            elif ARABIC.search(part):
                # A country is alone in its line of a box that is laid out as the form.
                assert (language, direction) in (("ar", "rtl"), ("ar", "option")), part
                assert not LATIN.search(part), part
            elif LATIN.search(part) and "://" not in part:
                assert language != "ar", part


def test_a_difference_shows_the_words_of_each_language_as_such(bus: PetitionSnapshot) -> None:
    """An amendment of a petition in Arabic, whose consent is in English here."""
    page = versions.versions(bus, "ar").body.decode()
    assert '<p>For this purpose: <bdi lang="ar" dir="rtl">' in page
    assert '<p lang="ar" dir="rtl"><del>رئيس </del><ins>مجلس </ins>المدينة</p>' in page
    assert '<p lang="ar" dir="rtl"><del>تشاد</del>' in page


def test_two_names_in_a_sentence_keep_their_places(bus: PetitionSnapshot) -> None:
    for which in ("updates", "newsletter"):
        words = sentence(which, bus.definition, "ar")
        assert "\u2068أصدقاء الحافلة\u2069. \u2068جمعية أصدقاء الحافلة\u2069 is responsible" in words
    assert "\u2068" not in sentence(
        "updates", replace(bus.definition, authoritative="en", organiser={"en": "Bus"}), "en"
    )


def test_a_consent_in_other_words_than_the_petitions_says_so(reader: Reader, bus: PetitionSnapshot) -> None:
    """The terms are in English here. They were declared to be in the petition's language."""
    page = reader.get("/ko/privacy").body.decode()
    assert '<ul lang="en">\n<li><b>Kept, encrypted: </b>my name' in page
    assert '<b>For this purpose: </b><bdi lang="ar" dir="rtl">لتسليم العريضة</bdi>' in page


def every_page(reader: Reader, bus: PetitionSnapshot) -> Iterator[str]:
    for path in ("/ar/hafila", "/ar/hafila/sent", "/en", "/en/privacy", "/en/imprint", "/en/verify"):
        yield reader.get(path).body.decode()
    for path in ("/en/newsletter", "/en/newsletter/example", "/en/newsletter/example/asked"):
        yield reader.get(path).body.decode()
    yield versions.versions(bus, "ar").body.decode()
    yield newsletter.confirmed([bus], "en", "example", "a" * 26).body.decode()
    other = replace(bus, id=2, slug="other", organisation="other")
    yield newsletter.choose([bus, other], "en").body.decode()
    yield newsletter.subscribe(
        [bus], "en", "example", SubscribeMistakes({"email": "Enter your email address."})
    ).body.decode()
    refused = Mistakes({"name": ""}, (FormError("name", "Enter your name."),))
    yield petition_page(bus, "ar", refused, 422).body.decode()
    yield petition_page(replace(bus, state="draft"), "ar").body.decode()
    for name in NAMES:
        yield prepared_page(name, "ar", bus).body.decode().replace("⟦country⟧", "الكويت")


class Parts(HTMLParser):
    """The texts of a page, each with the language and the direction that are declared for it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[tuple[str, str, str]] = []
        self._open: list[tuple[str, str, str]] = [("", "", "")]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        if self._open[-1][0] in ENDED_BY.get(tag, "").split():
            self._open.pop()
        given = dict(attrs)
        _, language, direction = self._open[-1]
        isolated = "auto" if tag == "bdi" else direction
        self._open.append((tag, given.get("lang") or language, given.get("dir") or isolated))

    def handle_endtag(self, tag: str) -> None:
        while len(self._open) > 1 and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, language, direction = self._open[-1]
        within = [tag for tag, _, _ in self._open]
        if data.strip() and tag not in ("style", "script", "title") and "nav" not in within:
            self.parts.append((data.strip(), language, tag if tag == "option" else direction))
