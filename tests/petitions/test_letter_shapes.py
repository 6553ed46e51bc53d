"""Letters of many shapes, and the same letters with other marks, line breaks and blank lines, are read alike.

The scores are shares: a change of the reader may lose one letter for another, but not many.
"""

import re
import textwrap
from collections.abc import Callable

import pytest

from sabal.petitions import folder
from sabal.petitions.definition import TO_COMPLETE
from sabal.petitions.letters.letter import folder_from
from sabal.petitions.letters.read import read
from sabal.petitions.letters.reading import UNPUBLISHED, Role

from .corpus import FOLDER, MORE, corpus

LETTERS = [*corpus(FOLDER), *corpus(MORE)]
Lines = list[tuple[str, str]]


def right(lines: Lines) -> tuple[int, int]:
    """Return how many lines with text have the right role, and how many lines have text. Left out is left out."""
    reading = read("\n".join(text for _, text in lines))
    count = [
        line.role == role or {line.role, Role(role)} <= UNPUBLISHED - {Role.CONTACT}
        for line, (role, text) in zip(reading.lines, lines, strict=True)
        if text.strip()
    ]
    return sum(count), len(count)


def share(change: Callable[[Lines], Lines]) -> float:
    found = [right(change(letter.lines())) for letter in LETTERS]
    return sum(good for good, _ in found) / sum(of for _, of in found)


def test_title_recipients_and_demands_are_found_in_letters_of_many_shapes() -> None:
    wrong = []
    for letter in corpus(MORE):
        definition = folder.parse(folder_from(read(letter.text)).files)
        text = definition.texts[definition.authoritative]
        names = [recipient.name[definition.authoritative] for recipient in definition.recipients]
        found = {
            "title": text.title,
            "recipients": " ¦ ".join(names),
            "demands": " ".join(str(len(demand.parts)) for demand in text.demands),
        }
        if TO_COMPLETE in text.demands[0].text:
            found["demands"] = "none"
        wrong += [
            f"{letter.name}: {key} {found[key]!r}"
            for key, expected in letter.draft.items()
            if found[key] != expected and not (expected == "" and TO_COMPLETE in found[key])
        ]
    assert len(wrong) <= 3, wrong


def wrapped(columns: int) -> Callable[[Lines], Lines]:
    """Return a change that breaks the text of letters with spaces by hand."""

    def change(lines: Lines) -> Lines:
        broken: Lines = []
        for role, text in lines:
            whole = role not in ("background", "closing", "demand", "part") or re.search(
                r"[\u3000-\u9fff]", text
            )
            broken += [(role, piece) for piece in ([text] if whole else textwrap.wrap(text, columns))]
        return broken

    return change


MARK = re.compile(
    r"^(\s*)(?:\d+[.)、．-]\s*|[-–*•·★☆✓✔→▷▲❖☐ㅇ]️?\s*|[(（][^)）]{1,3}[)）]\s*|[一二三四五六七八九]、|[a-z][.)]\s|[①-⑳❶-❿]\s*)"
)


def marked(mark: Callable[[int], str]) -> Callable[[Lines], Lines]:
    """Return a change that gives a list of demands other marks."""

    def change(lines: Lines) -> Lines:
        if not all(MARK.match(text) for role, text in lines if role == "demand"):
            return lines
        number = iter(range(1, 100))
        return [
            (
                role,
                MARK.sub(lambda match: match[1] + mark(next(number)), text, count=1)
                if role == "demand"
                else text,
            )
            for role, text in lines
        ]

    return change


CHANGES: dict[str, tuple[Callable[[Lines], Lines], float]] = {
    "as written": (lambda lines: lines, 0.99),
    "two blank lines": (
        lambda lines: [one for line in lines for one in ([line] if line[1] else [line, line])],
        0.99,
    ),
    "no blank lines": (lambda lines: [line for line in lines if line[1].strip()], 0.96),
    "a blank line after each": (
        lambda lines: [one for line in lines for one in (line, ("layout", ""))],
        0.94,
    ),
    "indented": (lambda lines: [(role, f"  {text}") for role, text in lines], 0.99),
    "no full stops": (lambda lines: [(role, re.sub("[.。]$", "", text)) for role, text in lines], 0.96),
    "broken at 72": (wrapped(72), 0.99),
    "broken at 50": (wrapped(50), 0.98),
    "dashes": (marked(lambda number: "- "), 0.99),
    "a rare sign": (marked(lambda number: "❥ "), 0.99),
    "two signs": (marked(lambda number: ">> "), 0.99),
    "hash signs": (marked(lambda number: f"#{number} "), 0.98),
    "bold numbers": (marked(lambda number: f"**{number}.** "), 0.98),
    "slashes": (marked(lambda number: f"{number}/ "), 0.98),
    "bare numbers": (marked(lambda number: f"{number} "), 0.98),
    "letters with a colon": (marked(lambda number: f"{'ABCDEFGHI'[number - 1]}: "), 0.97),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_shape_of_a_letter_may_change(name: str) -> None:
    change, least = CHANGES[name]
    assert share(change) >= least
