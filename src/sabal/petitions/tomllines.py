"""Find the line of each key of a TOML text. `tomllib` gives values without lines, and problems need lines."""

import re
from collections.abc import Iterator, Mapping

KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(#.*)?")
_WORD = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
# The pieces that decide whether a value ends on its line. Brackets in strings and comments do not count.
_PIECE = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL
)


def key_lines(source: str) -> Mapping[KeyPath, int]:
    """Return line numbers (from 1) by path, such as ("recipients", 0, "name"), for TOML that `tomllib` accepts.

    Keys inside inline tables and arrays have no lines of their own. Only the key that contains them has one.
    """
    found: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in _statements(source):
        header = _HEADER.fullmatch(line)
        if header:
            words = _words(header[2])
            table = _resolve(words, counts)
            if header[1] == "[[":
                index = counts.get(table, -1) + 1
                counts[table] = index
                found.setdefault(table, number)
                table = (*table, index)
            _note(found, table, number)
        else:
            _note(found, (*table, *_words(line)), number, beyond=len(table))
    return found


def headers(source: str) -> list[tuple[int, KeyPath]]:
    """Return the line number (from 1) and the words of each header, such as [fields] or [[recipients]]."""
    found = ((number, _HEADER.fullmatch(line)) for number, line in _statements(source))
    return [(number, _words(header[2])) for number, header in found if header]


def _note(found: dict[KeyPath, int], path: KeyPath, number: int, beyond: int = 0) -> None:
    for end in range(beyond + 1, len(path) + 1):
        found.setdefault(path[:end], number)


def _resolve(words: KeyPath, counts: Mapping[KeyPath, int]) -> KeyPath:
    """Return the path that a header means. Below an array of tables it is in the newest table."""
    path: KeyPath = ()
    for position, word in enumerate(words):
        path = (*path, word)
        if path in counts and position < len(words) - 1:
            path = (*path, counts[path])
    return path


def _words(text: str) -> KeyPath:
    """Return the parts of the dotted key at the beginning of `text`."""
    words: list[str | int] = []
    at = 0
    while match := _WORD.match(text, at):
        words.append(next(group for group in match.groups() if group is not None))
        at = match.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return tuple(words)


def _statements(source: str) -> Iterator[tuple[int, str]]:
    """Yield the first line of every statement, with its number. Leave out lines inside a value."""
    number, depth, start = 1, 0, 0
    statement = 1
    first = True
    for piece in _PIECE.finditer(source + "\n"):
        mark = piece[0]
        if first:
            statement, first = number, False
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        elif mark == "\n" and depth <= 0:
            line = source[start : piece.start()].split("\n", 1)[0]
            if line.strip() and not line.lstrip().startswith("#"):
                yield statement, line.rstrip("\r")
            start, first = piece.end(), True
        number += mark.count("\n")
