"""Write the recipients of petition.toml. Those that did not change keep their bytes. No Django here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit

from sabal.petitions.editing import set_value
from sabal.petitions.tomllines import headers
from sabal.petitions.tomltable import FILE

KEY = "recipients"


@dataclass(frozen=True)
class RecipientLine:
    """One recipient as it shall be. `origin` is its place in the file now, from 0; None for a new one."""

    origin: int | None
    name: Mapping[str, str]
    key: str = ""
    language: str = ""
    address: str = ""
    group: bool = False


def with_recipients(files: Mapping[str, str], recipients: Sequence[RecipientLine]) -> dict[str, str]:
    """Return the files with these recipients in this order, and no others."""
    source = files[FILE]
    document = tomlkit.parse(source.removeprefix("\ufeff"))
    languages = [str(one) for one in document["languages"]]
    present = list(document[KEY])
    for one in recipients:
        if one.origin is not None:
            _fill(present[one.origin], one, languages)
    origins = [one.origin for one in recipients]
    if origins != list(range(len(present))):
        text = _in_order(document, recipients, languages)
    else:
        text = tomlkit.dumps(document)
    return {**files, FILE: "\ufeff" + text if source.startswith("\ufeff") else text}


def _fill(table: Any, one: RecipientLine, languages: list[str]) -> None:
    for key in ("key", "language", "address"):
        set_value(table, (key,), getattr(one, key) or None, languages)
    for language in languages:
        set_value(table, ("name", language), one.name[language], languages)
    if bool(table.get("group", False)) != one.group:
        set_value(table, ("group",), one.group or None, languages)


def _in_order(document: Any, recipients: Sequence[RecipientLine], languages: list[str]) -> str:
    """Return the text of the file with its blocks of recipients in another order. tomlkit would lose their format."""
    if not isinstance(document[KEY], tomlkit.items.AoT):  # written as a list in one line
        tables = [dict(table) for table in document[KEY]]
        del document[KEY]
        blocks = [_as_block(table) for table in tables]
        before, after = tomlkit.dumps(document), ""
    else:
        before, blocks, after = _divided(tomlkit.dumps(document))
    new = [_new(one, languages) if one.origin is None else blocks[one.origin] for one in recipients]
    newline = "\r\n" if "\r\n" in before else "\n"
    text = newline.join(f"{one.strip(chr(10) + chr(13))}{newline}" for one in (before, *new) if one.strip())
    return f"{text}{newline}{after.lstrip(chr(10) + chr(13))}" if after.strip() else text


def _divided(text: str) -> tuple[str, list[str], str]:
    """Return what is before the first recipient, the block of each, and what is after and between them."""
    lines = text.splitlines(keepends=True)
    starts = [(_with_comments(lines, number - 1), words[0] == KEY, words) for number, words in headers(text)]
    first = next(start for start, ours, _ in starts if ours)
    blocks: list[str] = []
    after: list[str] = []
    ends = [start for start, _, _ in starts[1:]] + [len(lines)]
    for (start, ours, words), end in zip(starts, ends, strict=True):
        source = "".join(lines[start:end])
        if ours and words == (KEY,):
            blocks.append(source)
        elif ours:  # [recipients.name] belongs to the one above
            blocks[-1] += source
        elif start > first:
            after.append(source)
    return "".join(lines[:first]), blocks, "".join(after)


def _with_comments(lines: Sequence[str], start: int) -> int:
    """Return where a block begins: its comments are directly above its header."""
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _new(one: RecipientLine, languages: list[str]) -> str:
    values: dict[str, Any] = {"key": one.key} if one.key else {}
    same = len(set(one.name.values())) == 1
    values["name"] = one.name[languages[0]] if same else dict(one.name)
    values |= {key: getattr(one, key) for key in ("language", "address", "group") if getattr(one, key)}
    return _as_block(values)


def _as_block(values: Mapping[str, Any]) -> str:
    lines = [f"[[{KEY}]]"]
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{key}.{inner} = {tomlkit.item(text).as_string()}" for inner, text in value.items()]
        else:
            lines.append(f"{key} = {tomlkit.item(value).as_string()}")
    return "\n".join(lines) + "\n"
