"""Make a petition folder of a letter's reading. The same reading, hint and profile always give the same files."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sabal.petitions.definition import NO_DATE, TO_COMPLETE
from sabal.petitions.editing import front_value
from sabal.petitions.frontmatter import FRONT_MATTER, join_lines, unquoted
from sabal.petitions.letters.addressees import recipients_of, with_address
from sabal.petitions.letters.inline import divided
from sabal.petitions.letters.lines import bare
from sabal.petitions.letters.reading import LetterLine, LetterReading, Role
from sabal.petitions.letters.words import LetterWords, own_words, without_number, words_of
from sabal.petitions.protection import PROFILE_QUESTION
from sabal.petitions.slugs import is_free_slug, key_of, slug_of
from sabal.petitions.tomltable import FILE
from sabal.petitions.wording import DEMAND_LENGTH, DEMANDS, HEADING_LENGTH

RECIPIENTS = 100


@dataclass
class _Text:
    """One paragraph, item or name: its number, its depth and its lines joined into one."""

    number: int
    text: str
    level: int = 0


@dataclass
class _Notes:
    """What did not fit into the files, in sentences."""

    sentences: list[str] = field(default_factory=list)

    def left_out(self, text: _Text, why: str) -> None:
        self.sentences.append(f"Line {text.number} {why}: “{text.text[:300]}”")


def draft(
    reading: LetterReading, *, slug: str, hint: str, profile: str | None = None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the files of a petition folder (name → text) in the letter's own language, and notes.

    `hint` is the neutral word of guarded emails. Without a `profile` ("guarded" or "open") it is left to be completed.
    """
    notes = _Notes()
    wording = text_of(reading, reading.language, notes.sentences)
    terms = _terms(reading, slug, hint, profile, notes)
    return {FILE: terms, f"{reading.language}.md": wording}, tuple(notes.sentences)


def title_of(reading: LetterReading, language: str) -> str:
    """Return the title in one language, else the subject if it is short, else ""."""
    for role in (Role.TITLE, Role.SUBJECT):
        if title := _first(reading, role, language, _Notes(), limit=FRONT_MATTER["title"]):
            return unquoted(bare(title))
    return ""


def slug_for(reading: LetterReading, number: int) -> str:
    """Return a slug of the title, or "petition-<number>" if that is not mainly in Latin letters or not free."""
    title = title_of(reading, reading.language)
    letters = [character for character in unicodedata.normalize("NFKC", title) if character.isalpha()]
    latin = [character for character in letters if "LATIN" in unicodedata.name(character, "")]
    slug = slug_of(title)
    return slug if len(latin) * 2 > len(letters) and is_free_slug(slug) else f"petition-{number}"


def _texts(lines: Iterable[LetterLine]) -> list[_Text]:
    """Return the lines as paragraphs: each with the lines that continue it."""
    texts: list[_Text] = []
    for line in lines:
        if line.continues and texts:
            texts[-1].text = join_lines(f"{texts[-1].text}\n{line.content}")
        elif line.content:
            texts.append(_Text(line.number, line.content, line.level))
    return texts


# petition.toml


def _terms(reading: LetterReading, slug: str, hint: str, profile: str | None, notes: _Notes) -> str:
    language = reading.language
    own = own_words(language)
    complete = own["complete"]
    organiser, address = with_address(_first(reading, Role.ORGANISER, language, notes, limit=200))
    if address:
        notes.sentences.append(f"The organiser's email address ({address}) is not published.")
    newsletter = bool(reading.of(Role.NEWSLETTER))
    head = f"""\
# Made from a plain letter. Complete the marked places; docs/petition-folder.md explains each key.
slug = {_quoted(slug)}
languages = [{_quoted(language)}]
authoritative = {_quoted(language)}
organiser = {_quoted(organiser or complete)}

# {PROFILE_QUESTION}
profile = {_quoted(profile or TO_COMPLETE)}
# The one word by which emails to signers are recognised, drawn at random. It must not tell what the petition is about.
hint = {_quoted(hint)}

# {TO_COMPLETE}: the day until which signatures are kept.
retention = {NO_DATE.isoformat()}
purpose = {_quoted(own["purpose"])}
recipients_get = "count"
newsletter = {"true" if newsletter else "false"}
organiser_keys = []

# The organisation or person legally responsible for the signers' data.
[controller]
name = {_quoted(complete)}
address = {_quoted(complete)}
privacy_contact = {_quoted(complete)}
"""
    return head + "".join(_recipients(recipients_of(reading, language) or [(complete, "")]))


def _first(reading: LetterReading, role: Role, language: str, notes: _Notes, *, limit: int) -> str:
    """Return the first text of a role that fits. Note the others."""
    first = ""
    for text in _texts(reading.of(role, language=language)):
        if not first and len(text.text) <= limit:
            first = text.text
        else:
            notes.left_out(text, f"could not be placed as {role}")
    return first


def _recipients(recipients: Sequence[tuple[str, str]]) -> list[str]:
    keys: list[str] = []
    tables = []
    for name, address in recipients[:RECIPIENTS]:
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


