"""A slug keeps the letters of a title that ASCII has, with or without their marks."""

import pytest

from sabal.petitions.slugs import slug_of


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Hãy trả lại xe buýt đêm", "hay-tra-lai-xe-buyt-dem"),
        ("Łódź: zachować nocny autobus", "lodz-zachowac-nocny-autobus"),
        ("Bevar natbussen på Nørrebro", "bevar-natbussen-pa-norrebro"),
        ("Straße & Œuvre", "strasse-oeuvre"),
        ("Gece otobüsü ışıkları", "gece-otobusu-isiklari"),
        ("야간버스", ""),
    ],
)
def test_letters_that_are_no_letter_and_a_mark_are_kept(title: str, slug: str) -> None:
    assert slug_of(title) == slug
