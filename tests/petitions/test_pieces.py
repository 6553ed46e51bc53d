"""The pieces of a petition in one language: what is changed is read back, and nothing becomes something else."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sabal.petitions import editing, folder
from sabal.petitions.pieces import PieceError, normal, pieces_of, same_for_all, with_pieces
from sabal.petitions.tomltable import FILE

EXAMPLE = folder.read(Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation")
DEFINITION = folder.parse(EXAMPLE)
KOREAN = pieces_of(DEFINITION, "ko")


@pytest.mark.parametrize("language", DEFINITION.languages)
def test_nothing_changed_gives_the_same_bytes(language: str) -> None:
    pieces = pieces_of(DEFINITION, language)
    assert with_pieces(EXAMPLE, language, pieces) == EXAMPLE
    assert {key: normal(key, text) for key, text in pieces.items()} == pieces


def test_every_piece_can_be_changed_alone() -> None:
    for key, text in KOREAN.items():
        if text:
            changed = with_pieces(EXAMPLE, "ko", {**KOREAN, key: f"{text} 끝"})
            assert pieces_of(folder.parse(changed), "ko") == {**KOREAN, key: f"{text} 끝"}, key
            assert {name for name in EXAMPLE if changed[name] != EXAMPLE[name]} <= {"ko.md", FILE}


def test_a_new_language_is_added_and_taken_out_without_a_trace() -> None:
    english = pieces_of(DEFINITION, "en")
    added = with_pieces(EXAMPLE, "ar", {key: f"{text} 1" if text else "" for key, text in english.items()})
    assert folder.parse(added).languages == (*DEFINITION.languages, "ar")
    assert pieces_of(folder.parse(added), "en") == english
    assert editing.without_language(added, "ar") == EXAMPLE


def test_a_name_for_all_languages_stays_one_until_it_differs() -> None:
    one = {
        FILE: 'slug = "the-bus"\nlanguages = ["en"]\nauthoritative = "en"\norganiser = "We"\nprofile = "open"\n'
        'retention = 2030-01-31\npurpose = "To tell."\n[controller]\nname = "We e.V."\naddress = "A 1"\n'
        'privacy_contact = "a@example.org"\n[[recipients]]\nname = "The Council"\n',
        "en.md": "---\ntitle: Bus\nsummary: Keep it.\n---\n\n## We ask\n\n- Keep it\n",
    }
    definition = folder.parse(one)
    assert same_for_all(one) == {"organiser": "We", "controller-name": "We e.V.", "controller-address": "A 1"}
    pieces = {**pieces_of(definition, "en"), **same_for_all(one), "title": "버스"}
    added = with_pieces(one, "ko", pieces)
    assert 'organiser = "We"' in added[FILE]
    changed = with_pieces(added, "ko", {**pieces, "organiser": "우리", "recipient-the-council": "의회"})
    assert folder.parse(changed).organiser == {"en": "We", "ko": "우리"}
    assert folder.parse(changed).recipients[0].name == {"en": "The Council", "ko": "의회"}


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("demand-1", "- a\n- b", "list"),
        ("demand-1", "1. first", "list"),
        ("demand-2", "# big", "heading"),
        ("demand-2", "> said", "one-line"),
        ("demand-2", "", "empty"),
        ("title", "", "empty"),
        ("purpose", " \n ", "empty"),
        ("recipient-unhcr", "", "empty"),
        ("section-1", "A list:\n\n- a\n- b", "list"),
        ("section-1", "a\n\n## New\n\nb", "heading"),
        ("section-1", "Title\n---\n\nb", "heading"),
        ("section-1", "<script>alert(1)</script>", "other"),
        ("section-1", "![x](https://example.org/x.png)", "other"),
        ("section-1", "[x](javascript:alert)", "other"),
        ("section-1", "[" * 2001, "long"),
        ("summary", "x" * 601, "long"),
        ("title", "⟦token⟧", "other"),
        ("title", "a\u202eb", "other"),
        ("section-1", "AGE-SECRET-KEY-1QQQ", "other"),
    ],
)
def test_what_is_no_such_piece_is_named(key: str, text: str, code: str) -> None:
    with pytest.raises(PieceError) as refused:
        with_pieces(EXAMPLE, "ko", {**KOREAN, key: text})
    assert refused.value.faults[key].code == code
    assert set(refused.value.faults) == {key}


@pytest.mark.parametrize("key", ["section-1-heading", "demands-heading"])
@pytest.mark.parametrize(
    "text", ["1. *x* # [a](b) & &amp; <b> `c` \\", "## x", "- x", "> y", "===", "한국어"]
)
def test_a_heading_is_shown_as_it_is_typed(key: str, text: str) -> None:
    changed = with_pieces(EXAMPLE, "ko", {**KOREAN, key: text})
    assert pieces_of(folder.parse(changed), "ko")[key] == text


TEXTS = some.text(alphabet=some.sampled_from(list("ab가 \n-#*_[]()<>&`\\1.:|~=+!\"'\t")), max_size=40)


@settings(max_examples=150, deadline=None)
@given(some.sampled_from([key for key in KOREAN if KOREAN[key]]), TEXTS)
def test_any_text_is_refused_or_read_back(key: str, text: str) -> None:
    """Whatever is typed into one piece, the others stay as they are, and so do the other files."""
    try:
        changed = with_pieces(EXAMPLE, "ko", {**KOREAN, key: text})
    except PieceError:
        return
    read = folder.parse(changed)
    assert pieces_of(read, "ko") == {**KOREAN, key: normal(key, text).strip()} | (
        {key: normal(key, text)} if key.startswith(("section", "closing")) else {}
    )
    assert pieces_of(read, "en") == pieces_of(DEFINITION, "en")
    assert read.slug == DEFINITION.slug and read.organiser_keys == DEFINITION.organiser_keys
