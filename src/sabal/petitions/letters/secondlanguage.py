"""Add the text of a letter to a petition folder as another language."""

from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit

from sabal.petitions import folder
from sabal.petitions.definition import FolderError, Problem
from sabal.petitions.letters.addressees import recipients_of, with_address
from sabal.petitions.letters.draft import text_of
from sabal.petitions.letters.reading import LetterReading, Role
from sabal.petitions.letters.words import own_words
from sabal.petitions.tomltable import FILE


def with_language(
    files: Mapping[str, str], reading: LetterReading, language: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the files with the text of one language of a letter, and what to check.

    An existing text in this language is replaced. The names of recipients are matched by their order. Raises
    FolderError if the files cannot be used, or if the demands are not as many as in the other languages.
    """
    definition = folder.parse(files)
    notes: list[str] = []
    text = text_of(reading, language, notes)
    document = tomlkit.parse(files[FILE].removeprefix("\ufeff"))
    known = [str(one) for one in definition.languages]
    if language not in known:
        document["languages"] = [*known, language]
    _add(document, "purpose", known, language, own_words(language)["purpose"])
    lines = reading.of(Role.ORGANISER, language=language)
    organisers = [name for name in (with_address(line.content)[0] for line in lines) if name]
    if organisers and len(organisers[0]) <= 200:
        _add(document, "organiser", known, language, organisers[0])
    elif isinstance(document["organiser"], dict):
        _add(document, "organiser", known, language, definition.organiser[definition.authoritative])
    for key in ("name", "address"):
        value = document["controller"][key]
        if isinstance(value, dict):
            _add(document["controller"], key, known, language, value[definition.authoritative])
    names = [name for name, _ in recipients_of(reading, language)]
    notes += _name_recipients(document, definition.authoritative, known, language, names)
    changed = {**files, FILE: tomlkit.dumps(document), f"{language}.md": text}
    _refuse_other_demands(files, changed, language)
    return changed, tuple(notes)


def _name_recipients(
    document: Mapping[str, Any], authoritative: str, known: Sequence[str], language: str, names: Sequence[str]
) -> list[str]:
    tables = document["recipients"]
    same = len(tables) == len(names)
    for place, table in enumerate(tables):
        if same:
            _add(table, "name", known, language, names[place])
        elif isinstance(table["name"], dict):
            _add(table, "name", known, language, table["name"][authoritative])
    if same:
        return []
    named = f"this letter names {len(names)}: {', '.join(names) or 'none'}"
    return [
        f"The petition has {len(tables)} recipients, {named}. Write their names in “{language}” into {FILE}."
    ]


def _add(table: Any, key: str, known: Sequence[str], language: str, text: str) -> None:
    """Give a text of petition.toml one more language."""
    value = table[key]
    if isinstance(value, dict):
        value[language] = text
    elif str(value) != text:
        several = tomlkit.inline_table()
        several.update({**dict.fromkeys(known, str(value)), language: text})
        table[key] = several


def _refuse_other_demands(files: Mapping[str, str], changed: Mapping[str, str], language: str) -> None:
    """Check the changed files. Say what to do if the letter's demands do not match those of the petition."""
    try:
        folder.parse(changed)
    except FolderError as error:
        others = [problem for problem in error.problems if problem.file != f"{language}.md"]
        if others:
            raise
        sentence = (
            f"Its demands do not match those of the petition: {error.problems[0].sentence} Correct the letter, or give"
            " lines their roles with --role."
        )
        raise FolderError([Problem(f"{language}.md", error.problems[0].line, sentence)]) from error
