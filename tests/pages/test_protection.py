"""What a guarded petition says about danger and about sharing comes from its own settings, in the reader's language."""

import re

import pytest
from babel import Locale

from sabal.pages.prepared import NAMES, prepared_page
from sabal.petitions.snapshot import PetitionSnapshot

from .bus import night_bus
from .conftest import GUARDED, Reader, snapshot

LANGUAGES = ("en", "ko", "zh-hans", "ja")
# Words that could only come from another petition's settings. Names in the list of countries are everybody's.
FOREIGN = re.compile(
    r"(?i)\b(?:china|chinese|prc|dprk|north korea|wechat|weixin|weibo|qq|repatriat\w*)\b"
    r"|중국(?!어)|중화|북한|조선|위챗|웨이보|中国|中华|朝鲜|微信|微博|遣返"
)


def only(petitions: dict[int, PetitionSnapshot], profile: str, more: str = "", *languages: str) -> None:
    petitions.clear()
    petitions[1] = snapshot(1, night_bus(*(languages or LANGUAGES), profile=profile, more=more))


def without_countries(page: str) -> str:
    return re.sub(r"<select.*?</select>", "", page, flags=re.S)


def warning(page: str) -> str:
    found = re.search(r'<(section|details) class="warning" id="inside">.*?</\1>', page, re.S)
    assert found
    return found[0]


@pytest.mark.parametrize("profile", ["open", "guarded"])
def test_a_night_bus_names_no_other_petitions_countries_and_services(
    reader: Reader, petitions: dict[int, PetitionSnapshot], profile: str
) -> None:
    only(petitions, profile)
    paths = [
        f"/{one}{path}"
        for one in LANGUAGES
        for path in ("", "/imprint", "/privacy", "/verify", "/newsletter")
    ]
    paths = [path for path in paths if not path.endswith("newsletter")]
    paths += [f"/{one}/night-bus{path}" for one in LANGUAGES for path in ("", "/sent")]
    paths += ["/night-bus.json", "/night-bus/count.json", "/night-bus/manifest.json"]
    for path in paths:
        assert not FOREIGN.search(without_countries(reader.get(path).body.decode())), path
    for language in LANGUAGES:
        for name in NAMES:
            assert not FOREIGN.search(prepared_page(name, language, petitions[1]).body.decode()), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_guarded_petition_without_places_warns_in_general(
    reader: Reader, petitions: dict[int, PetitionSnapshot], language: str
) -> None:
    only(petitions, "guarded")
    found = warning(reader.get(f"/{language}/night-bus").body.decode())
    says = {
        "en": "could you or your family be harmed",
        "ko": "해를 입을 수 있습니까",
        "zh-hans": "受到伤害吗",
        "ja": "危害が及ぶおそれがありますか",
    }
    assert says[language] in found.lower() and found.startswith("<details")
    names = (str(name) for name in Locale.parse(language.replace("-h", "_H")).territories.values())
    assert [name for name in names if len(name) > 2 and name in found] == []
    only(petitions, "open")
    assert 'class="warning"' not in reader.get(f"/{language}/night-bus").body.decode()


@pytest.mark.parametrize(
    ("language", "codes", "question"),
    [
        ("en", '"NL"', "Are you or your family in the Netherlands?"),
        ("en", '"TD"', "Are you or your family in Chad?"),
        ("en", '"TD", "DO"', "Are you or your family in Chad or the Dominican Republic?"),
        ("en", '"TD", "DO", "XK"', "Are you or your family in Chad, the Dominican Republic or Kosovo?"),
        ("ko", '"NL"', "본인이나 가족이 네덜란드에 계십니까?"),
        ("ko", '"ET", "XK"', "본인이나 가족이 에티오피아 또는 코소보에 계십니까?"),
        ("ko", '"ET", "US", "XK"', "본인이나 가족이 에티오피아, 미국 또는 코소보에 계십니까?"),
        ("zh-hans", '"NL"', "您或家人身在荷兰吗？"),
        ("zh-hans", '"ET", "XK"', "您或家人身在埃塞俄比亚或科索沃吗？"),
        ("zh-hans", '"ET", "US", "XK"', "您或家人身在埃塞俄比亚、美国或科索沃吗？"),
        ("ja", '"ET", "XK"', "あなたやご家族がエチオピアまたはコソボにいますか？"),
        ("pnb", '"TD", "DO"', "Are you or your family in Chad or the Dominican Republic?"),
    ],
)
def test_the_warning_names_the_places_in_the_readers_language(
    reader: Reader, petitions: dict[int, PetitionSnapshot], language: str, codes: str, question: str
) -> None:
    only(petitions, "guarded", f"warn_residents = [{codes}]", language)
    page = reader.get(f"/{language}/night-bus").body.decode()
    # English is spoken by many in the Netherlands: there the warning is open.
    if "the Netherlands" in question:
        assert "<h2>If you or your family are in the Netherlands</h2>" in warning(page)
    else:
        assert question in warning(page)


