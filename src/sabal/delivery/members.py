"""The file of a group's members: dated rows that an organiser edits, as TOML or as a table (CSV).

It is read into rows of text. The desk's form checks each row, so that a file and a page have the same rules.
"""

import csv
import io
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time
from importlib import resources

import tomlkit

from sabal import textfile
from sabal.delivery.contact import Contact
from sabal.petitions.definition import LANGUAGE
from sabal.spreadsheet import csv_line, plain

MOST_BYTES = 500_000
MOST_MEMBERS = 500
LONGEST = 4_000  # characters of a value
PLAIN = (
    *("key", "kind", "way", "language", "email", "postal", "form", "through"),
    *("days", "opens", "closes", "zone", "since", "until", "note"),
)
EXAMPLES = ("un-security-council.toml",)
_SEPARATORS = ",;\t"

Row = dict[str, str]


class BadFile(Exception):
    """The file cannot be read. `code`: "large", "text", "toml", "columns", "empty", "many"; `line` is 0 if unknown."""

    def __init__(self, code: str, line: int = 0) -> None:
        super().__init__(code)
        self.code, self.line = code, line


@dataclass(frozen=True)
class MemberFile:
    """The rows of a file. A name is `name:en` and so on, or `name` for all languages.

    `source` says where the list is from, `as_of` for which day it was made, `complete_until` up to which day it is
    known; each is "" if the file does not say it.
    """

    rows: tuple[Row, ...]
    source: str = ""
    as_of: str = ""
    complete_until: str = ""
    unknown: tuple[str, ...] = field(default=())  # names of columns that nothing is done with


def read(data: bytes) -> MemberFile:
    """Read a file of either kind, which is told by its content. Raises BadFile."""
    if len(data) > MOST_BYTES:
        raise BadFile("large")
    try:
        text = textfile.decode(data)
    except textfile.NotText:
        raise BadFile("text") from None
    found = _read_toml(text) if "[[members]]" in text else _read_csv(text)
    if not found.rows:
        raise BadFile("empty")
    if len(found.rows) > MOST_MEMBERS:
        raise BadFile("many")
    return found


def _read_toml(text: str) -> MemberFile:
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadFile("toml", getattr(error, "lineno", 0) or 0) from None
    members = document.get("members")
    if not isinstance(members, list) or not all(isinstance(one, dict) for one in members):
        raise BadFile("toml")
    rows, unknown = [], set[str]()
    for one in members:
        row: Row = {}
        for key, value in one.items():
            if key == "name" and isinstance(value, dict):
                row |= {f"name:{language}": _text(words) for language, words in value.items()}
            elif key == "name" or key in PLAIN:
                row[key] = _text(value)
            else:
                unknown.add(str(key)[:40])
        rows.append(row)
    top = {key: _text(document.get(key, "")) for key in ("source", "as_of", "complete_until")}
    return MemberFile(tuple(rows), unknown=tuple(sorted(unknown)), **top)


def _text(value: object) -> str:
    """Return a value of TOML as it would be typed."""
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, list):
        return " ".join(_text(one) for one in value)[:LONGEST]
    return str(value)[:LONGEST]


def _read_csv(text: str) -> MemberFile:
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=False))
    except csv.Error:
        raise BadFile("text") from None
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    columns = [cell.strip().lower().replace(".", ":") for cell in lines[0]] if lines else []
    known = {column for column in columns if _is_column(column)}
    if "name" not in known and not any(column.startswith("name:") for column in known):
        raise BadFile("columns")
    rows = []
    for line in lines[1:]:
        cells = zip(columns, line, strict=False)
        rows.append({column: plain(cell).strip()[:LONGEST] for column, cell in cells if column in known})
    unknown = sorted({column[:40] for column in columns if column and column not in known})
    return MemberFile(tuple(rows), unknown=tuple(unknown))


def _is_column(name: str) -> bool:
    head, _, language = name.partition(":")
    return name == "name" or name in PLAIN or (head == "name" and LANGUAGE.fullmatch(language) is not None)


def as_toml(group: Contact, members: Sequence[Contact]) -> str:
    """Return the members as TOML. What is empty is left out."""
    document = tomlkit.document()
    top = {"source": group.members_from, "as_of": group.members_as_of, "complete_until": group.members_until}
    for key, day in top.items():
        if day:
            document[key] = day
    tables = tomlkit.aot()
    for member in members:
        table = tomlkit.table()
        for key, value in _values(member).items():
            if key == "name":
                table["name"] = value
            elif value:
                table[key] = (
                    tomlkit.string(value, multiline="\n" in value) if isinstance(value, str) else value
                )
        tables.append(table)
    document["members"] = tables
    return tomlkit.dumps(document)


def as_csv(members: Sequence[Contact]) -> str:
    """Return the members as a table, whose cells no spreadsheet takes for formulas."""
    languages = sorted({language for member in members for language in member.names})
    columns = ["key", *(f"name:{language}" for language in languages), *PLAIN[1:]]
    lines = ["\ufeff", csv_line(columns)]
    for member in members:
        values = _values(member)
        names = [str(member.names.get(language, "")) for language in languages]
        lines.append(csv_line([member.key, *names, *(_cell(values[column]) for column in PLAIN[1:])]))
    return "".join(lines)


def _cell(value: object) -> str:
    return "" if value is None else value.strftime("%H:%M") if isinstance(value, time) else str(value)


def _values(member: Contact) -> dict[str, str | date | time | dict[str, str] | None]:
    values: dict[str, str | date | time | dict[str, str] | None] = {"key": member.key, "name": member.names}
    return values | {column: getattr(member, column) for column in PLAIN[1:]}


def as_row(member: Contact) -> Row:
    """Return the values of a member as text by column, without its names."""
    return {column: _cell(value) for column, value in _values(member).items() if column != "name"}


def example(name: str) -> str:
    """Return the text of an example file that is shipped: a name of EXAMPLES."""
    if name not in EXAMPLES:
        raise KeyError(name)
    return resources.files("sabal.delivery").joinpath("data", name).read_text(encoding="utf-8")
