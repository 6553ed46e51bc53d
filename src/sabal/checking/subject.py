"""Name what was checked: the petition and its organiser, by the signed text. docs/log-format.md "The check"."""

import re
from collections.abc import Mapping

from sabal.checking.report import plain

LONGEST = 200  # characters of a name in a sentence

_TITLE = re.compile(
    r"---[ \t\r]*\n(?:(?!---|title[ \t]*:)[^\n]*\n)*title[ \t]*:((?:[ \t\r][^\n]*)?(?:\n[ \t][^\n]*)*)"
)
_QUOTED = re.compile(r'"[^"]+"')


def title_of(terms: Mapping[str, object]) -> str | None:
    """Return the title in the first lines of the signed text, in one line; None if there is none."""
    text = terms.get("text")
    found = _TITLE.match(text) if isinstance(text, str) else None
    title = _one_line(found[1]) if found else ""
    return title[1:-1].strip() or None if _QUOTED.fullmatch(title) else title or None


def organiser_of(terms: Mapping[str, object]) -> str | None:
    """Return the organiser's name in one line; None if there is none."""
    name = terms.get("organiser")
    return _one_line(name) or None if isinstance(name, str) else None


def _one_line(text: str) -> str:
    line = " ".join(re.split(r"[ \t\r\n]+", text)).strip(" ")
    return plain(line if len(line) <= LONGEST else line[:LONGEST] + "…")
