"""What was read from a letter, as a value: each line has its number, its text and exactly one role."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Role(StrEnum):
    """What a line is. `LAYOUT` is a blank line, a rule, a mark alone or a label alone."""

    TITLE = "title"
    RECIPIENT = "recipient"
    ORGANISER = "organiser"
    SUBJECT = "subject"
    HEADING = "heading"
    BACKGROUND = "background"
    DEMAND = "demand"
    PART = "part"
    CLOSING = "closing"
    SIGN = "sign"
    NEWSLETTER = "newsletter"
    SIGNATURE = "signature"
    CONTACT = "contact"
    LEFT_OUT = "left-out"
    LAYOUT = "layout"


LISTED = frozenset({Role.RECIPIENT, Role.DEMAND, Role.PART})
UNPUBLISHED = frozenset({Role.SIGNATURE, Role.CONTACT, Role.LEFT_OUT})


@dataclass(frozen=True)
class LetterLine:
    """One line. `label` ("Subject:") and `mark` ("1.") are what its text begins with, if anything.

    `level` is the depth of a part, from 1. `continues` means that the line belongs to the same paragraph, item or
    name as the line of this role before it.
    """

    number: int
    text: str
    role: Role
    language: str = ""
    label: str = ""
    mark: str = ""
    level: int = 0
    continues: bool = False

    @property
    def content(self) -> str:
        """Return the text that the petition gets: without the label, and in a list without the mark."""
        text = self.text[len(self.label) :].strip()
        return text[len(self.mark) :].strip() if self.role in LISTED else text


@dataclass(frozen=True)
class LetterReading:
    """A letter with the role of each line, blank ones included. `language` is that of most lines.

    `sure` is False if the language is a guess that a person must check. `notes` are sentences about what to check.
    """

    language: str
    sure: bool
    lines: tuple[LetterLine, ...]
    notes: tuple[str, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the languages of the lines, the letter's own first."""
        return tuple(dict.fromkeys([self.language, *(line.language for line in self.lines if line.language)]))

    def of(self, *roles: Role, language: str = "") -> tuple[LetterLine, ...]:
        """Return the lines with one of `roles`, in one language if it is given."""
        return tuple(
            line for line in self.lines if line.role in roles and language in ("", line.language or language)
        )

    def with_roles(self, roles: Mapping[int, Role]) -> "LetterReading":
        """Return the reading with other roles for some lines (number → role), as a person corrects them."""
        lines = tuple(
            _corrected(line, roles[line.number]) if line.number in roles else line for line in self.lines
        )
        return replace(self, lines=lines)


def _corrected(line: LetterLine, role: Role) -> LetterLine:
    if role == line.role:
        return line
    # A label names one role: in another one its words are text.
    level = max(line.level, 1) if role == Role.PART else 0
    return replace(line, role=role, label="", level=level, continues=False)
