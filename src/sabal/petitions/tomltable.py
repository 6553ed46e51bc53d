"""Check the values of one table of petition.toml. Problems are noted with their line."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sabal.nearest import did_you_mean
from sabal.petitions.definition import Problem
from sabal.petitions.tomllines import KeyPath

FILE = "petition.toml"


class Table:
    """One table of petition.toml.

    Each method returns a checked value. For a wrong value it appends a problem and returns a harmless value.
    """

    def __init__(
        self, data: Mapping[str, Any], path: KeyPath, lines: Mapping[KeyPath, int], problems: list[Problem]
    ) -> None:
        self.data, self.path, self.lines, self.problems = data, path, lines, problems

    def line(self, key: str | int | None = None) -> int:
        """Return the line of `key`, or of the nearest enclosing key or table that has one."""
        path = self.path if key is None else (*self.path, key)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, key: str | int | None, sentence: str) -> None:
        """Note a problem at the line of `key`."""
        self.problems.append(Problem(FILE, self.line(key), sentence))

    def check_keys(self, keys: Sequence[str]) -> None:
        """Note each key of the table that is not in `keys`."""
        for key in self.data:
            if key not in keys:
                self.problem(key, f"`{key}` is not a known key here. {suggestion(key, keys)}")

    def missing(self, key: str) -> None:
        where = f" in [{'.'.join(str(word) for word in self.path)}]" if self.path else ""
        self.problem(None, f"`{key}` is missing{where}.")

    def text(self, key: str, *, optional: bool = False, limit: int = 200, lines: bool = False) -> str:
        if key not in self.data:
            if not optional:
                self.missing(key)
            return ""
        return self._text(key, self.data[key], f"`{key}`", limit=limit, lines=lines)

    def _text(
        self, key: str | int, value: object, label: str, *, limit: int = 200, lines: bool = False
    ) -> str:
        if not isinstance(value, str):
            self.problem(key, f"{label} must be a text in quotation marks.")
            return ""
        value = value.strip()
        if not value:
            self.problem(key, f"{label} is empty.")
        elif len(value) > limit:
            self.problem(key, f"{label} is {len(value)} characters long; at most {limit} fit.")
        elif "\n" in value and not lines:
            self.problem(key, f"{label} must be on one line.")
        return value

    def texts(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        value = self.data.get(key)
        if value is None:
            if required:
                self.missing(key)
            return ()
        if not isinstance(value, list):
            self.problem(key, f'`{key}` must be a list of texts, such as {key} = ["…", "…"].')
            return ()
        found = tuple(self._text(key, item, f"An entry of `{key}`", limit=2500) for item in value)
        for item in sorted({item for item in found if item and found.count(item) > 1}):
            self.problem(key, f"`{key}` names “{item[:80]}” twice.")
        return found

    def word(self, key: str, words: Sequence[str], *, default: str | None = None) -> str:
        if key not in self.data and default is not None:
            return default
        value = self.text(key)
        if value and value not in words:
            self.problem(key, f"`{key}` is “{value[:80]}”. It must be one of: {', '.join(words)}.")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            self.problem(key, f"`{key}` must be true or false, without quotation marks.")
            return default
        return value

    def day(self, key: str, *, optional: bool = False) -> date | None:
        if key not in self.data:
            if not optional:
                self.missing(key)
            return None
        value = self.data[key]
        if not isinstance(value, date) or isinstance(value, datetime):
            self.problem(key, f"`{key}` must be a day without quotation marks, such as 2031-05-01.")
            return None
        return value

    def table(self, key: str, *, optional: bool = False) -> "Table":
        value = self.data.get(key, {})
        if key not in self.data and not optional:
            self.missing(key)
        elif not isinstance(value, dict):
            self.problem(key, f"`{key}` must be a table: a line [{key}] with its keys beneath.")
            value = {}
        return Table(value, (*self.path, key), self.lines, self.problems)

    def in_languages(
        self, key: str, languages: Sequence[str], limit: int = 200, *, lines: bool = False
    ) -> Mapping[str, str]:
        """Return a text for each language, from one text for all or from a table with one for each."""
        value = self.data.get(key)
        if not isinstance(value, dict):
            same = self.text(key, limit=limit, lines=lines)
            return dict.fromkeys(languages, same)
        inner = Table(value, (*self.path, key), self.lines, self.problems)
        for language in languages:
            if language not in value:
                self.problem(key, f"`{key}` has no text in “{language}”, which `languages` names.")
        for language in value:
            if languages and language not in languages:
                inner.problem(
                    language, f"`{key}.{language}` is in a language that `languages` does not name."
                )
        return {
            language: inner._text(language, text, f"`{key}.{language}`", limit=limit, lines=lines)
            for language, text in value.items()
        }


def suggestion(word: str, known: Sequence[str]) -> str:
    """Return a sentence that names the nearest of `known`, or all of them if none is near."""
    return did_you_mean(word, known, "`{}`") or f"Known here: {', '.join(known)}."
