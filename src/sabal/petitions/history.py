"""The published versions of a petition, and the differences between two of them, as readers see them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby

from sabal.petitions import consent
from sabal.petitions.amendment import Amendment
from sabal.petitions.countries import country_name
from sabal.petitions.definition import Definition, Demand, Section
from sabal.petitions.locales import language_of_names

# A word with the space after it. Chinese and Japanese have no spaces, so there each character is a word.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+\s*|\s+"
)
MOST_WORK = (
    100_000_000  # steps to compare two texts: at most seconds. What is left of longer ones is shown whole.
)
_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True, eq=False)  # hashed by identity, so that differences can be cached
class PublishedVersion:
    """One version that was put to signers. `manifest_hash` is the SHA-256 in hex; `number` counts from 1."""

    number: int
    published_on: date
    manifest_hash: str
    definition: Definition
    consent: Mapping[str, str]  # by language, from the manifest
    organiser_keys: tuple[str, ...]
    amendment: Amendment | None = None  # why it replaced the version before, if that was said


# A paragraph that is compared: its words, each run with its language. "" is the language of what is in none, as a key.
Passage = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Piece:
    """A run of words in a paragraph that was changed. `change` is "" (kept), "removed" or "added"."""

    change: str
    words: str
    language: str = ""


Paragraph = tuple[Piece, ...]
Opcode = tuple[str, int, int, int, int]


@dataclass(frozen=True)
class Difference:
    """What one version changed, in one language: the changed paragraphs of its text, its terms and its keys.

    `elsewhere` has the other languages whose text or terms changed. `new_language`: the version before lacked it.
    `picture`: it is another one, or it was added or removed.
    """

    text: tuple[Paragraph, ...]
    terms: tuple[Paragraph, ...]
    keys: tuple[Paragraph, ...]
    elsewhere: tuple[str, ...]
    new_language: bool = False
    picture: bool = False


@lru_cache(maxsize=512)
def difference(old: PublishedVersion, new: PublishedVersion, language: str) -> Difference:
    """Return what `new` changed for readers of `language`. `new` must have the language."""
    before, after = old.definition, new.definition
    others = (other for other in after.languages if other != language)
    elsewhere = tuple(other for other in others if _paragraphs(old, other) != _paragraphs(new, other))
    keys = _changed(_all_in("", old.organiser_keys), _all_in("", new.organiser_keys))
    if language not in before.languages:
        return Difference((), (), keys, elsewhere, True, before.picture != after.picture)
    return Difference(
        text=changed_text(before, after, language),
        terms=_changed(terms_of(old, language), terms_of(new, language)),
        keys=keys,
        elsewhere=elsewhere,
        picture=before.picture != after.picture,
    )


def changed_text(before: Definition, after: Definition, language: str) -> tuple[Paragraph, ...]:
    """Return the paragraphs of a language's text that differ. One of the two may lack the language."""
    texts = (text_of(one, language) if language in one.languages else () for one in (before, after))
    old, new = (_all_in(language, text) for text in texts)
    return _changed(old, new)


def changed_words(old: str, new: str) -> Paragraph:
    """Return a text with its removed and added words."""
    return _compared(((old, ""),), ((new, ""),), _Comparison())


def text_of(definition: Definition, language: str) -> tuple[str, ...]:
    """Return the petition's text as paragraphs (Markdown), in the order of its page."""
    text = definition.texts[language]
    paragraphs = [text.title, text.summary, text.picture_description, text.subject]
    paragraphs += _sections(text.sections)
    paragraphs += [text.demands_heading, *_numbered(text.demands), *_sections(text.closing), text.notice]
    paragraphs += [text.sign_invitation, text.newsletter_invitation, text.confirm_email, text.thanks]
    return tuple(paragraph.strip() for paragraph in paragraphs if paragraph.strip())


def terms_of(version: PublishedVersion, language: str) -> tuple[Passage, ...]:
    """Return what signers agree to beside the text: consent, recipients, responsible body, warned places, last day."""
    definition, controller = version.definition, version.definition.controller
    own = (*(recipient.name[language] for recipient in definition.recipients), definition.organiser[language])
    address = ", ".join(controller.address[language].splitlines())
    places = (country_name(code, language) for code in definition.warn_residents)
    return (
        *_consent(version, language),
        *_all_in(language, own),
        ((f"{controller.name[language]}, {address}, ", language), (controller.privacy_contact, "")),
        *_all_in(language_of_names(language), places),
        *_all_in("", [definition.last_day.isoformat()]),
        *_all_in(language, definition.endorsers),
    )


