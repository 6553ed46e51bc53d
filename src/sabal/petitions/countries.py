"""Countries and territories of ISO 3166-1, and days, in the reader's language (CLDR, by Babel).

This module imports no Django, because the front end checks a form's country against the same list.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date

# Babel's name of a language, if it is more than the language itself.
LOCALES: Mapping[str, str] = {"zh-hans": "zh_Hans", "zh-hant": "zh_Hant"}

# Two-letter codes that CLDR names but ISO 3166-1 does not assign to a country or territory.
NOT_ASSIGNED = frozenset(
    ("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ")
)

_NAMES_FILE = Path(__file__).parent / "country-names.toml"
_OWN_NAMES: Mapping[str, Mapping[str, str]] = tomllib.loads(_NAMES_FILE.read_text(encoding="utf-8"))


@cache
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """Return (code, name) for every country, in the order that readers of `language` expect."""
    names = {str(code): str(name) for code, name in Locale.parse(locale_name(language)).territories.items()}
    names |= _OWN_NAMES.get(language, {})
    pairs = [
        (code, name)
        for code, name in names.items()
        if len(code) == 2 and code.isalpha() and code not in NOT_ASSIGNED
    ]
    return tuple(sorted(pairs, key=lambda pair: _order(pair[1], language)))


def country_name(code: str, language: str) -> str:
    """Return the name of one country, or the code itself if it is unknown."""
    return dict(countries(language)).get(code, code)


def locale_name(language: str) -> str:
    """Return Babel's name of a language, such as "zh_Hans" for "zh-hans"."""
    return LOCALES.get(language, language.split("-")[0])


def day_in_full(day: date, language: str) -> str:
    """Return `day` in the long form of that language."""
    return format_date(day, "long", locale=locale_name(language))


def _order(name: str, language: str) -> tuple[bytes, str]:
    if language == "zh-hans":
        # GB 2312 lists its common characters by pinyin, which is the order that readers expect.
        return name.encode("gb18030"), name
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    if language == "ko":
        plain = unicodedata.normalize("NFC", plain)
    return plain.casefold().encode(), name
