"""Divide a demand that names several in one paragraph: "First, … Second, …" or "(1) …; (2) …"."""

from collections.abc import Iterator

import regex

from sabal.petitions.letters.words import LetterWords

_NUMBER = regex.compile(r"(?<![\w.,(（])[(（]?(?P<digits>\d{1,2})[)）](?=\s?\p{L})")
_WORD = regex.compile(r"(?:^|(?<=[.;:!?。；：！]\s?))(?P<word>[\p{L}\p{M}-]+)(?=\s?[,，:：、])")


def divided(text: str, words: LetterWords) -> tuple[str, list[str]]:
    """Return what introduces the items of a text ("" if nothing does), and the items; none if it does not count."""
    for places in (list(_ordinals(text, words)), list(_numbers(text))):
        counted = [place for place in places if place[1]]
        if len(counted) < 2 or [number for _, number, _ in counted] != list(range(1, len(counted) + 1)):
            continue
        ends = [start for start, _, _ in counted[1:]] + [len(text)]
        items = [text[begin:end].strip(" ;；,，") for (_, _, begin), end in zip(counted, ends, strict=True)]
        if all(items):
            return text[: counted[0][0]].strip(), items
    return "", []


def _ordinals(text: str, words: LetterWords) -> Iterator[tuple[int, int, int]]:
    """Yield where each ordinal is, its number, and where its item begins: at the ordinal, which stays in the text."""
    for match in _WORD.finditer(text):
        yield match.start(), words.ordinals.get(match["word"].lower(), 0), match.start()


def _numbers(text: str) -> Iterator[tuple[int, int, int]]:
    for match in _NUMBER.finditer(text):
        yield match.start(), int(match["digits"]), match.end()
