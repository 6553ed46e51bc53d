"""The consent and the privacy page name every field that a form has and everyone who gets it, and nothing else."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.bus import night_bus
from pages.conftest import snapshot
from sabal.pages import site
from sabal.petitions.consent import consent_text, consent_version, shown
from sabal.petitions.definition import Controller, Definition, Fields

LANGUAGES = ("en", "ko", "zh-hans", "ja")
# The words that name a field, in a consent or on the privacy page.
NAMED = {
    "en": {"country": "countr", "comment": "comment", "display": "initials"},
    "ko": {"country": "국가", "comment": "의견", "display": "머리글자"},
    "zh-hans": {"country": "国家或地区", "comment": "留言", "display": "首字母"},
    "ja": {"country": "国", "comment": "コメント", "display": "イニシャル"},
}
ALWAYS = {
    "en": ("my name", "my email address", "the day", "language", "program"),
    "ko": ("이름", "이메일 주소", "날짜", "언어", "프로그램"),
    "zh-hans": ("姓名", "邮箱地址", "日期", "语言", "程序"),
    "ja": ("氏名", "メールアドレス", "日付", "言語", "プログラム"),
}
FORMS = [Fields(*flags) for flags in product((True, False), repeat=3)]
GETS = ("count", "sample", "names")


def bus(form: Fields, **changes: object) -> Definition:
    return replace(night_bus(*LANGUAGES), fields=form, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
@given(form=st.sampled_from(FORMS), gets=st.sampled_from(GETS), audit=st.booleans())
def test_a_consent_names_the_fields_of_its_form_and_no_others(
    language: str, form: Fields, gets: str, audit: bool
) -> None:
    text = consent_text(bus(form, recipients_get=gets, sample_audit=audit), language).lower()
    for field, word in NAMED[language].items():
        assert (word in text) == getattr(form, field), (field, text)
    for word in ALWAYS[language]:
        assert word in text
    auditor = {"en": "auditor", "ko": "감사인", "zh-hans": "审核人", "ja": "監査人"}
    assert (auditor[language] in text) == audit


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS)
def test_the_privacy_page_names_the_fields_of_the_sites_forms_and_no_others(
    language: str, form: Fields
) -> None:
    page = site.privacy([snapshot(1, bus(form, profile="guarded"))], language).body.decode().lower()
    for field, word in NAMED[language].items():
        assert (word in page) == getattr(form, field), field


def test_the_privacy_page_names_a_field_that_one_of_several_petitions_has() -> None:
    both = [snapshot(1, bus(Fields(False))), snapshot(2, replace(bus(Fields(False, True)), slug="tram"))]
    page = site.privacy(both, "en").body.decode().lower()
    assert "the comment is locked" in page and "countr" not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_recipients_get_what_the_petition_says(language: str) -> None:
    texts = [consent_text(bus(Fields(), recipients_get=gets), language) for gets in GETS]
    assert len(set(texts)) == 3


def test_the_controller_and_the_purpose_are_in_the_readers_language() -> None:
    definition = bus(
        Fields(),
        controller=Controller(
            {"en": "Bus e.V.", "ko": "버스 시민모임", "zh-hans": "公交之友", "ja": "バスの会"}, {}, ""
        ),
        organiser={"en": "Bus e.V.", "ko": "심야버스연대", "zh-hans": "公交之友", "ja": "バスの会"},
        purpose={
            "en": "To keep it.",
            "ko": "버스를 지키기 위함입니다.",
            "zh-hans": "保留夜班车。",
            "ja": "深夜バスを残すため。",
        },
    )
    texts = {language: consent_text(definition, language) for language in LANGUAGES}
    assert "Who keeps and can read it: Bus e.V.\n" in texts["en"]
    assert "보관하고 열람할 수 있는 곳: 버스 시민모임 · 심야버스연대\n" in texts["ko"]
    assert "用途：保留夜班车。\n" in texts["zh-hans"]
    assert "目的：深夜バスを残すため。\n" in texts["ja"]


@pytest.mark.parametrize("name", ["ICNK", "참여연대", "UNHCR 3", "Médecins sans frontières", "국경"])
def test_korean_needs_no_particle_after_a_name(name: str) -> None:
    definition = bus(Fields(), controller=Controller(dict.fromkeys(LANGUAGES, name), {}, ""))
    text = consent_text(definition, "ko")
    assert "(가)" not in text and f": {name} · " in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_consent_is_shown_as_a_sentence_and_terms(language: str) -> None:
    definition = bus(Fields(), purpose=dict.fromkeys(LANGUAGES, "A: b： c"))
    consent = shown(consent_text(definition, language), definition, language)
    assert consent.sentence.endswith((".", "。")) and len(consent.terms) >= 7
    for about, says, _ in consent.terms:
        assert about.endswith((": ", "：")) and says
    assert any(says == "A: b： c" for _, says, _ in consent.terms)
    assert consent.language == language


def test_a_consent_of_one_line_is_a_sentence() -> None:
    consent = shown("I sign: it.", bus(Fields()), "en")
    assert consent.sentence == "I sign: it." and consent.terms == ()


def test_a_language_without_words_gets_those_of_its_script_or_english() -> None:
    languages = ("zh-cn", "zh-tw", "prs")
    definition = replace(night_bus(*languages))
    texts = [consent_text(definition, language) for language in languages]
    assert texts[0].startswith("我签署") and texts[1].startswith("I sign") and texts[2].startswith("I sign")
    assert len({consent_version(text) for text in texts}) == 2
