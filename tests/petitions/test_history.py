"""Readers see what an amendment changed: text, terms or key, word by word."""

import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.petitions import folder, history
from sabal.petitions.consent import consent_text
from sabal.petitions.definition import Definition, Section
from sabal.petitions.history import PublishedVersion, difference, terms_of, text_of

EXAMPLE = Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation"


@pytest.fixture(scope="module")
def definition() -> Definition:
    return folder.parse(folder.read(EXAMPLE))


def version(
    definition: Definition, number: int = 1, keys: tuple[str, ...] = ("age1first",)
) -> PublishedVersion:
    consent = {language: consent_text(definition, language) for language in definition.languages}
    return PublishedVersion(number, date(2026, 11, number), f"{number:064}", definition, consent, keys)


def amended(definition: Definition, language: str, **parts: object) -> Definition:
    texts = {**definition.texts, language: replace(definition.texts[language], **parts)}
    return replace(definition, texts=texts)


def test_one_corrected_word_is_a_change_of_the_text_alone(definition: Definition) -> None:
    old = version(amended(definition, "en", summary="We ask the council to keep the old orchad."))
    new = version(amended(definition, "en", summary="We ask the council to keep the old orchard."), 2)
    found = difference(old, new, "en")
    assert [[(piece.change, piece.words) for piece in paragraph] for paragraph in found.text] == [
        [("", "We ask the council to keep the old "), ("removed", "orchad."), ("added", "orchard.")]
    ]
    assert not (found.terms or found.keys or found.elsewhere or found.new_language)


def test_closing_text_is_part_of_the_text(definition: Definition) -> None:
    new = version(amended(definition, "en", closing=(Section("Who we are", "People.\n\nOf the town."),)), 2)
    found = difference(version(definition), new, "en")
    words = [piece.words for paragraph in found.text for piece in paragraph]
    assert words == ["Who we are", "People.", "Of the town."] and not found.terms


def test_another_language_is_named_and_not_shown(definition: Definition) -> None:
    new = version(amended(definition, "ko", summary="짧게 줄였습니다."), 2)
    assert difference(version(definition), new, "en").elsewhere == ("ko",)
    assert not difference(version(definition), new, "en").text


@pytest.mark.parametrize(
    "change",
    [
        {"retention": date(2027, 1, 1)},
        {"recipients_get": "sample"},
        {"sample_audit": False},
        {"endorsers": ("The Orchard Friends",)},
        {"closes": date(2027, 2, 3)},
        {"warn_residents": ("TD",)},
    ],
    ids=["retention", "recipients_get", "sample_audit", "endorsers", "closes", "warned places"],
)
def test_a_change_of_the_terms_is_one(definition: Definition, change: dict[str, object]) -> None:
    found = difference(version(definition), version(replace(definition, **change), 2), "en")
    assert found.terms and not found.text and not found.keys


def test_a_new_key_is_a_change_of_the_key(definition: Definition) -> None:
    found = difference(version(definition), version(definition, 2, ("age1second",)), "en")
    assert found.keys and not found.text and not found.terms


def test_a_new_language_is_named_as_new(definition: Definition) -> None:
    old = replace(definition, languages=("en",), texts={"en": definition.texts["en"]})
    assert difference(version(old), version(definition, 2), "ko").new_language
    assert difference(version(old), version(definition, 2), "en").elsewhere == ("ko", "zh-hans", "ja")


def test_the_text_has_every_part_of_the_page(definition: Definition) -> None:
    for language, text in definition.texts.items():
        joined = "\n".join(text_of(definition, language))
        parts = [text.title, text.summary, text.subject, text.notice, text.demands_heading]
        parts += [demand.text for demand in text.demands]
        parts += [part.text for demand in text.demands for part in demand.parts]
        for part in parts:
            assert part in joined
    assert all(
        ((recipient.name["en"], "en"),) in terms_of(version(definition), "en")
        for recipient in definition.recipients
    )


def test_each_piece_has_the_language_of_its_words(definition: Definition) -> None:
    """A petition in French on a site that has no French: its consent is in English, its names are not."""
    text = definition.texts["en"]
    french = replace(
        definition,
        languages=("fr",),
        authoritative="fr",
        texts={"fr": text},
        organiser={"fr": "Les amis du verger"},
        purpose={"fr": "la remise de la pétition"},
        recipients=tuple(replace(one, name={"fr": "Le maire"}) for one in definition.recipients[:1]),
        controller=replace(
            definition.controller, name={"fr": "Les amis du verger"}, address={"fr": "1, rue des Pommes"}
        ),
    )
    other = replace(
        french,
        purpose={"fr": "la remise de la lettre"},
        recipients=tuple(replace(one, name={"fr": "La maire"}) for one in french.recipients),
        warn_residents=("DE",),
        retention=date(2033, 1, 1),
    )
    found = difference(version(french), version(other, 2), "fr")
    pieces = {(piece.words.strip(), piece.language) for paragraph in found.terms for piece in paragraph}
    assert {
        ("For this purpose:", "en"),
        ("la remise de la", "fr"),
        ("pétition", "fr"),
        ("lettre", "fr"),
    } <= pieces
    assert {("La", "fr"), ("Allemagne", "fr"), ("Until:", "en")} <= pieces


def compared(old: list[str], new: list[str]) -> tuple[history.Paragraph, ...]:
    return history._changed([((words, "en"),) for words in old], [((words, "en"),) for words in new])


WORDS = st.lists(st.sampled_from(["bowl", "보리", "麦", "粥", " ", "a", "b"]), max_size=12).map(" ".join)


@given(st.lists(WORDS, max_size=6), st.lists(WORDS, max_size=6))
def test_the_pieces_give_both_texts_back(old: list[str], new: list[str]) -> None:
    changed = compared(old, new)
    for unwanted, paragraphs in (("added", old), ("removed", new)):
        for paragraph in changed:
            joined = "".join(piece.words for piece in paragraph if piece.change != unwanted)
            assert joined in (*paragraphs, "")
    assert bool(changed) == (old != new)


def test_a_paragraph_too_long_to_compare_is_shown_whole() -> None:
    old, new = "a b " * 4_000, "c d " * 4_000
    assert [piece.change for piece in compared([old], [new])[0]] == ["removed", "added"]


SLOW = {
    "a word between each": (["a " * 1_990], ["a x " * 995]),
    "paragraphs that are alike": (["a"] * 20_000, ["a", "b"] * 10_000),
    "many paragraphs": (
        [f"{at}" + " a" * 600 for at in range(100)],
        [f"-{at}" + " a x" * 300 for at in range(100)],
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_text_of_an_organiser_takes_long_to_compare(name: str) -> None:
    old, new = SLOW[name]
    started = time.monotonic()
    changed = compared(old, new)
    assert time.monotonic() - started < 20  # each took minutes or hours
    assert changed


def test_one_new_word_in_a_paragraph_that_is_long_and_monotonous_is_found() -> None:
    old, new = "a b " * 5_000 + "end", "a b " * 5_000 + "happy end"
    assert compared([old], [new])[0][1:] == (
        history.Piece("added", "happy ", "en"),
        history.Piece("", "end", "en"),
    )
