"""Cells that no spreadsheet reads as formulas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.spreadsheet import harmless, plain


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "﹣2", "＋3", "＠a"])
def test_formulas_get_an_apostrophe(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("Anna;=cmd|'/C calc'!A0;x", "Anna;'=cmd|'/C calc'!A0;x"),
        ("a; @SUM(A1)", "a; '@SUM(A1)"),
        ("a|＝1", "a|'＝1"),
        ("a\n-1", "a\n'-1"),
    ],
)
def test_pieces_that_other_spreadsheets_split_are_harmless(cell: str, safe: str) -> None:
    assert harmless(cell) == safe


def test_a_long_row_of_blanks_takes_linear_time() -> None:
    blanks = "\n " * 100_000  # with quadratic time, some minutes
    assert harmless(f"{blanks}x") == f"{blanks}x" and harmless(f"{blanks}=") == f"{blanks}'="
    assert plain(f"{blanks}'x") == f"{blanks}'x" and plain(f"{blanks}'=") == f"{blanks}="


@pytest.mark.parametrize("cell", ["", "Suzie", "수지", "a=b", "'x"])
def test_plain_cells_are_unchanged(cell: str) -> None:
    assert harmless(cell) == cell


@given(st.text(alphabet="=+-@'\t\r\n;| ａ＝aé", max_size=12))
def test_a_harmless_cell_is_read_as_it_was(text: str) -> None:
    """Only an apostrophe that is already before a formula is lost: it has the same effect."""
    if plain(text) == text:
        assert plain(harmless(text)) == text
