"""Make the folder of a draft of a petition that came from elsewhere, by the same reader as for a letter."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tomlkit

from sabal.elsewhere.found import Arrival, NotRecognised, line
from sabal.petitions import editing, folder
from sabal.petitions.definition import LANGUAGE, Section
from sabal.petitions.frontmatter import FRONT_MATTER
from sabal.petitions.letters import letter
from sabal.petitions.letters.reading import LetterReading, Role
from sabal.petitions.letters.words import own_words
from sabal.petitions.textparts import DemandLine, Parts, has_list, heading_source, with_parts
from sabal.petitions.tomltable import FILE

MOST_LANGUAGES = 60


def read(arrival: Arrival, *, language: str = "", roles: Mapping[int, Role] | None = None) -> LetterReading:
    """Return the text of a petition as a letter, whose parts have the roles that the other platform gave them.

    `roles` are those that a person corrected. Raises FolderError.
    """
    known = [(arrival.title, Role.TITLE), *((name, Role.RECIPIENT) for name in arrival.recipients)]
    if summary := " ".join(arrival.summary.split()):
        known.append((summary, Role.SUBJECT))
    lines: list[str] = []
    given: dict[int, Role] = {}
    for text, role in known:
        lines += [text.replace("⟦", "[").replace("⟧", "]"), ""]
        given[len(lines) - 1] = role
    body = arrival.body.replace("⟦", "[").replace("⟧", "]")
    first, text = len(lines) + 1, "\n".join([*lines, body])
    reading = letter.read_text(text, name=arrival.source, language=language)
    # The platform has said already what the title is, and to whom.
    instead = {Role.TITLE: Role.HEADING, Role.SUBJECT: Role.BACKGROUND}
    if arrival.recipients:
        instead[Role.RECIPIENT] = Role.BACKGROUND
    if not reading.of(Role.DEMAND):
        # Where no demand is in the text, the title is what is asked. It comes last.
        text += f"\n\n{arrival.title}"
        reading = letter.read_text(text, name=arrival.source, language=language or reading.language)
        given[len(reading.lines)] = Role.DEMAND
        instead |= {Role.CLOSING: Role.BACKGROUND, Role.DEMAND: Role.BACKGROUND, Role.PART: Role.BACKGROUND}
    lines_of_body = (one for one in reading.lines if one.number >= first and one.role in instead)
    given = {one.number: instead[one.role] for one in lines_of_body} | given
    chosen = {number: role for number, role in (roles or {}).items() if number <= len(reading.lines)}
    return reading.with_roles(given | chosen)


def own_files(arrival: Arrival, number: int) -> dict[str, str]:
    """Return the folder of a petition in our own format: its texts as they are, in all languages.

    Raises FolderError or NotRecognised.
    """
    own = arrival.own
    try:
        if "file" in own:
            texts, first = {str(own["language"]): str(own["file"])}, str(own["language"])
        else:
            texts = {str(language): _language_file(values) for language, values in own["texts"].items()}
            first = next(iter(texts))
        if not texts or len(texts) > MOST_LANGUAGES or not all(map(LANGUAGE.fullmatch, texts)):
            raise ValueError("no language")
        front, _ = editing.wording(texts[first])
        reading = letter.read_text(front["title"], language=first, roles={1: Role.TITLE})
        files = letter.folder_from(reading, number=number).files
        document = editing.terms(files)
        document["languages"] = list(texts)
        for path in (("organiser",), ("purpose",), ("controller", "name"), ("controller", "address")):
            for language in texts:
                key = "purpose" if path == ("purpose",) else "complete"
                editing.set_value(document, (*path, language), own_words(language)[key], list(texts))
        document["recipients"] = _recipients(own.get("recipients") or [], list(texts))
        files = {
            FILE: tomlkit.dumps(document),
            **{f"{language}.md": text for language, text in texts.items()},
        }
        folder.parse(files)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration, RecursionError):
        raise NotRecognised("broken") from None
    return files


def _recipients(recipients: Sequence[Mapping[str, Any]], languages: Sequence[str]) -> Any:
    tables = tomlkit.aot()
    for one in recipients[:100]:
        table = tomlkit.table()
        table["key"] = line(one["key"])
        names = {language: line(one["name"].get(language)) for language in languages}
        table["name"] = {language: name for language, name in names.items() if name}
        if one.get("language"):
            table["language"] = line(one["language"])
        if one.get("group"):
            table["group"] = True
        tables.append(table)
    return tables


def _language_file(values: Mapping[str, Any]) -> str:
    front = {key: values.get(key) or "" for key in FRONT_MATTER}
    sections = [Section(one["heading"], one["body"]) for one in values["sections"]]
    closing = [
        f"## {heading_source(one['heading'])}\n\n{one['body']}" if one["heading"] else one["body"]
        for one in values["closing"]
    ]
    if any(has_list(one.body) for one in sections):
        raise ValueError("the demands are the only list")
    demands = tuple(_demands(values["demands"], 0))
    parts = Parts(tuple(sections), values["demands_heading"], demands, "\n\n".join(closing))
    return editing.with_wording("", front, with_parts("", parts).body)


def _demands(demands: Sequence[Mapping[str, Any]], level: int) -> Iterator[DemandLine]:
    for one in demands:
        yield DemandLine(level, one["text"])
        yield from _demands(one["parts"], level + 1)
