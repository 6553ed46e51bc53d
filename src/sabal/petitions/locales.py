"""CLDR's data for a petition's language, by Babel. No language is refused: one without data gets that of a near one.

No Django here, because the front end checks a form against the same names.
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.languages import get_territory_language_info
from babel.lists import format_list

# Scripts of ISO 15924 that are written from right to left (Unicode Standard, chapters 9, 10, 14, 19).
RIGHT_TO_LEFT = frozenset(
    "Adlm Arab Aran Armi Avst Chrs Cprt Elym Gara Hatr Hebr Hung Khar Lydi Mand Mani Mend Merc Mero Narb Nbat Nkoo"
    " Orkh Ougr Palm Phli Phlp Phnx Prti Rohg Samr Sarb Sidt Sogd Sogo Syrc Syre Syrj Syrn Thaa Todr Yezi".split()
)
ListStyle = Literal["standard", "or"]
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
WIDELY_SPOKEN = 10  # percent of a place's people


@cache
def locale_of(language: str) -> Locale:
    """Return CLDR's locale for a tag such as "zh-hans", or of a shorter tag or other name in its script, or English."""
    for tag in _shorter(language):
        with suppress(UnknownLocaleError, ValueError):
            locale = Locale.parse(tag, sep="-")
            # Babel leaves out a script that it has no data for.
            if script_of(str(locale).replace("_", "-").lower()) == script_of(language):
                return locale
    return Locale("en")


def locale_of_sentences(language: str) -> Locale:
    """Return CLDR's locale for lists and days. English is British here, as all English words of a site are."""
    locale = locale_of(language)
    return Locale("en", "GB") if str(locale) == "en" else locale


@cache
def script_of(language: str) -> str:
    """Return the script (ISO 15924) of a tag: its own subtag, or the usual one of the language there; "" if unknown."""
    for subtag in language.split("-")[1:]:
        if len(subtag) == 4 and subtag.isalpha():
            return subtag.title()
    for tag in _shorter(language):
        if likely := get_global("likely_subtags").get(tag.replace("-", "_")):
            return str(likely.split("_")[1])
    return ""


def direction(language: str) -> str:
    """Return "rtl" or "ltr", for HTML's `dir`."""
    return "rtl" if script_of(language) in RIGHT_TO_LEFT else "ltr"


def isolated(words: str, language: str, sentence: str) -> str:
    """Return words in `language` for a sentence in the language `sentence`: between isolates if that is another one.

    Otherwise two names that are written right to left would change places in a sentence that is not.
    """
    return words if language == sentence else f"{FIRST_STRONG_ISOLATE}{words}{POP_ISOLATE}"


def without_second_stop(sentence: str, name: str, shown: str) -> str:
    """Return a sentence without its full stop behind a name that ends with one, such as “… e.V.”.

    `shown` is the name as it is in the sentence: between isolates, or as HTML.
    """
    return sentence.replace(f"{shown}.", shown) if name.endswith(".") else sentence


def own_name(language: str) -> str:
    """Return the name that a language has for itself; without one its English name, or the tag."""
    locale, base = locale_of(language), language.split("-")[0]
    english = Locale("en").languages.get(base, language)
    if locale.language == "en" != base:
        return str(english)
    return str(locale.languages.get(str(locale)) or locale.get_display_name() or english)


def language_of_names(language: str) -> str:
    """Return the language that CLDR's names of countries are in for readers of `language`."""
    spoken = locale_of(language)
    return language if spoken.language == language.split("-")[0] else str(spoken).replace("_", "-").lower()


def nearest(language: str, known: Iterable[str]) -> str | None:
    """Return the tag in `known` that is this one, or has its language and script, or its language; else None."""
    known = tuple(known)
    base = language.split("-")[0]
    for tag in (language, f"{base}-{script_of(language).lower()}", base):
        if tag in known:
            return tag
    return None


def listed(words: Iterable[str], language: str, style: ListStyle = "standard") -> str:
    """Return the words as a list in a sentence: "a, b and c", or with the style "or": "a, b or c"."""
    return format_list(list(words), style=style, locale=locale_of_sentences(language))


@cache
def is_spoken_in(language: str, territory: str) -> bool:
    """Return whether a language is official in a place (ISO 3166-1), or spoken by a tenth of its people."""
    base = language.split("-")[0]
    return any(
        spoken.split("_")[0] == base
        and (facts["official_status"] is not None or float(facts["population_percent"] or 0) >= WIDELY_SPOKEN)
        for spoken, facts in get_territory_language_info(territory).items()
    )


def _shorter(language: str) -> Iterable[str]:
    """Yield a tag as Babel writes it, then its shorter forms, then other names of the language ("prs" is "fa-AF")."""
    base, *subtags = language.split("-")
    cased = [base]
    for subtag in subtags:
        cased.append(subtag.title() if len(subtag) == 4 else subtag.upper())
    for end in range(len(cased), 0, -1):
        yield "-".join(cased[:end])
    if alias := get_global("language_aliases").get(base):
        alias = alias.replace("_", "-")
        yield alias
        yield alias.split("-")[0]
