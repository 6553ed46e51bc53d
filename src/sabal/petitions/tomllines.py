"""Where each key of a TOML text stands. `tomllib` gives values without lines, and problems need lines."""

import re
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(#.*)?")
_WORD = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
# What must be skipped to know whether a value ends on its line: strings and comments hide brackets.
_PIECE = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL
)


def lines_of(source: str) -> Mapping[Path, int]:
    """Line numbers (from 1) by path, such as ("recipients", 0, "name"), for TOML that `tomllib` accepts. Keys
    inside inline tables and arrays are not told apart: they stand on the line of the key that holds them."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
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


def _note(found: dict[Path, int], path: Path, number: int, beyond: int = 0) -> None:
    for end in range(beyond + 1, len(path) + 1):
        found.setdefault(path[:end], number)


def _resolve(words: Path, counts: Mapping[Path, int]) -> Path:
    """The path a header means: beneath an array of tables it is the newest of them."""
    path: Path = ()
    for position, word in enumerate(words):
        path = (*path, word)
        if path in counts and position < len(words) - 1:
            path = (*path, counts[path])
    return path


def _words(text: str) -> Path:
    """The parts of a dotted key at the beginning of `text`."""
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
    """The first line of every statement, with its number; lines in the midst of a value are left out."""
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
