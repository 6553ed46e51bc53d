"""Make a petition folder from a plain letter, such as one that people sign on paper or send by post."""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sabal.petitions.definition import NO_DATE, TO_COMPLETE, FolderError, Problem
from sabal.petitions.frontmatter import FRONT_MATTER, join_lines, unquoted
from sabal.petitions.letterlist import Item
from sabal.petitions.letterparts import Letter, LetterSection
from sabal.petitions.letterreader import read_parts
from sabal.petitions.letterwords import OWN_WORDS, SIMPLIFIED, TRADITIONAL
from sabal.petitions.protection import PROFILE_QUESTION
from sabal.petitions.slugs import is_free_slug, key_of, slug_of
from sabal.petitions.wording import DEMAND_LENGTH, DEMANDS

LETTER_BYTES = 60_000

_HINTS = ("lantern", "harbour", "meadow")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile("[\u3041-\u30ff]")


@dataclass(frozen=True)
class LetterResult:
    """The folder's files (name → text), which `folder.parse` accepts as a draft, and notes.

    The notes are sentences about lines that could not be placed and about things to check.
    """

    files: dict[str, str]
    notes: tuple[str, ...]


def folder_from_letter(
    text: str, *, number: int = 1, name: str = "letter", profile: str | None = None
) -> LetterResult:
    """Return a petition folder with the contents of the letter.

    A letter does not say who is responsible for the data or how long signatures are kept. Such values are marked for
    `folder.lacking`. Without a `profile` ("guarded" or "open"), so is that. If the title gives no slug, the slug is
    "petition-<number>". `name` is the file name in errors. Raises FolderError if the text is empty, too long, not text
    at all, or contains a secret key.
    """
    _refuse(text, name)
    letter = read_parts(text)
    language = language_of(text)
    notes = list(letter.notes)
    title = letter.title or OWN_WORDS[language]["complete"]
    wording = _wording(letter, language, title, notes)
    slug = _slug(letter.title, number)
    return LetterResult(
        {"petition.toml": _terms(letter, language, slug, title, profile), f"{language}.md": wording},
        tuple(notes),
    )


