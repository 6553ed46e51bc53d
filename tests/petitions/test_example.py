"""The example petition that comes with Sabal."""

import re
from pathlib import Path

import pytest

from sabal.petitions import folder
from sabal.petitions.definition import Definition
from sabal.petitions.markdown import inline_html, to_html

FOLDER = Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation"


@pytest.fixture(scope="module")
def example() -> Definition:
    return folder.parse(folder.read(FOLDER))


def test_it_is_guarded_and_lacks_only_a_key(example: Definition) -> None:
    assert example.slug == FOLDER.name
    assert example.languages == ("en", "ko", "zh-hans", "ja")
    assert example.authoritative == "en"
    assert example.profile == "guarded"
    assert example.recipients_get == "count"
    assert (example.sample_audit, example.newsletter, example.updates) == (True, True, True)
    assert (example.goal, example.closes) == (None, None)
    assert folder.lacking(example) == ("There is no organiser key, so signatures could not be encrypted.",)


def test_its_five_recipients_have_a_name_in_each_language(example: Definition) -> None:
    assert [recipient.key for recipient in example.recipients] == [
        "china",
        "unhcr",
        "security-council",
        "governments",
        "monitoring-bodies",
    ]
    for recipient in example.recipients:
        assert set(recipient.name) == set(example.languages)
        assert recipient.address is None
    assert example.recipients[0].language == "zh-hans"


@pytest.mark.parametrize("language", ["en", "ko", "zh-hans", "ja"])
def test_each_language_has_the_whole_petition(example: Definition, language: str) -> None:
    text = example.texts[language]
    assert [len(demand.parts) for demand in text.demands] == [2, 2, 2, 3]
    (background,) = text.sections
    assert background.body.count("\n\n") == 2
    for words in (text.subject, text.sign_invitation, text.newsletter_invitation, text.notice):
        assert words
    assert to_html(background.body).count("<p>") == 3
    assert inline_html(text.demands[0].text)


def test_the_hint_is_not_a_word_of_the_petition(example: Definition) -> None:
    words = " ".join(f"{text.title} {text.summary} {text.subject}" for text in example.texts.values())
    assert example.hint not in words.lower()


def test_each_translation_is_in_its_own_script(example: Definition) -> None:
    def share(pattern: str, language: str) -> float:
        body = example.texts[language].sections[0].body
        return len(re.findall(pattern, body)) / len(re.findall(r"\w", body))

    assert share("[가-힣]", "ko") > 0.9
    assert share("[一-鿿]", "zh-hans") > 0.9
    assert share("[ぁ-ヿ一-鿿]", "ja") > 0.9
    assert share("[ぁ-ヿ]", "ja") > 0.4  # and no Chinese text
    assert share("[A-Za-z]", "en") > 0.9


def test_translations_use_the_usual_terms_of_refugee_law(example: Definition) -> None:
    korean = f"{example.texts['ko']}"
    chinese = f"{example.texts['zh-hans']}"
    japanese = f"{example.texts['ja']}"
    for term in ("강제송환금지 원칙", "체재 중 난민", "반인도범죄", "고문방지협약", "1967년 의정서", "비호"):
        assert term in korean
    for term in ("不推回原则", "就地难民", "危害人类罪", "禁止酷刑公约", "关于难民地位的公约", "庇护"):
        assert term in chinese
    for term in (
        "ノン・ルフールマン原則",
        "現地難民",
        "人道に対する罪",
        "拷問等禁止条約",
        "難民の地位に関する条約",
        "庇護",
    ):
        assert term in japanese


def test_the_sample_in_the_docs_is_valid() -> None:
    page = (FOLDER.parents[1] / "docs" / "petition-folder.md").read_text("utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (text,) = re.findall(r"```markdown\n(.*?)```", page, re.DOTALL)
    sample = folder.parse({"petition.toml": toml, "en.md": text})
    assert [len(demand.parts) for demand in sample.texts["en"].demands] == [2, 0]
