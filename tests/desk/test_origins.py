"""A row of a form is found among the saved ones, whatever was saved since its page was opened."""

import time

from hypothesis import given
from hypothesis import strategies as some

from sabal.desk.origins import as_order, next_id, number, places

SAVED = ["A", "B", "C"]


def test_rows_are_found_by_their_ids() -> None:
    order = as_order([0, 1, 2], SAVED)
    assert places(order, [2, 7, 0], ["c", "new", "A"], SAVED) == [2, None, 0]
    assert places(order, [1, 1, None], ["B", "B", ""], SAVED) == [1, None, None]


def test_after_an_answer_that_was_lost_rows_are_found_by_their_words() -> None:
    order = as_order([0, 1, 2], SAVED)
    moved = ["C", "A", "B"]  # saved so, and the page does not know it
    assert places(order, [2, 0, 1], moved, moved) == [0, 1, 2]
    assert places(order, [2, 0, 1], ["C", "A changed", "B"], moved) == [0, 1, 2]
    assert places("nonsense", [2, 0], ["B", "other"], SAVED) == [1, None]


def test_ids_are_never_used_again() -> None:
    assert next_id(as_order([0, 9, None], SAVED), [3]) == 10 and next_id("", []) == 0
    assert number("7") == 7 and number("") is None and number("-1") is None and number("9" * 9) is None


@given(some.text(max_size=60), some.lists(some.none() | some.integers(0, 9), max_size=6))
def test_no_field_gives_a_place_twice(order: str, ids: list[int | None]) -> None:
    for field in (order, as_order([3, 1, 0], SAVED)):
        found = [one for one in places(field, ids, ["A"] * len(ids), SAVED) if one is not None]
        assert len(found) == len(set(found)) and all(0 <= one < 3 for one in found)


def test_no_field_takes_long_to_read() -> None:
    began = time.monotonic()
    for order in ("1" * 30, "1 " * 2_000, "1" * 4_000, "-" * 30, "- 1" * 30):
        assert places(order, [0], ["B"], SAVED) == [1]
    assert time.monotonic() - began < 1
