"""The line at the head of a page leaves the reference beside it its room."""

import pytest

from sabal.dossier.paper import _short

REFERENCE = "stop-forced-repatriation / unhcr / 20261130"
LONG = f"stop-forced-repatriation / governments/{'minister-' * 6} / 20261130"


@pytest.mark.parametrize(
    ("line", "reference", "shown"),
    [
        ("Ours · The bus", REFERENCE, "Ours · The bus"),
        ("a" * 120, REFERENCE, f"{'a' * 89}…"),
        ("가" * 120, REFERENCE, f"{'가' * 44}…"),
        ("Ours · The bus", LONG, ""),
        ("", REFERENCE, ""),
    ],
)
def test_a_line_fits_or_is_left_out(line: str, reference: str, shown: str) -> None:
    assert _short(line, reference) == shown
