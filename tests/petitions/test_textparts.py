"""The parts of a text are read from its Markdown and written back, and what did not change keeps its bytes."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sabal.petitions import editing, folder
from sabal.petitions.definition import TO_COMPLETE, Problem, Section
from sabal.petitions.textparts import (
    DemandLine,
    Parts,
    demand_source,
    has_list,
    heading_source,
    is_closed,
    parts_of,
    with_demands_like,
    with_parts,
)
from sabal.petitions.tomltable import FILE
from sabal.petitions.wording import parse_text

EXAMPLE = folder.read(Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation")
ODD = """## First *ish

Old text
over two lines.

Second paragraph.
***
Setext heading
--------------

> A quotation


## We ask

1.  One thing
    over two lines
    * a part
    * another
      1. deeper
2.  Two

Thank you.

## Closing

Bye.
""".replace(" *ish", "")


def test_the_parts_are_what_the_parser_reads() -> None:
    problems: list[Problem] = []
    text, _ = parse_text("en", f"---\ntitle: T\nsummary: S\n---\n\n{ODD}", problems)
    assert not problems
    parts = parts_of(ODD)
    assert parts.sections == text.sections and len(parts.sections) == 2
    assert parts.demands_heading == text.demands_heading == "We ask"
    assert [(one.level, one.text) for one in parts.demands] == [
        (0, "One thing over two lines"),
        (1, "a part"),
        (1, "another"),
        (2, "deeper"),
        (0, "Two"),
    ]
    assert parts.closing == "Thank you.\n\n## Closing\n\nBye."


@pytest.mark.parametrize("source", [ODD, *(editing.wording(EXAMPLE[f"{one}.md"])[1] for one in ("en", "ko"))])
def test_nothing_changed_gives_the_same_bytes(source: str) -> None:
    assert with_parts(source, parts_of(source)).body == source


def test_one_part_changes_and_the_others_keep_their_bytes() -> None:
    parts = parts_of(ODD)
    changed = with_parts(ODD, replace(parts, closing="Thank you all.")).body
    assert changed == ODD.partition("Thank you.")[0] + "Thank you all."
    new = replace(parts, sections=(parts.sections[1], Section("New", "Text."), parts.sections[0]))
    changed = with_parts(ODD, new).body
    assert "Setext heading\n--------------\n\n> A quotation\n" in changed and "## New\n\nText.\n" in changed
    assert "1.  One thing\n    over two lines\n" in changed, "the demands did not change"
    assert parts_of(changed) == new


def test_a_problem_is_found_at_its_part() -> None:
    parts = parts_of("## A\n\nText.\n\n## We ask\n\n- One")
    written = with_parts(
        "", replace(parts, demands=(DemandLine(0, "One"), DemandLine(1, "a <b>")), closing="![x](y)")
    )
    problems: list[Problem] = []
    parse_text("en", f"---\ntitle: T\nsummary: S\n---\n{written.body}", problems)
    found = {written.part_at(problem.line - 5) for problem in problems}
    assert found == {("demand", 1), ("closing", 0)}


LINE = some.text(
    some.characters(exclude_categories=("C", "Z")) | some.sampled_from(" -*#>1.`_[]&"), max_size=40
)
WORDS = LINE.map(lambda text: " ".join(text.split())).filter(lambda text: any(c.isalpha() for c in text))


@given(WORDS)
def test_a_demand_is_one_line_whatever_is_typed(text: str) -> None:
    source = demand_source(text)
    body = f"## We ask\n\n- Before\n- {source}\n  - Part\n- After"
    if "[" in text and "]:" in text:
        return  # a definition of a link is refused with a sentence
    assert [one.text for one in parts_of(body).demands] == ["Before", source, "Part", "After"]
    assert demand_source(source) == source


@given(WORDS)
def test_a_heading_is_what_is_typed(text: str) -> None:
    assert parts_of(f"## {heading_source(text)}\n\n- One").demands_heading == text


PLAIN = some.text("abc é한", min_size=1, max_size=12).map(str.strip).filter(bool)
OUTLINE = some.lists(some.tuples(some.integers(0, 3), PLAIN), min_size=1, max_size=8)


@given(some.lists(some.tuples(PLAIN, PLAIN), max_size=3), PLAIN, OUTLINE, some.just("") | PLAIN)
def test_what_is_written_is_read(
    sections: list[tuple[str, str]], heading: str, outline: list[tuple[int, str]], closing: str
) -> None:
    above, demands = -1, []
    for level, text in outline:
        above = min(level, above + 1)
        demands.append(DemandLine(above, text))
    parts = Parts(tuple(Section(*one) for one in sections), heading, tuple(demands), closing)
    assert parts_of(with_parts("", parts).body) == parts
    assert parts_of(with_parts(ODD, parts).body) == parts


@pytest.mark.parametrize("text", ["- one", "1. one", "> - one", "a\n\n* b"])
def test_a_list_in_a_section_is_found(text: str) -> None:
    assert has_list(text) and not has_list(text.replace("- ", "").replace("1. ", "").replace("* ", ""))


@pytest.mark.parametrize("text", ["```\ncode", "~~~\n", "<!-- x", "a\n\n```"])
def test_a_text_that_swallows_the_next_heading_is_found(text: str) -> None:
    assert not is_closed(text) and is_closed("```\ncode\n```") and is_closed("words")


def test_the_demands_of_all_languages_move_together() -> None:
    files = {
        FILE: 'languages = ["en", "ko"]',
        "en.md": "---\ntitle: T\nsummary: S\n---\n\n## We ask\n\n- A\n- B\n",
        "ko.md": "---\ntitle: T\nsummary: S\n---\n\n## 요구\n\n- 가\n- 나\n",
    }
    changed = with_demands_like(files, "en", [(1, 0), (0, 1), (None, 1)])
    assert changed["en.md"] == files["en.md"] and changed[FILE] == files[FILE]
    lines = parts_of(editing.wording(changed["ko.md"])[1]).demands
    assert [(one.level, one.text) for one in lines[:2]] == [(0, "나"), (1, "가")]
    assert lines[2].level == 1 and TO_COMPLETE in lines[2].text
