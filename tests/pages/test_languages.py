"""Pages in languages that the site does not have, also in those that CLDR lacks."""

import pytest

from sabal.pages.petition import petition
from sabal.pages.prepared import NAMES, prepared_page
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.form import FormError, Mistakes

from .bus import night_bus
from .conftest import Reader, snapshot

RARE = ("prs", "pnb", "ckb", "pa-arab", "xyz", "de-1996", "sr-latn", "zh-tw")


@pytest.fixture
def bus(petitions: dict[int, PetitionSnapshot]) -> PetitionSnapshot:
    """Return the only petition of the site, in all rare languages."""
    petitions.clear()
    petitions[1] = snapshot(1, night_bus(*RARE))
    return petitions[1]


@pytest.mark.parametrize("language", RARE)
def test_a_rare_language_has_every_page(reader: Reader, bus: PetitionSnapshot, language: str) -> None:
    for path in ("", "/sent", "/card.png"):
        assert reader.get(f"/{language}/night-bus{path}").status == 200
    refused = Mistakes({"name": ""}, (FormError("name", "Enter your name."),))
    assert petition(bus, language, refused, 422).status == 422
    for name in NAMES:
        assert prepared_page(name, language, bus).status == 200


@pytest.mark.parametrize(
    ("language", "direction"), [("prs", "rtl"), ("ckb", "rtl"), ("pa-arab", "rtl"), ("de-1996", "ltr")]
)
def test_the_text_has_the_direction_of_its_script(
    reader: Reader, bus: PetitionSnapshot, language: str, direction: str
) -> None:
    page = reader.get(f"/{language}/night-bus").body.decode()
    assert '<html lang="en" dir="ltr">' in page
    assert (f'<article class="letter" lang="{language}" dir="rtl">' in page) == (direction == "rtl")


def test_the_switch_shows_the_name_that_each_language_has_for_itself(
    reader: Reader, bus: PetitionSnapshot
) -> None:
    page = reader.get("/prs/night-bus").body.decode()
    for name in ("دری", "کوردی", "پنجابی", "srpski (latinica)", "中文 (繁體"):
        assert name in page
