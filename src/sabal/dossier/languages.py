"""The languages in which papers are printed, with their words, numbers, days and fonts.

The site itself has fewer languages, so these words are in files of their own: words/LANGUAGE.toml.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from string import Formatter

from babel.numbers import format_decimal

from sabal.petitions.countries import day_in_full
from sabal.petitions.locales import direction, locale_of, nearest

LANGUAGES = ("en", "fr", "ja", "ko", "zh-hans")
CJK = ("ko", "ja", "zh-hans")

# Packages with the fonts of a script, which have a regular weight alone. Latin, Greek and Cyrillic come with typst.
_PACKAGES = ("pylopdf_fonts_ko", "pylopdf_fonts_jp", "pylopdf_fonts_zh_cn", "pylopdf_fonts_ar")
_CODES = {"ko": "KR", "ja": "JP", "zh": "SC"}
_REGIONS = {"ko": "KR", "ja": "JP", "zh-hans": "CN", "zh-hant": "TW", "en": "GB"}

Node = str | dict[str, object]
"""A string, or a dictionary whose `t` is its kind: see tokens.py."""


@dataclass(frozen=True)
class PaperWords:
    """The words of papers in one language."""

    language: str
    texts: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        return self.texts[key]

    def say(self, key: str, /, **values: str) -> str:
        """Return a sentence with these values."""
        return self.texts[key].format(**values)

    def nodes(self, key: str, /, **values: Node) -> list[Node]:
        """Return a sentence as nodes (`tokens.py`). Values may be nodes, such as links."""
        found: list[Node] = []
        for before, name, _, _ in Formatter().parse(self.texts[key]):
            found += [before] if before else []
            found += [values[name]] if name else []
        return found

    def number(self, n: int) -> str:
        """Return a number as the language writes it, such as 1,234."""
        return str(format_decimal(n, locale=locale_of(self.language)))

    def count(self, key: str, n: int, /, **values: str) -> str:
        """Return a sentence with `{number}`. Its key has a suffix for the plural, where the language has one."""
        form = locale_of(self.language).plural_form(n)
        chosen = f"{key}_{form}" if f"{key}_{form}" in self.texts else key
        return self.say(chosen, number=self.number(n), **values)

    def day(self, day: date) -> str:
        """Return a day in full. French counts the first of a month."""
        shown = day_in_full(day, self.language)
        return shown.replace("1 ", "1er ", 1) if self.language == "fr" and day.day == 1 else shown

    def name_of(self, language: str) -> str:
        """Return the name of a language in this one."""
        own, tag = locale_of(self.language), str(locale_of(language))
        return str(own.languages.get(tag) or locale_of(language).get_display_name(own) or language)


@cache
def words_in(language: str) -> PaperWords:
    """Return the words in one of `LANGUAGES`."""
    file = resources.files("sabal.dossier") / "words" / f"{language}.toml"
    return PaperWords(language, tomllib.loads(file.read_text(encoding="utf-8")))


def language_for(wanted: str | None, authoritative: str) -> str:
    """Return the language of a paper: the one that is wanted, else the authoritative one, else English."""
    found = (nearest(one, LANGUAGES) for one in (wanted, authoritative) if one)
    return next((one for one in found if one), "en")


def part(language: str) -> dict[str, object]:
    """Return what typst must know about words in a language: `lang`, `region`, `rtl`, and the names of its fonts."""
    base = language.split("-")[0]
    codes = [_CODES[base]] if base in _CODES else []
    codes += [code for code in _CODES.values() if code not in codes]
    serif, sans = [[f"Noto {kind} {code}" for code in codes] for kind in ("Serif", "Sans")]
    if base not in _CODES:
        serif.insert(0, "Libertinus Serif")
    if base in ("ar", "fa", "ur"):
        serif.insert(0, "Noto Naskh Arabic")
    return {
        "lang": base,
        "region": _REGIONS.get(language),
        "rtl": direction(language) == "rtl",
        "cjk": base in _CODES,
        "serif": serif,
        "sans": sans,
    }


@cache
def font_folders() -> tuple[str, ...]:
    """Return the folders of the installed fonts. One that is missing is reported by the doctor."""
    found = []
    for package in _PACKAGES:
        try:
            found.append(str(Path(str(resources.files(package)))))
        except ModuleNotFoundError:
            continue
    return tuple(found)
