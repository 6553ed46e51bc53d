"""The words that name the parts of letters, from one table for each language (words/LANG.toml)."""

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import regex
from babel.core import Locale

from sabal.petitions.definition import TO_COMPLETE
from sabal.petitions.letters.language import language_of
from sabal.petitions.letters.lines import SENTENCES, bare
from sabal.petitions.letters.reading import Role
from sabal.petitions.locales import locale_of, nearest

FOLDER = Path(__file__).parent / "words"
LANGUAGES = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
# Patterns see no more of a line than this, so that hostile lines stay cheap.
PHRASE_LENGTH = 400
LABEL_WIDTH = 50
ASK_WITHIN = 110

_ROLES = {"demands": Role.DEMAND, "left_out": Role.LEFT_OUT}
_LABEL = regex.compile(
    r"(?P<words>[^:：︰]{1,60}?)\s*(?:[:：︰](?!//)|(?<=\p{Arabic}\s?)/)(?P<end>[\]】〕》〉*_]*)\s*"
)
_BRACKETED = regex.compile(
    r"(?P<words>[\[【〔《〈<［]\s*[^\]】〕》〉>］]{1,40}[\]】〕》〉>］])\s*[:：]?\s*(?=\S)"
)
_SECTION_NUMBER = regex.compile(
    r"^(?:\d{1,2}[.)．]|[IVXⅠ-Ⅻ]{1,4}[.．]|[一二三四五六七八九十]{1,2}[、.．]|[가-하]\.|[①-⑳])\s*"
)
_COUNTED = regex.compile(r"(?<=\p{L})\s?(?:n[°ºo.]|nr\.?|№|#)?\s?(?:\d{1,2}|[一二三四五六七八九十])$")
_NO_SPACES = regex.compile("[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_PUNCTUATION = " .,:!;。，：！、"
_ANY, _ANY_OF_SENTENCE = ".{0,140}?", "[^.!?。！？]{0,90}?"


@dataclass(frozen=True)
class LetterWords:
    """The words of one language. The patterns match at the start of a line that was shortened to PHRASE_LENGTH."""

    labels: Mapping[str, Role]
    phrases: Mapping[str, regex.Pattern[str]]
    ordinals: Mapping[str, int]
    months: frozenset[str]
    contact_words: regex.Pattern[str]

    def says(self, key: str, text: str) -> bool:
        """Return whether `text` begins with a phrase of the table's list `key`."""
        return self.phrases[key].match(text[:PHRASE_LENGTH]) is not None

    def is_whole(self, key: str, text: str) -> bool:
        """Return whether all of `text` is a phrase of the table's list `key`."""
        if len(text) > PHRASE_LENGTH:
            return False
        plain = text.strip(_PUNCTUATION)
        # Korean and Chinese headings are often spread out: "청 원 서".
        closed = (
            regex.sub(r"(?<=^|\s)(\S)\s+(?=\S(?:\s|$))", r"\1", plain) if _NO_SPACES.search(plain) else plain
        )
        return any(self.phrases[key].fullmatch(form) for form in (plain, closed))

    def asks(self, text: str) -> bool:
        """Return whether the first sentence of `text` asks for something."""
        return self._asks(SENTENCES.split(text[: 3 * PHRASE_LENGTH])[0])

    def asks_somewhere(self, text: str) -> bool:
        """Return whether any sentence of `text` asks for something."""
        return any(map(self._asks, SENTENCES.split(text[: 3 * PHRASE_LENGTH])))

    def _asks(self, sentence: str) -> bool:
        match = self.phrases["asks"].search(sentence[:PHRASE_LENGTH])
        return match is not None and match.start() <= ASK_WITHIN


def name_in(text: str, words: LetterWords) -> str:
    """Return the name in a form of address such as "Dear Members of the Council,", or "" if the line is none."""
    if len(text) > PHRASE_LENGTH:
        return ""
    other = language_of(text)
    tables = (words, words_of(other.language)) if other.sure and other.language in LANGUAGES else (words,)
    for phrases in (one.phrases["addressees"] for one in tables):
        if match := phrases.fullmatch(text) or phrases.fullmatch(text.rstrip(_PUNCTUATION)):
            return str(match["name"]).strip(_PUNCTUATION)
    return ""


def without_number(heading: str) -> str:
    """Return a heading without its section number ("2. Demands") and decoration."""
    return _SECTION_NUMBER.sub("", bare(heading)).rstrip(" :：︰") or heading


def label_of(text: str, words: LetterWords) -> tuple[Role | None, str]:
    """Return the role that a line's label names, and the label as in the text; else None and "".

    The label is the whole line if this is only a label, with or without a colon or a number.
    """
    for pattern in (_LABEL, _BRACKETED):
        if match := pattern.match(text):
            key = _normal(_SECTION_NUMBER.sub("", bare(match["words"].strip("*_ "))))
            for labels in (words.labels, *map(_labels, LANGUAGES)) if 0 < len(key) <= LABEL_WIDTH else ():
                role = labels.get(key) or labels.get(_COUNTED.sub("", key))
                if role:
                    return role, match[0].rstrip()
    key = _normal(without_number(text))
    return (words.labels[key], text) if key in words.labels else (None, "")


@cache
def words_of(language: str) -> LetterWords:
    """Return the table of a language; for one without a table, all tables together."""
    known = nearest(language, LANGUAGES)
    return _words([known] if known else LANGUAGES, locale_of(language))


@cache
def own_words(language: str) -> Mapping[str, str]:
    """Return the words that the importer writes itself, English ones for a language without a table."""
    own = _table(nearest(language, LANGUAGES) or "en")["own"]
    complete = f"{own['complete']} ({TO_COMPLETE})" if own["complete"] else TO_COMPLETE
    return MappingProxyType({**own, "complete": complete})


@cache
def _table(language: str) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    return table


@cache
def _labels(language: str) -> Mapping[str, Role]:
    return {
        _normal(label): _ROLES.get(key) or Role(key)
        for key, joined in _table(language)["labels"].items()
        for label in joined.split("|")
    }


def _words(languages: Sequence[str], locale: Locale) -> LetterWords:
    tables = [_table(one) for one in languages]
    determiners = "|".join(table["determiners"] for table in tables if table["determiners"])
    lists = [key for key, value in tables[0].items() if isinstance(value, list) and key != "ordinals"]
    phrases = {
        key: _pattern((one for table in tables for one in table[key]), determiners, key in ("asks", "leads"))
        for key in lists
    }
    ordinals = {
        word: position
        for table in tables
        for position, joined in enumerate(table["ordinals"], 1)
        for word in joined.split("|")
    }
    months = frozenset(
        name.casefold().rstrip(".")
        for form in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for name in locale.months[form][width].values()
    )
    contact = {word for table in tables for word in table["labels"]["contact"].split("|")}
    longest_first = "|".join(map(_bounded, sorted(contact, key=lambda word: (-len(word), word))))
    labels = {label: role for one in languages for label, role in _labels(one).items()}
    return LetterWords(labels, phrases, ordinals, months, regex.compile(longest_first, regex.IGNORECASE))


def _pattern(templates: Iterable[str], determiners: str, is_verb: bool) -> regex.Pattern[str]:
    """Return a pattern for templates such as "we|i … demand|urge".

    "…" is any words, "|" divides alternatives, "[…]" groups them. A name is what "…" is, or begins at "=". A verb is
    at the start, or after "…", and then not after a determiner, which would make it a noun ("our demand").
    """
    patterns = (
        (r"^\W{0,3}" if is_verb and "…" not in one else "") + _template(one, determiners if is_verb else "")
        for one in templates
    )
    return regex.compile("|".join(patterns) or "(?!)", regex.IGNORECASE)


def _template(template: str, determiners: str) -> str:
    before, equals, after = template.partition("=")
    if equals:
        name, dots, rest = after.rpartition("…")
        return f"{_pieces(before, _ANY)}\\s*(?P<name>{_pieces(name + dots, _ANY)}){_pieces(rest, _ANY)}"
    if template[-1] in "…]" or "…" not in template or not determiners:
        return _pieces(template, f"(?P<name>{_ANY})")
    subject, _, verb = template.rpartition("…")
    return f"{_pieces(subject + '…', _ANY_OF_SENTENCE)}(?<!\\b(?:{determiners})\\s){_pieces(verb, '')}"


def _pieces(template: str, anything: str) -> str:
    return "".join(
        anything if piece == "…" else _alternatives(piece.strip()) for piece in regex.split("(…)", template)
    )


def _alternatives(piece: str) -> str:
    """Return the pattern of "we|i" or "to [the|all] people". Apostrophes and spaces may be of any kind."""
    signs = {"[": "(?:", "]": ")", "|": "|"}
    parts = [signs.get(part) or _bounded(part) for part in regex.split(r"([\[\]|])", piece) if part]
    return f"(?:{''.join(parts)})" if parts else ""


def _bounded(words: str) -> str:
    """Return a pattern that matches whole words, in scripts that have spaces between words."""
    before, after = (
        r"" if _NO_SPACES.match(edge) or not edge.isalpha() else r"(?<![^\W_])" if first else r"(?![^\W_])"
        for edge, first in ((words[0], True), (words[-1], False))
    )
    escaped: str = regex.escape(words, special_only=True, literal_spaces=True)
    escaped = escaped.replace(" ", r"\s+").replace("'", "['’]")
    return f"{before}{escaped}{after}"


def _normal(label: str) -> str:
    """Return a label without the differences that do not matter: case, width, spaces inside Korean or Chinese words."""
    text = unicodedata.normalize("NFKC", label).casefold().replace("’", "'").strip(" .*_:-–—=?¿!")
    return str(regex.sub(r"\s+", "" if _NO_SPACES.search(text) else " ", text))
