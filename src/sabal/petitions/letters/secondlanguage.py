"""Add the text of a letter to a petition folder as another language."""

from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit

from sabal.petitions import folder
from sabal.petitions.definition import Definition, FolderError, Problem
from sabal.petitions.letters.addressees import recipients_of, with_address
from sabal.petitions.letters.draft import text_of
from sabal.petitions.letters.reading import LetterReading, Role
from sabal.petitions.letters.words import own_words
from sabal.petitions.tomltable import FILE

NAME_LENGTH = 200


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
    _name_organiser(document, reading, definition, language, notes)
    for key in ("name", "address"):
        value = document["controller"][key]
        if isinstance(value, dict):
            _add(document["controller"], key, known, language, value[definition.authoritative])
    recipients = recipients_of(reading, language)
    notes += _name_recipients(document, definition.authoritative, known, language, recipients)
    changed = {**files, FILE: tomlkit.dumps(document), f"{language}.md": text}
    _refuse_other_demands(files, changed, language)
    return changed, tuple(notes)


def _name_organiser(
    document: Any, reading: LetterReading, definition: Definition, language: str, notes: list[str]
) -> None:
    """Give the organiser a name in one more language. Note what else the letter says of the organiser."""
    organiser = ""
    for line in reading.of(Role.ORGANISER, language=language):
        name, address = with_address(line.content)
        if address or (name and (organiser or len(name) > NAME_LENGTH)):
            notes.append(
                f"Line {line.number} names the organiser and is not published as it is: “{line.content}”"
            )
        if not organiser and len(name) <= NAME_LENGTH:
            organiser = name
    if organiser or isinstance(document["organiser"], dict):
        name = organiser or definition.organiser[definition.authoritative]
        _add(document, "organiser", definition.languages, language, name)


def _name_recipients(
    document: Mapping[str, Any],
    authoritative: str,
    known: Sequence[str],
    language: str,
    recipients: Sequence[tuple[str, str]],
) -> list[str]:
    tables = document["recipients"]
    same = len(tables) == len(recipients)
    for place, table in enumerate(tables):
        if same:
            name, address = recipients[place]
            _add(table, "name", known, language, name)
            if address and "address" not in table:
                table["address"] = address
        elif isinstance(table["name"], dict):
            _add(table, "name", known, language, table["name"][authoritative])
    others = [f"{name} <{address}>" if address else name for name, address in recipients]
    if same:
        addresses = {str(table.get("address", "")) for table in tables}
        return [
            f"Another address is known for {other}."
            for (_, one), other in zip(recipients, others, strict=True)
            if one and one not in addresses
        ]
    named = f"this letter names {len(others)}: {', '.join(others) or 'none'}"
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
