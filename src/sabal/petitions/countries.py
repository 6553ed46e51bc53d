"""Countries and territories of ISO 3166-1 and Kosovo, and days, in the reader's language (CLDR, by Babel).

This module imports no Django, because the front end checks a form's country against the same list.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from pathlib import Path

from babel.dates import format_date

from sabal.petitions.locales import ListStyle, listed, locale_of, locale_of_sentences, nearest, script_of

# Two-letter codes that CLDR names but ISO 3166-1 does not assign to a country or territory. XK (Kosovo) is not assigned
# either, but people live there, and banks, the European Union and CLDR use that code.
NOT_ASSIGNED = frozenset(("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"))

_LENGTHENED = re.compile(r"([ァ-ヴ])ー")

_NAMES_FILE = Path(__file__).parent / "country-names.toml"
_FILE = tomllib.loads(_NAMES_FILE.read_text(encoding="utf-8"))
_WITH_ARTICLE: frozenset[str] = frozenset(_FILE.pop("with_article"))
_READINGS: Mapping[str, Mapping[str, str]] = _FILE.pop("readings")
_OWN_NAMES: Mapping[str, Mapping[str, str]] = _FILE


@cache
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """Return (code, name) for every country, in the order that readers of `language` expect."""
    readings = _READINGS.get(language, {})
    return tuple(
        sorted(_names(language).items(), key=lambda pair: _order(readings.get(pair[0], pair[1]), language))
    )


def country_name(code: str, language: str) -> str:
    """Return the name of one country, or the code itself if it is unknown."""
    return _names(language).get(code, code)


def places(codes: Iterable[str], language: str, style: ListStyle = "standard") -> str:
    """Return the names of places as they are listed in a sentence, with "and", or with the style "or"."""
    return listed((_in_a_sentence(code, language) for code in codes), language, style)


@lru_cache(maxsize=4_096)  # a page with a table of days asks for the same ones again and again
def day_in_full(day: date, language: str) -> str:
    """Return `day` in the long form of that language."""
    return format_date(day, "long", locale=locale_of_sentences(language))


@cache
def _names(language: str) -> Mapping[str, str]:
    """Return the name of every country by its code. CLDR has few names in some languages; the others are English."""
    found: dict[str, str] = {}
    for spoken in ("en", language):
        locale = locale_of(spoken)
        found |= {str(code): str(name) for code, name in locale.territories.items()}
        found |= _OWN_NAMES.get(nearest(spoken, _OWN_NAMES) or locale.language, {})
    return {
        code: name
        for code, name in found.items()
        if len(code) == 2 and code.isalpha() and code not in NOT_ASSIGNED
    }


def _in_a_sentence(code: str, language: str) -> str:
    name = country_name(code, language)
    return f"the {name}" if code in _WITH_ARTICLE and locale_of(language).language == "en" else name


def _order(name: str, language: str) -> tuple[bytes, str]:
    if language.split("-")[0] == "zh" and script_of(language) == "Hans":
        # GB 2312 lists its common characters by pinyin, which is the order that readers expect.
        return name.encode("gb18030"), name
    if language == "ja":
        name = _LENGTHENED.sub(_with_vowel, name)
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    if language == "ko":
        plain = unicodedata.normalize("NFC", plain)
    return plain.casefold().encode(), name


def _with_vowel(match: re.Match[str]) -> str:
    """Return a long kana with its vowel in place of the mark, which would be last in order: "ガー" is "ガア"."""
    return match[1] + unicodedata.lookup(f"KATAKANA LETTER {unicodedata.name(match[1])[-1]}")