def test_the_warning_is_open_in_the_languages_of_its_places(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    only(petitions, "guarded", 'warn_residents = ["TD", "KR"]', "ar", "ko", "en", "zh-hans")
    opened = {
        language: warning(reader.get(f"/{language}/night-bus").body.decode()).startswith("<section")
        for language in ("ar", "ko", "en", "zh-hans")
    }
    assert opened == {"ar": True, "ko": True, "en": False, "zh-hans": False}


def test_an_open_petition_warns_if_it_names_places(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    only(petitions, "open", 'warn_residents = ["TD"]')
    assert "Are you or your family in Chad?" in warning(reader.get("/en/night-bus").body.decode())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_services_left_out_are_named_with_a_reason(
    reader: Reader, petitions: dict[int, PetitionSnapshot], language: str
) -> None:
    only(petitions, "open", 'share_without = ["facebook"]')
    page = reader.get(f"/{language}/night-bus").body.decode()
    assert "facebook.com" not in page and "t.me/share" in page
    said = {
        "en": "Facebook is not offered here.",
        "ko": "Facebook에 공유하는 단추는",
        "zh-hans": "不提供Facebook。",
        "ja": "Facebookのボタンはありません。",
    }
    reason = {
        "en": "authorities that it must obey",
        "ko": "따라야 하는 당국이",
        "zh-hans": "听命的当局",
        "ja": "従わなければならない当局",
    }
    assert said[language] in page and reason[language] in page
    only(petitions, "open")
    assert reason[language] not in reader.get(f"/{language}/night-bus").body.decode()


def test_the_authorities_are_named_only_where_the_petition_warns_of_them(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    def said(more: str) -> str:
        only(petitions, "guarded", more)
        return without_countries(reader.get("/en/night-bus").body.decode())

    assert not re.search("China", said('share_without = ["weibo", "qq"]'))
    assert not re.search("of China", said('share_without = ["weibo", "x"]\nwarn_residents = ["CN"]'))
    page = said('share_without = ["weibo", "qq"]\nwarn_residents = ["CN"]')
    assert "Weibo and QQ are not offered here. The authorities of China can read" in page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("family in China or North Korea?", "WeChat, Weibo and QQ are not", "authorities of China")),
        ("ko", ("본인이나 가족이 중국 또는 북한에 계신다면", "위챗, 웨이보 및 QQ에 공유하는", "중국 당국")),
        ("zh-hans", ("如果您或家人身在中国或朝鲜", "这里不提供微信、微博和QQ。", "中国当局")),
        ("ja", ("中国または北朝鮮にいますか？", "WeChat、Weibo、QQのボタン", "中国の当局")),
    ],
)  # fmt: skip
def test_the_example_warns_and_says_what_it_leaves_out(
    reader: Reader, petitions: dict[int, PetitionSnapshot], language: str, words: tuple[str, ...]
) -> None:
    page = reader.get(f"/{language}/{petitions[GUARDED].slug}").body.decode()
    for words_of_the_example in words:
        assert words_of_the_example in page
    assert not re.search(r'href="[^"]*(?:weixin|wechat|weibo|qq\.com)', page)
