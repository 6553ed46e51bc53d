"""The roles of a letter's lines as a short table for people."""

from collections.abc import Iterator

from sabal.petitions.letters.lines import width
from sabal.petitions.letters.reading import LetterLine, LetterReading, Role

WIDTH = 100
_NUMBERS, _ROLES = 9, 12


def table_of(reading: LetterReading) -> Iterator[str]:
    """Yield a line for each line of the letter with its number and role. Lines of one paragraph are one."""
    first: LetterLine | None = None
    last = 0
    for line in reading.lines:
        if line.role == Role.LAYOUT:
            continue
        if (
            first
            and (line.continues or line.role in (Role.BACKGROUND, Role.CLOSING))
            and line.role == first.role
        ):
            last = line.number
            continue
        if first:
            yield _row(first, last)
        first, last = line, line.number
    if first:
        yield _row(first, last)


def _row(line: LetterLine, last: int) -> str:
    numbers = str(line.number) if last == line.number else f"{line.number}–{last}"
    text = f"{'  ' * line.level}{line.content or line.text}"
    return f"{numbers:>{_NUMBERS}}  {line.role:<{_ROLES}}{_shortened(text, WIDTH - _NUMBERS - _ROLES - 2)}"


def _shortened(text: str, columns: int) -> str:
    if width(text) <= columns:
        return text
    while width(text) >= columns:
        text = text[:-1]
    return f"{text.rstrip()}…"