def text_of(reading: LetterReading, language: str, sentences: list[str]) -> str:
    """Return the LANG.md of one language. Append to `sentences` what did not fit."""
    notes, own = _Notes(sentences), own_words(language)
    _first(reading, Role.TITLE, language, notes, limit=FRONT_MATTER["title"])
    subject = " ".join(text.text for text in _texts(reading.of(Role.SUBJECT, language=language)))
    front = {
        "title": title_of(reading, language) or own["complete"],
        "summary": _summary(subject, notes) or own["complete"],
        "subject": subject if len(subject) <= FRONT_MATTER["subject"] else "",
        "sign_invitation": _invitation(reading, Role.SIGN, language, notes),
        "newsletter_invitation": _invitation(reading, Role.NEWSLETTER, language, notes),
    }
    blocks = ["---", *(f"{key}: {front_value(value)}" for key, value in front.items() if value), "---"]
    if subject and not front["subject"]:
        blocks += ["", f"## {_heading(own['background'])}", "", _escaped(subject)]
    sections, heading, closing = _sections(reading, language, notes)
    for title, paragraphs in sections:
        blocks += _section(title or own["background"], paragraphs)
    blocks += ["", f"## {_heading(heading or own['demands'])}", "", *_demands(reading, language, notes)]
    for title, paragraphs in closing:
        blocks += _section(title, paragraphs)
    return "\n".join(blocks) + "\n"


def _summary(subject: str, notes: _Notes) -> str:
    first = re.split(r"(?<=[.!?])\s|(?<=[。！？])", subject, maxsplit=1)[0]
    if not first or len(first) > FRONT_MATTER["summary"]:
        return ""
    notes.sentences.append(
        "The summary is the first sentence of the subject. Say in one sentence what is asked."
    )
    return first


def _invitation(reading: LetterReading, role: Role, language: str, notes: _Notes) -> str:
    """Return the lines of an invitation that fit together."""
    together = ""
    for text in _texts(reading.of(role, language=language)):
        longer = f"{together} {text.text}".strip()
        if len(longer) <= FRONT_MATTER["sign_invitation"]:
            together = longer
        else:
            notes.left_out(text, "does not fit into the invitation")
    return together


_Sections = list[tuple[str, list[str]]]


def _sections(reading: LetterReading, language: str, notes: _Notes) -> tuple[_Sections, str, _Sections]:
    """Return the sections before the demands, the heading of the demands, and the sections after them."""
    before: _Sections = []
    after: _Sections = []
    heading, pending = "", _Text(0, "")
    has_demand = False
    for line in reading.of(*Role, language=language):
        if line.role in (Role.DEMAND, Role.PART):
            if pending.text and not has_demand:
                heading, pending = _fitting_heading(pending, notes), _Text(0, "")
            if line.label and not heading and not has_demand:
                heading = without_number(line.label.strip(" :：*_"))
            has_demand = True
        elif line.role == Role.HEADING:
            _note_empty(pending, notes)
            pending = _Text(line.number, without_number(line.content))
        elif line.role in (Role.BACKGROUND, Role.CLOSING) and line.content:
            sections = after if line.role == Role.CLOSING else before
            labelled = without_number(line.label.strip(" :：*_")) if line.label else ""
            if pending.text or labelled or not sections:
                sections.append((_fitting_heading(pending, notes) or labelled, []))
                pending = _Text(0, "")
            paragraphs = sections[-1][1]
            if line.continues and paragraphs:
                paragraphs[-1] = join_lines(f"{paragraphs[-1]}\n{line.content}")
            else:
                paragraphs.append(line.content)
    _note_empty(pending, notes)
    return before, heading, after


def _fitting_heading(heading: _Text, notes: _Notes) -> str:
    if len(_heading(heading.text)) <= HEADING_LENGTH:
        return heading.text
    notes.left_out(heading, "is too long for a heading")
    return ""


def _note_empty(heading: _Text, notes: _Notes) -> None:
    if heading.text:
        notes.sentences.append(f"The heading “{heading.text}” has nothing beneath it and was left out.")


def _section(title: str, paragraphs: Sequence[str]) -> list[str]:
    blocks = ["", f"## {_heading(title)}"] if title else []
    for paragraph in paragraphs:
        blocks += ["", _escaped(paragraph)]
    return blocks


def _demands(reading: LetterReading, language: str, notes: _Notes) -> list[str]:
    written: list[str] = []
    depth = -1
    for text in _each(_texts(reading.of(Role.DEMAND, Role.PART, language=language)), words_of(language)):
        if len(_escaped(text.text)) > DEMAND_LENGTH or len(written) >= DEMANDS:
            notes.left_out(text, "could not be placed among the demands")
            continue
        depth = min(text.level, depth + 1)
        written.append(f"{'  ' * depth}- {_escaped(text.text)}")
    if not written:
        notes.sentences.append("No demands were found. Write them as a list at the end of the file.")
        return [f"- {_escaped(own_words(language)['complete'])}"]
    return written


def _each(texts: Iterable[_Text], words: LetterWords) -> Iterator[_Text]:
    """Yield the demands. One that names several in a paragraph becomes these, below what introduces them."""
    for text in texts:
        introduction, items = divided(text.text, words)
        if introduction or not items:
            yield replace(text, text=introduction or text.text)
        for item in items:
            yield _Text(text.number, item, text.level + bool(introduction))


def _heading(text: str) -> str:
    return _escaped(join_lines(text)).replace("#", "\\#")


def _escaped(text: str) -> str:
    """Return Markdown that shows `text` unchanged."""
    text = re.sub(r"([\\`*_\[\]<])", r"\\\1", text)
    text = re.sub(r"&(?=#?\w+;)", r"\\&", text)
    text = re.sub(r"^([#>+=~|-])", r"\\\1", text)
    return re.sub(r"^(\d{1,9})([.)])", r"\1\\\2", text)