def read_letter(path: Path) -> str:
    """Return the text of the letter at `path`: UTF-8, or UTF-16 with a byte order mark. Raises FolderError."""
    try:
        if not path.is_file():
            raise FolderError([Problem(str(path), 1, "There is no such file.")])
        with path.open("rb") as file:
            content = file.read(LETTER_BYTES + 1)
    except OSError as error:
        raise FolderError([Problem(str(path), 1, f"The file cannot be read: {error.strerror}.")]) from error
    if len(content) > LETTER_BYTES:
        raise FolderError([_too_long(str(path))])
    coding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return content.decode(coding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sentence = "This is not plain text in UTF-8. Save the letter as plain text (.txt), in UTF-8."
        raise FolderError([Problem(str(path), line, sentence)]) from error


def language_of(text: str) -> str:
    """Return the language by its script: "ko", "zh-hans", "zh-hant", or "en" for any other script."""
    letters = sum(character.isalpha() for character in text) or 1
    hangul, han, kana = (len(script.findall(text)) for script in (_HANGUL, _HAN, _KANA))
    if hangul > 0.3 * letters:
        return "ko"
    if han <= 0.3 * letters or kana > 0.05 * letters or hangul > 0.05 * letters:
        return "en"
    traditional = sum(character in TRADITIONAL - SIMPLIFIED for character in text)
    simplified = sum(character in SIMPLIFIED - TRADITIONAL for character in text)
    return "zh-hant" if traditional > simplified else "zh-hans"


def _refuse(text: str, name: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > LETTER_BYTES:
        raise FolderError([_too_long(name)])
    for number, line in enumerate(text.split("\n"), 1):
        if "\0" in line:
            raise FolderError(
                [Problem(name, number, "This is not text. Save the letter as plain text (.txt).")]
            )
        if "AGE-SECRET-KEY-" in line.upper():
            sentence = "A secret key is in this file. Remove it, and use a new key in its place."
            raise FolderError([Problem(name, number, sentence)])
    if not any(character.isalnum() for character in text):
        raise FolderError([Problem(name, 1, "The letter is empty.")])


def _too_long(name: str) -> Problem:
    return Problem(
        name,
        1,
        f"The letter is longer than {LETTER_BYTES // 1000} kB. Shorten it, or write a petition folder.",
    )


def _slug(title: str, number: int) -> str:
    """Return a slug of the title (at most 60 characters).

    Return "petition-<number>" if the title is not mainly in Latin letters or its slug is not free.
    """
    letters = [character for character in unicodedata.normalize("NFKC", title) if character.isalpha()]
    latin = [character for character in letters if "LATIN" in unicodedata.name(character, "")]
    slug = slug_of(title)
    if len(latin) * 2 > len(letters) and is_free_slug(slug):
        return slug
    return f"petition-{number}"


# petition.toml


def _terms(letter: Letter, language: str, slug: str, title: str, profile: str | None) -> str:
    complete = OWN_WORDS[language]["complete"]
    hint = next((word for word in _HINTS if word not in title.lower() and word not in slug), "pebble")
    head = f"""\
# Made from a plain letter. Complete the marked places; docs/petition-folder.md explains each key.
slug = {_quoted(slug)}
languages = [{_quoted(language)}]
authoritative = {_quoted(language)}
organiser = {_quoted(letter.organiser or complete)}

# {PROFILE_QUESTION}
profile = {_quoted(profile or TO_COMPLETE)}
# The one word by which emails to signers are recognised. It must not tell what the petition is about.
hint = {_quoted(hint)}

# {TO_COMPLETE}: the day until which signatures are kept.
retention = {NO_DATE.isoformat()}
purpose = {_quoted(OWN_WORDS[language]["purpose"])}
recipients_get = "count"
newsletter = {"true" if letter.newsletter_invitation else "false"}
organiser_keys = []

# The organisation or person legally responsible for the signers' data.
[controller]
name = {_quoted(complete)}
address = {_quoted(complete)}
privacy_contact = {_quoted(complete)}
"""
    return head + "".join(_recipients(letter.recipients or [(complete, "")]))


def _recipients(recipients: Sequence[tuple[str, str]]) -> list[str]:
    keys: list[str] = []
    tables = []
    for name, address in recipients:
        lines = [f"name = {_quoted(name)}"]
        if TO_COMPLETE not in name:
            keys.append(key_of(name, keys))
            lines.insert(0, f"key = {_quoted(keys[-1])}")
        if address:
            lines.append(f"address = {_quoted(address)}")
        tables.append("\n[[recipients]]\n" + "\n".join(lines) + "\n")
    return tables


def _quoted(text: str) -> str:
    """Return `text` as a TOML string. TOML has JSON's escapes. DEL, which JSON does not escape, was removed before."""
    return json.dumps(text, ensure_ascii=False)


# LANG.md


def _wording(letter: Letter, language: str, title: str, notes: list[str]) -> str:
    own = OWN_WORDS[language]
    summary = _summary(letter, notes) or own["complete"]
    front = [f"title: {_front(title)}", f"summary: {_front(summary)}"]
    for key in ("subject", "sign_invitation", "newsletter_invitation"):
        if value := getattr(letter, key):
            front.append(f"{key}: {_front(value)}")
    blocks = ["---", *front, "---"]
    for section in letter.sections:
        blocks += _section(section, own["section"], notes)
    blocks += [
        "",
        f"## {_heading(letter.demands_heading or own['demands'])}",
        "",
        *_demands(letter, own["complete"], notes),
    ]
    for paragraph in letter.closing.paragraphs:
        blocks += ["", _escaped(join_lines(paragraph))]
    return "\n".join(blocks) + "\n"


def _summary(letter: Letter, notes: list[str]) -> str:
    first = re.split(r"(?<=[.!?])\s|(?<=[。！？])", letter.subject, maxsplit=1)[0]
    if not first or len(first) > FRONT_MATTER["summary"]:
        return ""
    notes.append("The summary is the first sentence of the subject. Say in one sentence what is asked.")
    return first


def _front(text: str) -> str:
    text = join_lines(text)
    return f"“{text[1:-1]}”" if unquoted(text) != text else text


def _section(section: LetterSection, heading: str, notes: list[str]) -> list[str]:
    if not section.paragraphs:
        notes.append(f"The heading “{section.heading}” has nothing beneath it and was left out.")
        return []
    blocks = ["", f"## {_heading(section.heading or heading)}"]
    for paragraph in section.paragraphs:
        blocks += ["", _escaped(join_lines(paragraph))]
    return blocks


def _heading(text: str) -> str:
    return _escaped(join_lines(text)).replace("#", "\\#")


def _demands(letter: Letter, complete: str, notes: list[str]) -> list[str]:
    lines: list[str] = []
    _write_items(letter.demands, 0, lines, notes)
    if not lines:
        notes.append("No demands were found. Write them as a list at the end of the file.")
        return [f"- {_escaped(complete)}"]
    return lines


def _write_items(items: Sequence[Item], depth: int, lines: list[str], notes: list[str]) -> None:
    for item in items:
        text = join_lines("\n".join(text for _, text in item.lines))
        if len(_escaped(text)) > DEMAND_LENGTH or len(lines) >= DEMANDS:
            number = item.lines[0][0]
            notes.append(f"Line {number} could not be placed among the demands: “{text}”")
            _write_items(item.items, depth, lines, notes)
            continue
        lines.append(f"{'  ' * depth}- {_escaped(text)}")
        _write_items(item.items, depth + 1, lines, notes)


def _escaped(text: str) -> str:
    """Return Markdown that shows `text` unchanged."""
    text = re.sub(r"([\\`*_\[\]<])", r"\\\1", text)
    text = re.sub(r"&(?=#?\w+;)", r"\\&", text)
    text = re.sub(r"^([#>+=~|-])", r"\\\1", text)
    return re.sub(r"^(\d{1,9})([.)])", r"\1\\\2", text)
