"""Read, parse and write the petition folder: petition.toml, one LANG.md per language, picture.webp. No Django here.

The database stores the files (name → text) unchanged, so that an export returns exactly the imported files.
docs/petition-folder.md describes the format.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields as fields_of
from datetime import date, timedelta
from pathlib import Path

import tomlkit

from sabal import typed
from sabal.petitions import agreement, picture
from sabal.petitions.definition import (
    FILE_BYTES,
    LANGUAGE,
    NO_DATE,
    TO_COMPLETE,
    Definition,
    FolderError,
    Problem,
    Terms,
    Text,
)
from sabal.petitions.profile import GRACE_DAYS
from sabal.petitions.protection import PROFILE_QUESTION
from sabal.petitions.terms import parse_terms
from sabal.petitions.tomltable import FILE
from sabal.petitions.wording import parse_text
from sabal.refusal import Refusal

# Control characters, and characters that change the direction of text. They could hide what a signer signs.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def read(path: Path) -> dict[str, str]:
    """Return the files of the folder at `path`, name → text, unchanged.

    Follow no symbolic link, open only the files of a petition folder, and skip hidden files. Raises FolderError with
    every problem.
    """
    problems: list[Problem] = []
    files: dict[str, str] = {}
    if os.open not in os.supports_dir_fd:
        raise FolderError([Problem(str(path), 1, "Windows cannot import a folder; do it on the server.")])
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise FolderError([Problem(str(path), 1, _why_no_folder(error))]) from error
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if name.startswith("."):
                continue
            if not is_known(name):
                problems.append(Problem(name, 1, UNKNOWN_FILE))
                continue
            text = _read_file(folder, name, problems)
            if text is not None:
                files[name] = text
    finally:
        os.close(folder)
    if problems:
        raise FolderError(problems)
    return files


def parse(files: Mapping[str, str]) -> Definition:
    """Return the definition in the files (name → text). Raises FolderError with every problem, by file and line."""
    problems: list[Problem] = []
    sources = {name: _source(name, text, problems) for name, text in files.items() if name != picture.NAME}
    if FILE not in files:
        problems.append(Problem(FILE, 1, f"{FILE} is missing."))
    terms = parse_terms(sources.get(FILE, ""), problems) if FILE in files else None
    texts: dict[str, Text] = {}
    lines: dict[str, Mapping[str, int]] = {}
    for name, source in sources.items():
        if name.endswith(".md") and is_known(name):
            language = name.removesuffix(".md")
            texts[language], lines[language] = parse_text(language, source, problems)
    if terms:
        agreement.check(terms, texts, lines, problems)
    shown = picture.parse(files[picture.NAME], problems) if picture.NAME in files else None
    if problems or not terms:
        raise FolderError(sorted(set(problems), key=lambda problem: (problem.file != FILE, problem)))
    values = {item.name: getattr(terms, item.name) for item in fields_of(Terms)}
    texts = {language: texts[language] for language in terms.languages}
    return Definition(texts=texts, picture=shown, **values)


def write(files: Mapping[str, str], directory: Path) -> None:
    """Write the files into `directory`, and make it if it is missing.

    Each file is replaced as a whole. Other visible files in the directory would become part of the petition, so they
    are refused. Raises FolderError.
    """
    wrong = [
        Problem(name, 1, "This file does not belong in a petition folder. Remove it.")
        for name in files
        if not is_known(name)
    ]
    if wrong:
        raise FolderError(wrong)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        others = [
            name
            for name in (path.name for path in directory.iterdir())
            if name[0] != "." and name not in files
        ]
        if others:
            sentence = (
                "This file does not belong to the petition being written. Remove it, or use another folder."
            )
            raise FolderError([Problem(str(directory / name), 1, sentence) for name in sorted(others)])
        for name, text in files.items():
            # A rename replaces a symbolic link instead of writing through it.
            temporary = directory / f".{name}.{os.getpid()}"
            temporary.write_bytes(picture.as_bytes(name, text))
            temporary.replace(directory / name)
    except OSError as error:
        sentence = f"The folder cannot be written: {error.strerror}."
        raise FolderError([Problem(str(directory), 1, sentence)]) from error


def set_organiser_keys(files: Mapping[str, str], keys: Sequence[str]) -> dict[str, str]:
    """Return the files with `organiser_keys` set. The rest of petition.toml keeps its order and format.

    Raises FolderError if petition.toml is missing or not TOML.
    """
    problems: list[Problem] = []
    if parse_terms(_source(FILE, files.get(FILE, ""), []), problems) is None or FILE not in files:
        raise FolderError(problems or [Problem(FILE, 1, f"{FILE} is missing.")])
    document = tomlkit.parse(files[FILE].removeprefix("\ufeff"))
    document["organiser_keys"] = list(keys)
    byte_order_mark = "\ufeff" if files[FILE].startswith("\ufeff") else ""
    return {**files, FILE: byte_order_mark + tomlkit.dumps(document)}


def lacking(definition: Definition, *, today: date | None = None) -> tuple[str, ...]:
    """Return a sentence for each value that must be completed before publishing.

    With `today`, also name a retention or closing date that has passed.
    """
    sentences = []
    if not definition.organiser_keys:
        sentences.append("There is no organiser key, so signatures could not be encrypted.")
    if not definition.profile_chosen:
        sentences.append(f"`profile` is not chosen yet. {PROFILE_QUESTION}")
    if any(TO_COMPLETE in name for name in definition.organiser.values()):
        sentences.append("`organiser` does not yet name the organisation that asks.")
    controller = definition.controller
    for key, label, texts in (
        ("name", "legal name", controller.name.values()),
        ("address", "postal address", controller.address.values()),
        ("privacy_contact", "privacy contact", (controller.privacy_contact,)),
    ):
        if any(TO_COMPLETE in text for text in texts):
            sentences.append(
                f"`controller.{key}` does not yet give the {label} of the organisation or person responsible for"
                " signers' data."
            )
    if definition.retention == NO_DATE:
        sentences.append("`retention` does not yet say until when signatures are kept.")
    elif today and definition.retention < today + timedelta(days=GRACE_DAYS):
        sentences.append("`retention` is too near: signatures given now could not be confirmed by then.")
    if today and definition.closes and definition.closes < today:
        sentences.append("`closes` has passed, so nobody could sign.")
    if any(
        TO_COMPLETE in recipient.name.get(definition.authoritative, "") for recipient in definition.recipients
    ):
        sentences.append("`recipients` does not yet say to whom the petition is addressed.")
    for language, text in definition.texts.items():
        for part, words in (
            ("title", text.title),
            ("summary", text.summary),
            ("demands", repr(text.demands)),
        ):
            if TO_COMPLETE in words:
                sentences.append(f"{language}.md: the {part} must be written.")
        if definition.picture and not text.picture_description:
            sentences.append(
                f"{language}.md: `{picture.DESCRIPTION}` must say what is to be seen in {picture.NAME}, for readers who"
                " do not see it."
            )
    return tuple(sentences)


def is_known(name: str) -> bool:
    """Return whether a petition folder can have a file of this name."""
    return name in (FILE, picture.NAME) or (
        name.endswith(".md") and LANGUAGE.fullmatch(name.removesuffix(".md")) is not None
    )


UNKNOWN_FILE = (
    "A petition folder holds petition.toml, one LANG.md for each language and perhaps picture.webp."
)


def _why_no_folder(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "There is no such folder."
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "This is not a folder, or it is a symbolic link to one. Give the folder itself."
    return f"The folder cannot be read: {error.strerror}."


def _read_file(folder: int, name: str, problems: list[Problem]) -> str | None:
    try:
        # O_NONBLOCK: opening a named pipe must not wait for a writer.
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        link = error.errno == errno.ELOOP
        why = "This is a symbolic link" if link else f"The file cannot be read ({error.strerror})"
        problems.append(Problem(name, 1, f"{why}. Put the file itself here."))
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        problems.append(Problem(name, 1, "This is not a regular file."))
        return None
    most = picture.FILE_BYTES if name == picture.NAME else FILE_BYTES
    with os.fdopen(handle, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        problems.append(Problem(name, 1, f"The file is larger than {most // 1000} kB."))
        return None
    if name == picture.NAME:
        try:
            return picture.imported(content)
        except Refusal as refusal:
            problems.append(Problem(name, 1, str(refusal)))
            return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problems.append(Problem(name, line, "This is not UTF-8 text. Save the file as UTF-8."))
        return None


def _source(name: str, text: str, problems: list[Problem]) -> str:
    """Return the text for the parsers: no byte order mark, line ends "\\n", NFC, no invisible characters."""
    if not is_known(name):
        problems.append(Problem(name, 1, UNKNOWN_FILE))
        return ""
    if len(text.encode("utf-8", "surrogatepass")) > FILE_BYTES:
        problems.append(Problem(name, 1, f"The file is larger than {FILE_BYTES // 1000} kB."))
        return ""
    source = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(source.split("\n"), 1):
        problems += [Problem(name, number, sentence) for sentence in problems_of(line)]
    return typed.nfc(_INVISIBLE.sub(" ", source))


def problems_of(line: str) -> Iterator[str]:
    """Yield a sentence for each reason why a line cannot be shown to the public as it is."""
    for character in sorted(set(_INVISIBLE.findall(line))):
        yield f"This line holds an invisible character (U+{ord(character):04X}). Remove it."
    if "⟦" in line or "⟧" in line:
        # Pages that are filled for each visitor have placeholders in these brackets (pages/prepared.py). A title with
        # one of them would show the visitor's token in a place that is meant to be shared.
        yield "The brackets ⟦ and ⟧ cannot be used here. Write [ and ] or leave them out."
    if "AGE-SECRET-KEY-" in line.upper():
        yield "A secret key is in this file. Remove it, and use a new key in its place."
    if typed.is_stacked(line):
        yield f"This line has more than {typed.MARKS} marks on one letter. Remove them."
