"""Names, numbers, days and the direction of text in any language, also in those that CLDR lacks."""

import re
from datetime import date

import pytest
from babel import Locale
from babel.core import get_global
from babel.localedata import locale_identifiers
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from sabal.petitions.countries import countries, country_name, day_in_full, places
from sabal.petitions.definition import LANGUAGE
from sabal.petitions.locales import direction, is_spoken_in, listed, locale_of, nearest, own_name, script_of

KNOWN = sorted(
    {
        *get_global("language_aliases"),
        *Locale("en").languages,
        *locale_identifiers(),
        "prs",
        "pnb",
        "xyz",
        "de-1996",
    }
)
TAGS = sorted({tag for name in KNOWN if LANGUAGE.fullmatch(tag := name.lower().replace("_", "-"))})


def everything(language: str) -> None:
    """Look up everything that a page needs in a language."""
    assert len(countries(language)) == len(countries("en"))
    assert all(name for _, name in countries(language))
    assert country_name("ET", language) and day_in_full(date(2028, 11, 30), language)
    assert format_decimal(1234, locale=locale_of(language))
    assert places(["ET", "XK", "US"], language, "or") and listed(["a"], language) == "a"
    assert own_name(language) not in ("", "None") and direction(language) in ("ltr", "rtl")
    assert is_spoken_in(language, "ET") in (True, False)


@pytest.mark.slow
def test_no_language_that_has_a_name_is_an_error() -> None:
    assert len(TAGS) > 500
    for tag in TAGS:
        everything(tag)


@given(st.from_regex(LANGUAGE, fullmatch=True))
def test_no_tag_is_an_error(tag: str) -> None:
    everything(tag)


@pytest.mark.parametrize("tag", ["prs", "pnb", "xyz", "hno", "qaa"])
def test_a_language_that_cldr_lacks_has_names_numbers_and_days(tag: str) -> None:
    everything(tag)
    assert country_name("HK", "pnb") == "Hong Kong"


def test_another_name_of_a_language_is_found() -> None:
    assert str(locale_of("prs")) == "fa_AF" and own_name("prs") == "دری"


def test_a_language_whose_own_name_cldr_lacks_has_its_english_one() -> None:
    assert own_name("mn-mong") == "Mongolian"


@pytest.mark.parametrize(
    ("tag", "locale"),
    [
        ("zh-tw", "zh_Hant_TW"),
        ("zh-hans", "zh_Hans"),
        ("sr-latn", "sr_Latn"),
        ("de-1996", "de"),
        ("ku-arab", "en"),
    ],
)
def test_the_locale_has_the_script_of_the_tag(tag: str, locale: str) -> None:
    assert str(locale_of(tag)) == locale


RTL = "ar fa he ur ps sd ug yi dv ckb prs pnb lah bqi haz brh nqo syr rhg az-arab pa-arab pa-pk uz-af ku-arab ms-arab"
LTR = "en ko zh-hans zh-tw ku pa pa-guru az uz tr sr fa-latn ar-latn ps-latn he-latn yi-latn ug-cyrl xyz am ka hy"


def test_the_script_decides_the_direction() -> None:
    assert [tag for tag in RTL.split() if direction(tag) != "rtl"] == []
    assert [tag for tag in LTR.split() if direction(tag) != "ltr"] == []
    # CLDR agrees wherever it has the language.
    for tag in TAGS:
        locale = locale_of(tag)
        if (
            script_of(str(locale).lower().replace("_", "-")) == script_of(tag) != ""
            and locale.language != "en"
        ):
            assert (direction(tag) == "rtl") == (locale.character_order == "right-to-left"), tag


def test_kosovo_can_be_chosen_under_the_name_that_cldr_gives() -> None:
    assert [country_name("XK", one) for one in ("en", "ko", "zh-hans", "sq")] == [
        "Kosovo", "코소보", "科索沃", "Kosovë",
    ]  # fmt: skip
    assert len(countries("en")) == 250 and not {"EU", "UN", "ZZ"} & dict(countries("en")).keys()


def test_places_are_listed_as_in_a_sentence() -> None:
    assert places(["NL"], "en") == "the Netherlands"
    assert places(["PH", "FR"], "en", "or") == "the Philippines or France"
    assert places(["US", "TD", "HK"], "en") == "the United States, Chad and Hong Kong"
    assert places(["US", "TD", "HK"], "ko", "or") == "미국, 차드 또는 홍콩"
    assert places(["US", "TD", "HK"], "zh-hans") == "美国、乍得和香港"


def test_english_names_that_need_an_article_have_one() -> None:
    needs = re.compile(
        r"(?:Islands|Territor(?:y|ies)|Republic|States|Kingdom|Emirates|Netherlands)$|^Isle of"
    )
    for code, name in countries("en"):
        if needs.search(name) and code not in ("GS", "HM", "PN"):
            assert places([code], "en") == f"the {name}"


def test_a_language_is_spoken_where_it_is_official_or_common() -> None:
    assert is_spoken_in("am", "ET") and is_spoken_in("fr-ca", "BE") and is_spoken_in("en", "NL")
    assert not is_spoken_in("ko", "ET") and not is_spoken_in("pnb", "BE")


def test_the_nearest_of_some_tags_is_found() -> None:
    known = ("en", "zh-hans", "pt")
    assert [nearest(tag, known) for tag in ("zh-cn", "zh-hans", "pt-br", "en", "zh-tw", "ko")] == [
        "zh-hans", "zh-hans", "pt", "en", None, None,
    ]  # fmt: skip
