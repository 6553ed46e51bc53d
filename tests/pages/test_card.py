"""The picture of a shared link shows every script that this machine has a font for, and never a row of boxes."""

from functools import cache

import pytest
import typst
from babel import Locale
from babel.localedata import locale_identifiers

from sabal.pages.card import card_png
from sabal.petitions.frontmatter import FRONT_MATTER
from sabal.petitions.locales import own_name, script_of

NOTHING = "\U0010fffd"  # for private use: no font has it
LONGEST = FRONT_MATTER["title"]
# What a new font is needed for first: these scripts are in Debian's fonts-noto-core.
USUAL = """
Arab Armn Beng Cyrl Deva Ethi Geor Grek Gujr Guru
Hebr Khmr Knda Laoo Latn Mlym Mymr Sinh Taml Telu Thai
""".split()


@cache
def samples() -> dict[str, tuple[str, str]]:
    """Return for each script of CLDR's languages one language and its name for itself."""
    found: dict[str, tuple[str, str]] = {}
    for name in sorted(locale_identifiers()):
        locale = Locale.parse(name)
        tag = locale.language + (f"-{locale.script.lower()}" if locale.script else "")
        if own_name(tag).isascii() <= (script_of(tag) == "Latn"):
            found.setdefault(script_of(tag), (tag, own_name(tag)))
    return found


def has_a_box(words: str) -> bool:
    """Return whether the fonts of this machine draw a character as the same box as one that no font has."""
    return any(drawn(character) == drawn(NOTHING) for character in words if character.isalpha())


@cache
def drawn(character: str) -> bytes:
    made = typst.compile(f'#set page(width: 9cm, height: 3cm)\n#"{character}"'.encode(), format="png")
    assert isinstance(made, bytes)
    return made


def test_there_are_samples_of_the_scripts_of_the_world() -> None:
    assert set(USUAL) <= set(samples()) and {"Hans", "Hant", "Jpan", "Kore", "Tibt"} <= set(samples())


@pytest.mark.parametrize("script", sorted(samples()))
def test_a_title_is_drawn_or_left_out(script: str) -> None:
    language, title = samples()[script]
    shown = card_png("1", language, title, "", "petition.example")
    blank = card_png("1", language, "", "", "petition.example")
    assert (shown == blank) == has_a_box(title), title


def test_on_this_machine_the_scripts_of_its_fonts_are_drawn() -> None:
    """Debian's fonts-noto-core and fonts-noto-cjk have them all: then nothing is left out."""
    families = typst.Fonts().families()
    if "Noto Sans Khmer" not in families or "Noto Serif CJK SC" not in families:
        pytest.skip("no fonts-noto-core and fonts-noto-cjk here")
    assert [script for script, (_, title) in samples().items() if has_a_box(title)] == []


@pytest.mark.parametrize("words", [NOTHING, f"Keep the night bus {NOTHING}"])
def test_what_no_font_has_is_left_out(words: str) -> None:
    blank = card_png("1", "en", "", "", "petition.example")
    assert card_png("1", "en", words, "", "petition.example") == blank
    assert card_png("1", "en", "", words, "petition.example") == blank
    named = card_png("1", "en", "", "Night Bus Friends", "petition.example")
    assert card_png("1", "en", words, "Night Bus Friends", "petition.example") == named != blank


@pytest.mark.parametrize("script", sorted(samples()))
def test_the_longest_title_fits(script: str) -> None:
    language, title = samples()[script]
    words = f"{title} " * LONGEST
    assert card_png("1", language, words[:LONGEST].strip(), title, "petition.example").startswith(b"\x89PNG")
