"""Single values of a petition's files change, and nothing else does."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sabal.petitions import editing, folder
from sabal.petitions.frontmatter import FRONT_MATTER
from sabal.petitions.tomltable import FILE

EXAMPLE = folder.read(Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation")
ONE_LANGUAGE = {
    FILE: 'slug = "a"\nlanguages = ["en"]\norganiser = "We" # us\n[controller]\nname = "We e.V."\n'
}


def test_nothing_changed_gives_the_same_bytes() -> None:
    definition = folder.parse(EXAMPLE)
    same = {
        ("profile",): definition.profile,
        ("retention",): definition.retention,
        ("closes",): None,
        ("organiser", "ko"): definition.organiser["ko"],
    }
    assert editing.with_terms(EXAMPLE, same) == EXAMPLE
    for name, source in EXAMPLE.items():
        if name != FILE:
            assert editing.with_wording(source, *editing.wording(source)) == source


def test_one_value_changes_one_line() -> None:
    changed = editing.with_terms(EXAMPLE, {("controller", "privacy_contact"): "us@example.org"})
    before, after = EXAMPLE[FILE].split("\n"), changed[FILE].split("\n")
    assert [new for old, new in zip(before, after, strict=True) if old != new] == [
        'privacy_contact = "us@example.org"'
    ]


def test_a_text_for_all_languages_stays_one_while_there_is_one_language() -> None:
    changed = editing.with_terms(ONE_LANGUAGE, {("organiser", "en"): "They"})
    assert 'organiser = "They" # us' in changed[FILE]


def test_a_text_for_all_languages_is_divided_when_one_differs() -> None:
    files = {FILE: ONE_LANGUAGE[FILE].replace('["en"]', '["en", "ko"]')}
    changed = editing.with_terms(files, {("controller", "name", "ko"): "우리"})
    assert 'name = {en = "We e.V.", ko = "우리"}' in changed[FILE]


def test_a_byte_order_mark_stays() -> None:
    changed = editing.with_terms({FILE: "\ufeff" + ONE_LANGUAGE[FILE]}, {("organiser", "en"): "They"})
    assert changed[FILE].startswith("\ufeffslug")


line = some.text(some.characters(exclude_categories=("C", "Z")) | some.just(" "), min_size=1, max_size=60)


@given(some.dictionaries(some.sampled_from(sorted(FRONT_MATTER)), line.map(str.strip).filter(bool)))
def test_what_is_typed_is_what_is_read(values: dict[str, str]) -> None:
    """Whatever a person types at the top is read again as they typed it, but for quotation marks around all of it."""
    front, body = editing.wording(editing.with_wording("", values, "## We ask\n\n- One"))
    assert body == "## We ask\n\n- One"
    for key, value in values.items():
        assert front[key].strip('“”"') == " ".join(value.split()).strip('“”"')


@pytest.mark.parametrize("typed", ["---", "title: x", "# x", "---\ntitle: y", "a\r\nb"])
def test_no_text_breaks_out_of_its_line(typed: str) -> None:
    source = editing.with_wording("", {"title": "T", "summary": typed}, "## We ask\n\n- One")
    front, body = editing.wording(source)
    assert front["title"] == "T" and body == "## We ask\n\n- One"
    assert front["summary"] == " ".join(typed.split())