def _consent(version: PublishedVersion, language: str) -> Iterator[Passage]:
    shown = consent.shown(version.consent[language], version.definition, language)
    yield ((shown.sentence, shown.language),)
    for about, says, own in shown.terms:
        gap = " " if about.endswith(":") else ""
        yield ((about + gap, shown.language), (says, own or shown.language))


def _all_in(language: str, paragraphs: Iterable[str]) -> tuple[Passage, ...]:
    return tuple(((paragraph, language),) for paragraph in paragraphs)


def _paragraphs(version: PublishedVersion, language: str) -> tuple[str, ...]:
    if language not in version.definition.languages:
        return ()
    return (*text_of(version.definition, language), *map(_words, terms_of(version, language)))


def _words(passage: Passage) -> str:
    return "".join(words for words, _ in passage)


def _sections(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        yield from (section.heading, *_PARAGRAPH.split(section.body))


def _numbered(demands: Sequence[Demand]) -> Iterator[str]:
    for demand in demands:
        yield f"{'.'.join(demand.anchor.split('-')[1:])}. {demand.text}"
        yield from _numbered(demand.parts)


def _changed(old: Sequence[Passage], new: Sequence[Passage]) -> tuple[Paragraph, ...]:
    """Return the paragraphs that differ, each with its removed and added words. Kept paragraphs are left out."""
    found: list[Paragraph] = []
    comparison = _Comparison()
    for kind, a, b, c, d in comparison.opcodes([*map(_words, old)], [*map(_words, new)]):
        if kind == "equal":
            continue
        paired = min(b - a, d - c)
        pairs = zip(old[a : a + paired], new[c : c + paired], strict=True)
        found += [_compared(*pair, comparison) for pair in pairs]
        found += [tuple(_pieces("removed", passage)) for passage in old[a + paired : b]]
        found += [tuple(_pieces("added", passage)) for passage in new[c + paired : d]]
    return tuple(found)


def _compared(old: Passage, new: Passage, comparison: "_Comparison") -> Paragraph:
    before, after = _single_words(old), _single_words(new)
    pieces: list[Piece] = []
    for kind, a, b, c, d in comparison.opcodes([word for word, _ in before], [word for word, _ in after]):
        if kind == "equal":
            pieces += _pieces("", after[c:d])
            continue
        pieces += _pieces("removed", before[a:b])
        pieces += _pieces("added", after[c:d])
    return tuple(pieces)


def _single_words(passage: Passage) -> list[tuple[str, str]]:
    return [(word, language) for words, language in passage for word in _WORD.findall(words)]


def _pieces(change: str, words: Iterable[tuple[str, str]]) -> Iterator[Piece]:
    for language, run in groupby(words, key=lambda pair: pair[1]):
        yield Piece(change, "".join(word for word, _ in run), language)


class _Comparison:
    """Compares the parts of one text with those of another, with `MOST_WORK` steps for all of them together."""

    def __init__(self) -> None:
        self._left = MOST_WORK

    def opcodes(self, old: Sequence[str], new: Sequence[str]) -> list[Opcode]:
        """Return what changed, as `SequenceMatcher.get_opcodes`.

        If it would take too long, all between the common beginning and the common end is replaced.
        """
        most = min(len(old), len(new))
        start = next((at for at in range(most) if old[at] != new[at]), most)
        end = next((at for at in range(most - start) if old[-1 - at] != new[-1 - at]), most - start)
        a, b = old[start : len(old) - end], new[start : len(new) - end]
        work = _work(a, b)
        inner: Sequence[Opcode] = [("replace", 0, len(a), 0, len(b))] if a or b else []
        if work <= self._left:
            self._left -= work
            inner = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
        found: list[Opcode] = [("equal", 0, start, 0, start)] if start else []
        found += [(kind, i + start, j + start, k + start, m + start) for kind, i, j, k, m in inner]
        if end:
            found.append(("equal", len(old) - end, len(old), len(new) - end, len(new)))
        return found


def _work(old: Sequence[str], new: Sequence[str]) -> int:
    """Return the most steps of a `SequenceMatcher`: it looks at every pair of equal parts, again for each match."""
    there = Counter(new)
    pairs = sum(there[part] for part in old)
    return (pairs + len(old) + len(new)) * min(len(old), len(new), pairs)
