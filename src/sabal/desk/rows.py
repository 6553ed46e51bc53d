"""Rows of a form: each button of a row posts the whole form, and the page comes back with the row moved.

Nothing is stored by that, and everything typed stays. So rows work without a script.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django import forms

from sabal.petitions.definition import NESTING

Row = dict[str, Any]
MOST = 300
DEEPEST = NESTING - 1

_ACTION = re.compile(r"([a-z]{1,10})(?::([a-z0-9-]{1,60}))?(?::([0-9]{1,3}))?")


@dataclass(frozen=True)
class Action:
    """What a button asks for, such as "up" for the row 2 of kind "demand"."""

    verb: str
    kind: str = ""
    index: int = -1


@dataclass(frozen=True)
class Changed:
    """Rows after an action, the row that was moved or added, and those that were removed."""

    rows: list[Row]
    focus: int | None = None
    removed: tuple[Row, ...] = ()


def action_of(data: Mapping[str, Any]) -> Action:
    """Return what was asked for: to save, unless a button says something else."""
    found = _ACTION.fullmatch(str(data.get("do", "")))
    return Action(found[1], found[2] or "", int(found[3] or -1)) if found else Action("save")


def indexes(data: Mapping[str, Any], kind: str) -> list[int]:
    """Return the numbers of the rows of a kind in a request."""
    found = (re.fullmatch(rf"{kind}-([0-9]{{1,3}})-[a-z_][a-z0-9_:-]*", name) for name in data)
    return sorted({int(match[1]) for match in found if match})[:MOST]


def typed(form: forms.BaseForm) -> Row:
    """Return what was typed into each field of a form, whether it is right or not."""
    return {
        name: field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
        for name, field in form.fields.items()
    }


def after(rows: Sequence[Row], action: Action, empty: Row) -> Changed:
    """Return the rows after an action. One that cannot be done, such as moving the first row up, changes nothing."""
    rows = in_levels(rows)
    if action.verb == "add" and len(rows) < MOST:
        return Changed([*rows, dict(empty)], len(rows))
    if not 0 <= action.index < len(rows):
        return Changed(rows)
    verb = VERBS.get(action.verb)
    return verb(rows, action.index, empty) if verb else Changed(rows, action.index)


def put_back(rows: Sequence[Row], at: int, removed: Sequence[Row]) -> Changed:
    """Return the rows with those that were removed before."""
    at = max(0, min(at, len(rows)))
    return Changed(in_levels([*rows[:at], *removed, *rows[at:]][:MOST]), at)


def in_levels(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with levels that make an outline: the first has 0, and none is two deeper than the one above."""
    found: list[Row] = []
    above = -1
    for row in rows:
        above = max(0, min(_level(row), above + 1, DEEPEST))
        found.append({**row, "level": above} if "level" in row else row)
    return found


def numbers(levels: Sequence[int]) -> list[str]:
    """Return the number of each row of an outline: 1, 1.1, 1.2, 2."""
    found, counts = [], [0] * (DEEPEST + 2)
    for level in levels:
        counts[level] += 1
        counts[level + 1 :] = [0] * (len(counts) - level - 1)
        found.append(".".join(str(one) for one in counts[: level + 1]))
    return found


def as_undo(kind: str, at: int, removed: Sequence[Row]) -> str:
    """Return removed rows as the text of a hidden field, so that the next request can put them back."""
    return json.dumps({"kind": kind, "at": at, "rows": list(removed)}) if removed else ""


def read_undo(text: str, known: Mapping[str, Row]) -> tuple[str, int, list[Row]] | None:
    """Return the kind, place and rows of a hidden field, or None. A browser sends it, so nothing of it is trusted."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        data = json.loads(text)
        empty = known[data["kind"]]
        rows = [
            {
                key: row[key] if isinstance(row.get(key), str | int | bool) else value
                for key, value in empty.items()
            }
            for row in data["rows"][:MOST]
        ]
        return data["kind"], int(data["at"]), in_levels(rows)
    return None


def _level(row: Row) -> int:
    with suppress(ValueError, TypeError):
        return int(row.get("level") or 0)
    return 0


def _end(rows: Sequence[Row], index: int) -> int:
    """Return where the row and its parts end."""
    end = index + 1
    while end < len(rows) and _level(rows[end]) > _level(rows[index]):
        end += 1
    return end


def _before(rows: Sequence[Row], index: int) -> int | None:
    """Return the row of the same level before this one, below the same row."""
    for place in range(index - 1, -1, -1):
        if _level(rows[place]) <= _level(rows[index]):
            return place if _level(rows[place]) == _level(rows[index]) else None
    return None


def _up(rows: list[Row], index: int, empty: Row) -> Changed:
    before = _before(rows, index)
    if before is None:
        return Changed(rows, index)
    end = _end(rows, index)
    return Changed([*rows[:before], *rows[index:end], *rows[before:index], *rows[end:]], before)


def _down(rows: list[Row], index: int, empty: Row) -> Changed:
    after = _end(rows, index)
    if after == len(rows) or _level(rows[after]) != _level(rows[index]):
        return Changed(rows, index)
    end = _end(rows, after)
    return Changed([*rows[:index], *rows[after:end], *rows[index:after], *rows[end:]], index + end - after)


def _nest(rows: list[Row], index: int, empty: Row) -> Changed:
    """Make a row a part of the one before it."""
    end = _end(rows, index)
    deepest = max(_level(row) for row in rows[index:end])
    if _before(rows, index) is None or deepest >= DEEPEST:
        return Changed(rows, index)
    return Changed([*rows[:index], *_shifted(rows[index:end], 1), *rows[end:]], index)


def _unnest(rows: list[Row], index: int, empty: Row) -> Changed:
    """Make a part a row of its own, behind the one that it was a part of."""
    if not _level(rows[index]):
        return Changed(rows, index)
    parent = next(n for n in range(index - 1, -1, -1) if _level(rows[n]) < _level(rows[index]))
    end, last = _end(rows, index), _end(rows, parent)
    moved = _shifted(rows[index:end], -1)
    return Changed([*rows[:index], *rows[end:last], *moved, *rows[last:]], last - len(moved))


def _part(rows: list[Row], index: int, empty: Row) -> Changed:
    end, level = _end(rows, index), _level(rows[index]) + 1
    if level > DEEPEST or len(rows) >= MOST:
        return Changed(rows, index)
    return Changed([*rows[:end], {**empty, "level": level}, *rows[end:]], end)


def _remove(rows: list[Row], index: int, empty: Row) -> Changed:
    end = _end(rows, index)
    left = [*rows[:index], *rows[end:]]
    return Changed(left, min(index, len(left) - 1) if left else None, tuple(rows[index:end]))


def _shifted(rows: Sequence[Row], by: int) -> list[Row]:
    return [{**row, "level": _level(row) + by} for row in rows]


VERBS: Mapping[str, Callable[[list[Row], int, Row], Changed]] = {
    "up": _up,
    "down": _down,
    "nest": _nest,
    "unnest": _unnest,
    "part": _part,
    "remove": _remove,
}
