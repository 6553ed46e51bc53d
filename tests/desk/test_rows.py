"""Rows are added, moved, nested and removed, and no row is ever lost but by removing it."""

import time

from hypothesis import given
from hypothesis import strategies as some

from sabal.desk import rows
from sabal.desk.rows import Action, Row

EMPTY: Row = {"text": "", "level": 0}


def outline(source: str) -> list[Row]:
    """Return the rows of "A B- C--": a letter is a text, each hyphen behind it a level."""
    return [{"text": one.strip("-"), "level": one.count("-")} for one in source.split()]


def shown(found: list[Row]) -> str:
    return " ".join(row["text"] + "-" * row["level"] for row in found)


def done(source: str, verb: str, index: int) -> tuple[str, int | None]:
    changed = rows.after(outline(source), Action(verb, "demand", index), EMPTY)
    return shown(changed.rows), changed.focus


def test_a_row_moves_with_its_parts() -> None:
    assert done("A a- B b- C", "down", 0) == ("B b- A a- C", 2)
    assert done("A a- B b- C", "up", 2) == ("B b- A a- C", 0)
    assert done("A a- b- B", "down", 1) == ("A b- a- B", 2)


def test_a_row_at_the_end_stays() -> None:
    for source, verb, index in (
        ("A B", "up", 0),
        ("A B", "down", 1),
        ("A a- B", "up", 1),
        ("A a- B", "down", 1),
        ("A B", "nest", 0),
        ("A a-", "nest", 1),
        ("A B", "unnest", 1),
        ("A", "dance", 0),
        ("A", "up", 7),
    ):
        assert done(source, verb, index)[0] == source, (source, verb)


def test_nesting_makes_a_part_of_the_row_above() -> None:
    assert done("A B b- C", "nest", 1) == ("A B- b-- C", 1)
    assert done("A B- b-- c- C", "unnest", 1) == ("A c- B b- C", 2)


def test_a_part_is_added_behind_the_other_parts() -> None:
    assert done("A a- b-- B", "part", 0) == ("A a- b-- - B", 3)
    assert done("A", "add", -1) == ("A ", 1)


def test_a_removed_row_takes_its_parts_with_it_and_comes_back() -> None:
    changed = rows.after(outline("A a- B"), Action("remove", "demand", 0), EMPTY)
    assert shown(changed.rows) == "B" and shown(list(changed.removed)) == "A a-"
    undo = rows.read_undo(rows.as_undo("demand", 0, changed.removed), {"demand": EMPTY})
    assert undo is not None
    assert shown(rows.put_back(changed.rows, undo[1], undo[2]).rows) == "A a- B"


def test_nothing_of_a_request_is_trusted() -> None:
    for text in (
        "",
        "[",
        "null",
        "[1]",
        '{"kind": "king", "at": 0, "rows": []}',
        '{"kind": "demand", "at": "x", "rows": []}',
        '{"kind": "demand", "at": 0, "rows": 7}',
        "[" * 100_000,
    ):
        assert rows.read_undo(text, {"demand": EMPTY}) is None
    found = rows.read_undo(
        '{"kind": "demand", "at": -5, "rows": [{"text": {"a": 1}, "level": "9", "owner": "eve"}]}',
        {"demand": EMPTY},
    )
    assert found == ("demand", -5, [{"text": "", "level": 0}])
    assert rows.action_of({"do": "up:demand:3"}) == Action("up", "demand", 3)
    for bad in ("", "UP", "up:demand:9999", "up:../x:1", "a" * 50, "save;drop"):
        assert rows.action_of({"do": bad}) == Action("save")
    assert rows.indexes(
        {"demand-2-text": 1, "demand-10-text": 1, "demand-x-text": 1, "other-3-text": 1}, "demand"
    ) == [
        2,
        10,
    ]


LEVELS = some.lists(some.integers(0, 5), min_size=1, max_size=12)


@given(LEVELS, some.sampled_from(sorted(set(rows.VERBS) - {"remove", "part"})), some.integers(0, 12))
def test_no_move_loses_a_row(levels: list[int], verb: str, index: int) -> None:
    before = [{"text": str(n), "level": level} for n, level in enumerate(levels)]
    changed = rows.after(before, Action(verb, "demand", index), EMPTY)
    assert sorted(row["text"] for row in changed.rows) == sorted(row["text"] for row in before)
    assert rows.in_levels(changed.rows) == changed.rows, "it is no outline"
    if changed.focus is not None:
        assert changed.rows[changed.focus]["text"] == str(index), "the focus went to another row"


@given(LEVELS)
def test_rows_have_numbers_as_people_write_them(levels: list[int]) -> None:
    found = [row["level"] for row in rows.in_levels([{"level": level} for level in levels])]
    numbers = rows.numbers(found)
    assert len(set(numbers)) == len(numbers) and numbers[0] == "1"
    assert [number.count(".") for number in numbers] == found


def test_no_name_of_a_field_takes_long_to_read() -> None:
    began = time.monotonic()
    names = {f"demand-1-{'a' * 40_000}!": "", "demand-2-name:zh-hans": "", "demand-3-text": ""}
    assert rows.indexes(names, "demand") == [2, 3]
    assert time.monotonic() - began < 1
