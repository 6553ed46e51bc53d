"""The recipients that a letter's lines name, with their email addresses."""

import re

from sabal.petitions.frontmatter import join_lines
from sabal.petitions.letters.lines import bare, width
from sabal.petitions.letters.reading import LetterReading, Role
from sabal.petitions.letters.words import name_in, words_of
from sabal.petitions.links import is_email_address

NAME_LENGTH = 300
_ADDRESS = re.compile(
    r"^(?P<name>.*?)[\s,;–-]*[<(（\[]?\s*(?:mailto:)?(?P<address>[^\s<>()（）\[\]]+@[^\s<>()（）\[\]]+?)\s*[>)）\]]?$"
)
_EDGES = " ;,，、；:：؛،-–—•"


def recipients_of(reading: LetterReading, language: str) -> list[tuple[str, str]]:
    """Return each recipient's name and its email address ("" if there is none), in the order of the letter.

    A line that continues a name is joined to it. An address alone belongs to the name before it.
    """
    names: list[str] = []
    words = words_of(language)
    for line in reading.of(Role.RECIPIENT, language=language):
        content = bare(line.content)
        content = name_in(content, words) or content
        if line.continues and names:
            names[-1] = join_lines(f"{names[-1].rstrip(_EDGES)}{'' if _is_wide(content) else ','}\n{content}")
        else:
            names += [content] if line.mark else _divided(content)
    found: list[tuple[str, str]] = []
    for text in names:
        name, address = with_address(text)
        if not name and found and address and not found[-1][1]:
            found[-1] = (found[-1][0], address)
        elif (name or address) and name not in (known for known, _ in found):
            found.append(((name or address)[:NAME_LENGTH], address))
    return found


def _divided(text: str) -> list[str]:
    """Return the names of one line, divided as lists are written."""
    return re.split(r"[;；؛]|[,，、](?!\s?\d)" if _is_wide(text) else r"[;；؛]", text)


def _is_wide(text: str) -> bool:
    return width(text) > len(text)


def with_address(text: str) -> tuple[str, str]:
    """Return a name without its email address, and the address ("" if there is none)."""
    name = text.strip(_EDGES)
    match = _ADDRESS.fullmatch(name) if len(name) <= 2 * NAME_LENGTH else None
    if match and is_email_address(match["address"]):
        return match["name"].strip(_EDGES), match["address"]
    return name, ""
