"""Carol does not know TOML: a line that cannot be read is answered with how such a line is written."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.petitions.tomlhints import how_to_write

DAY, BOOLEAN, NUMBER = "year-month-day", "true or false", "digits alone"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("retention = 31.12.2027", DAY),
        ("retention = 12/31/2027", DAY),
        ("closes = 2027.1.5 # a comment", DAY),
        ("closes = 2027-1-5", DAY),
        ("closes = 2027-02-30", "no such day"),
        ("newsletter = yes", BOOLEAN),
        ("newsletter = True", BOOLEAN),
        ("goal = 1,000", NUMBER),
        ("goal = 1.000.000", NUMBER),
        ("goal = 10 000", NUMBER),
        ("organiser = “Friends of the Bus”", "straight quotation marks"),
        ("organiser = «Friends»", "straight quotation marks"),
        ('languages = ["en"，"ko"]', "comma"),
        ("organiser = Friends of the Bus", "in quotation marks"),
        ("newsletter = si", "true and false"),
        ('organiser = "Friends', "missing at the end"),
        ("organiser = 'Ann's friends'", "inside a text"),
        ('organiser: "Friends"', "equals sign"),
        ('organiser "Friends"', "equals sign"),
        ("organiser =", "a value after"),
    ],
)
def test_a_line_that_is_no_toml_is_answered_with_how_to_write_it(line: str, hint: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(line)
    assert hint in how_to_write(line)


@given(st.text(max_size=200))
def test_any_line_has_a_hint_or_none(line: str) -> None:
    hint = how_to_write(line)
    assert hint == "" or (hint.startswith(" ") and hint.endswith("."))
