"""Import a letter as a petition: a draft of a new one, or another language of one that exists."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sabal import typed
from sabal.petitions.definition import LANGUAGE, FolderError, Problem
from sabal.petitions.letters.draft import draft, slug_for, title_of
from sabal.petitions.letters.read import read
from sabal.petitions.letters.reading import LetterReading, Role
from sabal.petitions.letters.secondlanguage import with_language
from sabal.petitions.letters.textfile import LETTER_BYTES, too_long

LETTER_LINES = 2_000

Draw = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class LetterResult:
    """The folder's files (name → text), which `folder.parse` accepts as a draft, the reading, and what to check."""

    files: dict[str, str]
    reading: LetterReading
    notes: tuple[str, ...]


def read_text(
    text: str, *, name: str = "letter", language: str = "", roles: Mapping[int, Role] | None = None
) -> LetterReading:
    """Return the reading of a letter's text, with `roles` (number → role) as corrected by a person.

    `name` is the file name in errors. Raises FolderError if the text is empty, too long, not text at all, or contains a
    secret key.
    """
    _refuse(text, name)
    if language and not LANGUAGE.fullmatch(language):
        raise FolderError(
            [Problem(name, 1, f"“{language}” is not a language code in lower case, such as en or zh-hans.")]
        )
    reading = read(text, language)
    for number in roles or {}:
        if not 1 <= number <= len(reading.lines):
            raise FolderError([Problem(name, number, "The letter has no such line.")])
    return reading.with_roles(roles or {})


def folder_from(
    reading: LetterReading, *, number: int = 1, profile: str | None = None, draw: Draw = secrets.choice
) -> LetterResult:
    """Return a petition folder with the contents of a letter, in each of its languages.

    A letter does not say who is responsible for the data or how long signatures are kept. Such values are marked for
    `folder.lacking`. Without a `profile` ("guarded" or "open"), so is that. If the title gives no slug, the slug is
    "petition-<number>". `draw` draws the hint of guarded emails from neutral words.
    """
    slug = slug_for(reading, number)
    files, notes = draft(reading, slug=slug, hint=_hint(reading, slug, draw), profile=profile)
    sentences = [*reading.notes, *notes]
    for language in reading.languages[1:]:
        try:
            files, more = with_language(files, reading, language)
            sentences += more
        except FolderError as error:
            sentences.append(f"The part in “{language}” was left out. {error.problems[0].sentence}")
            reading = reading.with_roles(
                {
                    line.number: Role.LEFT_OUT
                    for line in reading.lines
                    if line.language == language and line.text
                }
            )
    return LetterResult(files, reading, tuple(sentences))


def folder_with(files: Mapping[str, str], reading: LetterReading) -> LetterResult:
    """Return the files of a petition with a letter added as its text in another language. Raises FolderError."""
    changed, notes = with_language(files, reading, reading.language)
    return LetterResult(changed, reading, (*reading.notes, *notes))


def _hint(reading: LetterReading, slug: str, draw: Draw) -> str:
    """Return a neutral word that the letter does not contain, so that it says nothing about it."""
    titles = " ".join(title_of(reading, language) for language in reading.languages)
    text = f"{slug} {titles} {' '.join(line.text for line in reading.lines)}".lower()
    words = [word for word in _hints() if word not in text]
    return draw(words or [word for word in _hints() if word not in f"{slug} {titles}".lower()])


def neutral_word(text: str, draw: Draw = secrets.choice) -> str:
    """Return a neutral word that `text` does not contain, for the emails of a guarded petition."""
    return draw([word for word in _hints() if word not in text.lower()] or _hints())


@cache
def _hints() -> tuple[str, ...]:
    return tuple((Path(__file__).parent / "hints.txt").read_text("utf-8").split())


def _refuse(text: str, name: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > LETTER_BYTES:
        raise FolderError([too_long(name)])
    if len(text.splitlines()) > LETTER_LINES:
        raise FolderError([Problem(name, 1, f"The letter has more than {LETTER_LINES} lines. Shorten it.")])
    for number, line in enumerate(text.split("\n"), 1):
        if sentence := _why_refused(line):
            raise FolderError([Problem(name, number, sentence)])
    if not any(character.isalnum() for character in text):
        raise FolderError([Problem(name, 1, "The letter is empty.")])


def _why_refused(line: str) -> str:
    """Return why no petition can have a line, or ""."""
    if "\0" in line:
        return "This is not text. Save the letter as plain text (.txt) or as a Word document (.docx)."
    if "AGE-SECRET-KEY-" in line.upper():
        return "A secret key is in this file. Remove it, and use a new key in its place."
    if "⟦" in line or "⟧" in line:
        return "The brackets ⟦ and ⟧ cannot be used here. Write [ and ] or leave them out."
    if typed.is_stacked(line):
        return f"This line has more than {typed.MARKS} marks on one letter. Remove them."
    return ""
