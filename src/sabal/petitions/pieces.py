"""The words of a petition in one language, piece by piece: what a translator translates. No Django here.

A piece has the same key in every language: "title", "section-2", "demand-1-3", "purpose", "recipient-unhcr". Sections
are matched by their order.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from markdown_it import MarkdownIt

from sabal import typed
from sabal.petitions import editing, folder
from sabal.petitions.definition import (
    FILE_BYTES,
    PARSER_NESTING,
    TO_COMPLETE,
    Definition,
    Demand,
    FolderError,
)
from sabal.petitions.frontmatter import FRONT_MATTER, join_lines
from sabal.petitions.wording import BRACKETS, DEMAND_LENGTH, HEADING_LENGTH

TOP = ("title", "summary", "picture_description", "subject")
AROUND = ("sign_invitation", "newsletter_invitation", "notice", "confirm_email", "thanks")
TERMS = {
    "organiser": ("organiser",),
    "purpose": ("purpose",),
    "controller-name": ("controller", "name"),
    "controller-address": ("controller", "address"),
}
"""Pieces that are in petition.toml, each with its path there."""
_LIMITS = {
    **FRONT_MATTER,
    "organiser": 200,
    "purpose": 500,
    "controller-name": 200,
    "controller-address": 500,
}
_BODY = re.compile(r"(section|closing)-\d+")
_DEMAND = re.compile(r"demand(-\d+)+")
_PARAGRAPH = ["paragraph_open", "paragraph_close"]  # and its text, one level deeper


@dataclass(frozen=True)
class Fault:
    """Why a piece cannot be used: "empty", "long", "list", "heading", "one-line", or "other" with a sentence."""

    code: str
    sentence: str = ""


class PieceError(Exception):
    """Pieces that cannot be part of a petition, with the fault of each by key; "" if it belongs to no piece."""

    def __init__(self, faults: Mapping[str, Fault]) -> None:
        super().__init__(str(dict(faults)))
        self.faults = dict(faults)


def pieces_of(definition: Definition, language: str) -> dict[str, str]:
    """Return the pieces of a language by key, in the order of the page, then those of the terms. Some may be ""."""
    text = definition.texts[language]
    found = {key: str(getattr(text, key)) for key in TOP}
    for number, section in enumerate(text.sections, 1):
        found[f"section-{number}-heading"], found[f"section-{number}"] = section.heading, section.body
    found["demands-heading"] = text.demands_heading
    found |= _demands(text.demands)
    for number, section in enumerate(text.closing, 1):
        found[f"closing-{number}-heading"], found[f"closing-{number}"] = section.heading, section.body
    found |= {key: str(getattr(text, key)) for key in AROUND}
    controller = definition.controller
    found |= {"organiser": definition.organiser[language], "purpose": definition.purpose[language]}
    found["controller-name"], found["controller-address"] = (
        controller.name[language],
        controller.address[language],
    )
    return found | {f"recipient-{one.key}": one.name[language] for one in definition.recipients}


def _demands(demands: tuple[Demand, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for demand in demands:
        found[demand.anchor] = demand.text
        found |= _demands(demand.parts)
    return found


def same_for_all(files: Mapping[str, str]) -> dict[str, str]:
    """Return the names and the address that the files give once for all languages: a new language has them already."""
    document = editing.terms(files)
    controller = document["controller"]
    found = {
        "organiser": document["organiser"],
        "controller-name": controller["name"],
        "controller-address": controller["address"],
    }
    return {
        key: str(value).strip()
        for key, value in found.items()
        if isinstance(value, str) and TO_COMPLETE not in value
    }


def is_long(key: str) -> bool:
    """Return whether a piece may have several lines and paragraphs."""
    return key == "controller-address" or _BODY.fullmatch(key) is not None


def normal(key: str, text: str) -> str:
    """Return the text of a piece as the petition's files will have it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if is_long(key):
        lines = [line.rstrip() for line in text.split("\n")]
        text = "\n".join(lines).strip("\n").rstrip()
    else:
        text = join_lines(text)
    if key in FRONT_MATTER:
        text = editing.front_value(text)
    return typed.nfc(text)


def longest(key: str) -> int:
    """Return the most characters of a piece."""
    if key in _LIMITS:
        return _LIMITS[key]
    if _BODY.fullmatch(key):
        return FILE_BYTES
    if _DEMAND.fullmatch(key):
        return DEMAND_LENGTH
    return HEADING_LENGTH if key.endswith("-heading") else 300


def fault_of(key: str, text: str) -> Fault | None:
    """Return why a text would not be read as that piece, or None. Whether it fits the rest is not asked."""
    if not text:
        needed = key in ("title", "summary", *TERMS) or _DEMAND.fullmatch(key) or key.startswith("recipient-")
        return Fault("empty") if needed else None
    if len(text) > longest(key):
        return Fault("long")
    if not (_BODY.fullmatch(key) or _DEMAND.fullmatch(key)):
        return None
    if text.count("[") > BRACKETS:
        return Fault("long")
    tokens = MarkdownIt("commonmark", {"maxNesting": PARSER_NESTING}).parse(text)
    if any(token.type in ("bullet_list_open", "ordered_list_open") for token in tokens):
        return Fault("list")
    if any(token.type == "heading_open" and token.tag in ("h1", "h2") for token in tokens):
        return Fault("heading")
    if _DEMAND.fullmatch(key) and [token.type for token in tokens if not token.level] != _PARAGRAPH:
        return Fault("one-line")
    return None


