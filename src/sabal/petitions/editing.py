"""Change single values of a petition's files, and leave every other byte as it is. No Django here."""

from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit

from sabal.petitions.frontmatter import FRONT_MATTER, join_lines, read_front_matter, unquoted
from sabal.petitions.tomltable import FILE


def with_terms(files: Mapping[str, str], values: Mapping[tuple[str, ...], object]) -> dict[str, str]:
    """Return the files with values of petition.toml set by their path, such as ("controller", "name", "en").

    A value of None removes the key. The rest of the file keeps its order, format and comments. A text for one language
    of a key that has one text for all is set for that language; the others keep the text they had.
    """
    source = files[FILE]
    document = tomlkit.parse(source.removeprefix("\ufeff"))
    languages = [str(one) for one in document["languages"]]
    for path, value in values.items():
        set_value(document, path, value, languages)
    text = tomlkit.dumps(document)
    return {**files, FILE: "\ufeff" + text if source.startswith("\ufeff") else text}


def set_value(table: Any, path: tuple[str, ...], value: object, languages: list[str]) -> None:
    """Set one value below a table of a document by its path. None removes it."""
    key, *rest = path
    if not rest:
        if value is None:
            table.pop(key, None)
        elif key not in table or table[key] != value:
            table[key] = value
        return
    here = table.get(key)
    if isinstance(here, str):  # one text for all languages
        if here == value or (len(languages) == 1 and rest == languages):
            table[key] = value
            return
        several = tomlkit.inline_table()
        several.update(dict.fromkeys(languages, str(here)))
        table[key] = here = several
    elif here is None:
        table[key] = tomlkit.table()
        here = table[key]
    set_value(here, tuple(rest), value, languages)


def wording(source: str) -> tuple[dict[str, str], str]:
    """Return the values at the top of a LANG.md by key, and its Markdown below."""
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    front, end = read_front_matter(lines, lambda line, sentence: None)
    return dict(front), "\n".join(lines[end:]).strip("\n")


def with_wording(source: str, front: Mapping[str, str], body: str) -> str:
    """Return a LANG.md with these values and this Markdown. Whichever of the two does not differ keeps its bytes."""
    front = {key: join_lines(front.get(key, "")) for key in FRONT_MATTER}
    body = body.replace("\r\n", "\n").strip("\n")
    if not source:
        return f"{_front_source(front)}\n\n{body}\n"
    old_front, old_body = wording(source)
    if (old_front, old_body) == (front, body):
        return source
    text = source.removeprefix("\ufeff")
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    _, end = read_front_matter(lines, lambda line, sentence: None)
    head = "\n".join(lines[:end]) if front == old_front else _front_source(front)
    changed = f"{head}\n\n{body}\n".replace("\n", newline)
    return "\ufeff" + changed if source.startswith("\ufeff") else changed


def first_line_of_body(source: str) -> int:
    """Return the number of the line, from 1, at which the Markdown of a LANG.md begins."""
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    _, end = read_front_matter(lines, lambda line, sentence: None)
    return next((n for n, line in enumerate(lines[end:], end + 1) if line), len(lines))


def _front_source(front: Mapping[str, str]) -> str:
    lines = [f"{key}: {front_value(value)}" for key, value in front.items() if value]
    return "\n".join(["---", *lines, "---"])


def front_value(text: str) -> str:
    """Return a text as it is written at the top of LANG.md: quotation marks around all of it would be dropped."""
    text = join_lines(text)
    return f"“{text[1:-1]}”" if unquoted(text) != text else text


def terms(files: Mapping[str, str]) -> Any:
    """Return petition.toml as a document of tomlkit, whose values are as they are written."""
    return tomlkit.parse(files[FILE].removeprefix("\ufeff"))


def with_recipient_names(files: Mapping[str, str], language: str, names: Sequence[str]) -> dict[str, str]:
    """Return the files with the names of all recipients in a language, in the order of the file."""
    document = terms(files)
    languages = [str(one) for one in document["languages"]]
    before = tomlkit.dumps(document)
    for table, name in zip(document["recipients"], names, strict=True):
        set_value(table, ("name", language), name, languages)
    return _with_document(files, document) if tomlkit.dumps(document) != before else dict(files)


def without_language(files: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the files without the text and the names of a language."""
    document = terms(files)
    document["languages"] = [str(one) for one in document["languages"] if str(one) != language]
    tables: list[tuple[Any, tuple[str, ...]]] = [
        (document, ("organiser", "purpose")),
        (document["controller"], ("name", "address")),
    ]
    tables += [(table, ("name",)) for table in document["recipients"]]
    for table, keys in tables:
        for key in keys:
            if isinstance(table[key], dict):
                table[key].pop(language, None)
    return {name: text for name, text in _with_document(files, document).items() if name != f"{language}.md"}


def _with_document(files: Mapping[str, str], document: Any) -> dict[str, str]:
    mark = "\ufeff" if files[FILE].startswith("\ufeff") else ""
    return {**files, FILE: mark + tomlkit.dumps(document)}
