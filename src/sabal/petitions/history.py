"""The published versions of a petition, and the differences between two of them, as readers see them."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from functools import lru_cache

from sabal.petitions.countries import country_name
from sabal.petitions.definition import Definition, Demand, Section

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


@dataclass(frozen=True)
class Piece:
    """A run of words in a paragraph that was changed. `change` is "" (kept), "removed" or "added"."""

    change: str
    words: str


Paragraph = tuple[Piece, ...]
Opcode = tuple[str, int, int, int, int]


@dataclass(frozen=True)
class Difference:
    """What one version changed, in one language: the changed paragraphs of its text, its terms and its keys.

    `elsewhere` has the other languages whose text or terms changed. `new_language`: the version before lacked it.
    """

    text: tuple[Paragraph, ...]
    terms: tuple[Paragraph, ...]
    keys: tuple[Paragraph, ...]
    elsewhere: tuple[str, ...]
    new_language: bool = False


@lru_cache(maxsize=512)
def difference(old: PublishedVersion, new: PublishedVersion, language: str) -> Difference:
    """Return what `new` changed for readers of `language`. `new` must have the language."""
    before, after = old.definition, new.definition
    others = (other for other in after.languages if other != language)
    elsewhere = tuple(other for other in others if _paragraphs(old, other) != _paragraphs(new, other))
    if language not in before.languages:
        return Difference((), (), _changed(old.organiser_keys, new.organiser_keys), elsewhere, True)
    return Difference(
        text=_changed(text_of(before, language), text_of(after, language)),
        terms=_changed(terms_of(old, language), terms_of(new, language)),
        keys=_changed(old.organiser_keys, new.organiser_keys),
        elsewhere=elsewhere,
    )


def text_of(definition: Definition, language: str) -> tuple[str, ...]:
    """Return the petition's text as paragraphs (Markdown), in the order of its page."""
    text = definition.texts[language]
    paragraphs = [text.title, text.summary, text.subject]
    paragraphs += _sections(text.sections)
    paragraphs += [text.demands_heading, *_numbered(text.demands), *_sections(text.closing), text.notice]
    paragraphs += [text.sign_invitation, text.newsletter_invitation]
    return tuple(paragraph.strip() for paragraph in paragraphs if paragraph.strip())


def terms_of(version: PublishedVersion, language: str) -> tuple[str, ...]:
    """Return what signers agree to beside the text: consent, recipients, responsible body, warned places, last day."""
    definition, controller = version.definition, version.definition.controller
    return (
        *version.consent[language].splitlines(),
        *(recipient.name[language] for recipient in definition.recipients),
        definition.organiser[language],
        f"{controller.name[language]}, {', '.join(controller.address[language].splitlines())},"
        f" {controller.privacy_contact}",
        *(country_name(code, language) for code in definition.warn_residents),
        definition.last_day.isoformat(),
        *definition.endorsers,
    )


def _paragraphs(version: PublishedVersion, language: str) -> tuple[str, ...]:
    if language not in version.definition.languages:
        return ()
    return text_of(version.definition, language) + terms_of(version, language)


def _sections(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        yield from (section.heading, *_PARAGRAPH.split(section.body))


def _numbered(demands: Sequence[Demand]) -> Iterator[str]:
    for demand in demands:
        yield f"{'.'.join(demand.anchor.split('-')[1:])}. {demand.text}"
        yield from _numbered(demand.parts)


def _changed(old: Sequence[str], new: Sequence[str]) -> tuple[Paragraph, ...]:
    """Return the paragraphs that differ, each with its removed and added words. Kept paragraphs are left out."""
    found: list[Paragraph] = []
    comparison = _Comparison()
    for kind, a, b, c, d in comparison.opcodes(old, new):
        if kind == "equal":
            continue
        paired = min(b - a, d - c)
        pairs = zip(old[a : a + paired], new[c : c + paired], strict=True)
        found += [_compared(*pair, comparison) for pair in pairs]
        found += [(Piece("removed", paragraph),) for paragraph in old[a + paired : b]]
        found += [(Piece("added", paragraph),) for paragraph in new[c + paired : d]]
    return tuple(found)


def _compared(old: str, new: str, comparison: "_Comparison") -> Paragraph:
    before, after = _WORD.findall(old), _WORD.findall(new)
    pieces: list[Piece] = []
    for kind, a, b, c, d in comparison.opcodes(before, after):
        if kind == "equal":
            pieces.append(Piece("", "".join(before[a:b])))
            continue
        pieces += [Piece("removed", "".join(before[a:b]))] if a < b else []
        pieces += [Piece("added", "".join(after[c:d]))] if c < d else []
    return tuple(pieces)


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
