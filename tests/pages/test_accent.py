"""The colour of an organisation can be read in light and in dark, whatever colour was chosen."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sabal.pages import accent
from sabal.pages.html import TOKENS

ON_BEAM = re.findall(r"--on-beam: (#[0-9a-f]{6})", TOKENS)
PAPER = re.findall(r"--paper: (#[0-9a-f]{6})", TOKENS)
COLOURS = some.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_the_contrast_is_that_of_the_standard() -> None:
    assert accent.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert accent.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert len(ON_BEAM) == len(PAPER) == 2


@given(COLOURS)
def test_every_colour_has_a_shade_that_can_be_read(colour: str) -> None:
    shade = accent.nearest(colour)
    assert accent.passes(shade) and accent.contrast(shade, ON_BEAM[0]) >= 7
    assert (shade == colour) == accent.passes(colour)
    dark = accent.in_dark(shade)
    assert accent.contrast(dark, ON_BEAM[1]) >= 6.5 and accent.contrast(dark, PAPER[1]) >= 1.99


def test_nothing_but_a_colour_that_passes_becomes_a_style() -> None:
    assert accent.css("#0e4a48").startswith(":root{--beam:#0e4a48;--press:#")
    for bad in ("", "red", "#fff", "#ffffff", "#0e4a48;}", "#0e4a48</style>", "#0E4A4G"):
        assert accent.css(bad) == ""