def with_pieces(files: Mapping[str, str], language: str, pieces: Mapping[str, str]) -> dict[str, str]:
    """Return the files with these words in a language, which may be a new one. A piece left out is "".

    What does not change keeps its bytes. Raises PieceError if the result is no petition, or if a piece would be read as
    something else, such as a list within a paragraph.
    """
    wanted = {key: normal(key, text) for key, text in pieces.items()}
    if faults := {key: fault for key, text in wanted.items() if (fault := fault_of(key, text))}:
        raise PieceError(faults)
    definition = folder.parse(files)
    known = pieces_of(definition, language) if language in definition.languages else {}
    changed = editing.with_terms(files, _terms(definition, language, wanted))
    names = [wanted.get(f"recipient-{one.key}", "") for one in definition.recipients]
    changed = editing.with_recipient_names(changed, language, names)
    name = f"{language}.md"
    lines = _Lines()
    if not known or any(
        wanted.get(key, "") != known.get(key, "") for key in {*known, *wanted} if _in_text(key)
    ):
        body = _body(wanted, lines)
        if known and not any(
            wanted.get(key, "") != known.get(key, "") for key in {*known, *wanted} if _in_body(key)
        ):
            body = editing.wording(files[name])[1]  # as it was written
        changed[name] = editing.with_wording(files.get(name, ""), wanted, body)
        lines.shift(len(changed[name].split("\n")) - len(body.split("\n")) - 1, wanted)
    _check(changed, language, wanted, lines)
    return changed


def _in_text(key: str) -> bool:
    return key not in TERMS and not key.startswith("recipient-")


def _in_body(key: str) -> bool:
    return _in_text(key) and key not in FRONT_MATTER


def _terms(definition: Definition, language: str, wanted: Mapping[str, str]) -> dict[tuple[str, ...], object]:
    """Return the values of petition.toml that differ, by path."""
    if language in definition.languages:
        known = pieces_of(definition, language)
        return {
            (*path, language): wanted.get(key, "")
            for key, path in TERMS.items()
            if wanted.get(key, "") != known[key]
        }
    values: dict[tuple[str, ...], object] = {
        (*path, language): wanted.get(key, "") for key, path in TERMS.items()
    }
    return {**values, ("languages",): [*definition.languages, language]}


class _Lines:
    """Which piece is in which line of a LANG.md."""

    def __init__(self) -> None:
        self._keys: list[tuple[int, str]] = []

    def add(self, line: int, key: str) -> None:
        self._keys.append((line, key))

    def shift(self, front: int, wanted: Mapping[str, str]) -> None:
        """Count from the top of the file, and add the lines of its front matter."""
        self._keys = [(line + front, key) for line, key in self._keys]
        written = [key for key in FRONT_MATTER if wanted.get(key)]
        self._keys = [*enumerate(written, 2), *self._keys]

    def at(self, line: int) -> str:
        """Return the key of the piece in a line, else ""."""
        return next((key for first, key in reversed(self._keys) if first <= line), "")


def _body(wanted: Mapping[str, str], lines: _Lines) -> str:
    """Return the Markdown of the letter, and note the line of each piece."""
    out: list[str] = []

    def add(key: str, text: str) -> None:
        out.append("")
        lines.add(len(out), key)
        out.extend(text.split("\n"))

    _add_sections("section", wanted, add)
    if wanted.get("demands-heading"):
        add("demands-heading", f"## {_heading(wanted['demands-heading'])}")
    out.append("")
    for key in (key for key in wanted if _DEMAND.fullmatch(key)):
        lines.add(len(out), key)
        out.append(f"{'  ' * (key.count('-') - 1)}- {wanted[key]}")
    _add_sections("closing", wanted, add)
    return "\n".join(out[1:])


def _add_sections(kind: str, wanted: Mapping[str, str], add: Callable[[str, str], None]) -> None:
    numbers = sorted({int(key.split("-")[1]) for key in wanted if key.startswith(f"{kind}-")})
    for number in numbers:
        heading, body = wanted.get(f"{kind}-{number}-heading", ""), wanted.get(f"{kind}-{number}", "")
        if heading:
            add(f"{kind}-{number}-heading", f"## {_heading(heading)}")
        if body:
            add(f"{kind}-{number}", body)


def _heading(text: str) -> str:
    """Return Markdown that shows a heading unchanged."""
    return re.sub(r"([\\`*_\[\]<&#])", r"\\\1", text)


def _check(files: Mapping[str, str], language: str, wanted: Mapping[str, str], lines: _Lines) -> None:
    """Read the files again: they must be a petition, and say what was wanted."""
    try:
        read = pieces_of(folder.parse(files), language)
    except FolderError as error:
        sentences: dict[str, str] = {}
        for problem in error.problems:
            key = lines.at(problem.line) if problem.file == f"{language}.md" else ""
            sentences[key] = f"{sentences[key]} {problem.sentence}" if key in sentences else problem.sentence
        raise PieceError({key: Fault("other", text) for key, text in sentences.items()}) from error
    keys = [*wanted, *(key for key in read if key not in wanted)]
    if wrong := next((key for key in keys if read.get(key, "").strip() != wanted.get(key, "").strip()), None):
        raise PieceError({wrong: Fault("one-line")})
