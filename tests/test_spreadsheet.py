"""Cells that no spreadsheet reads as formulas."""

import pytest

from sabal.spreadsheet import harmless


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


@pytest.mark.parametrize("cell", ["", "Suzie", "수지", "a=b", "'x"])
def test_plain_cells_are_unchanged(cell: str) -> None:
    assert harmless(cell) == cell
