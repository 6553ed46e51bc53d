"""Turn the lines of a letter's list into nested items, for many styles of marking them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sabal.petitions.letterlines import Line, Mark, mark_of

DEPTH = 6


@dataclass
class Item:
    """One item.

    `lines` are the lines of its text (number, text), `depth` is its nesting depth and `items` are the items below it.
    """

    lines: list[tuple[int, str]]
    indent: int
    kind: str
    alone: bool = False
    after_empty: bool = False
    depth: int = 0
    items: list["Item"] = field(default_factory=list)


class Marks:
    """Reads marks in the order of the letter, so that "J. Smith" is not a tenth item if there was no ninth."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}

    def read(self, line: Line) -> Mark | None:
        """Return the mark of `line` with its kind decided, or None. Remember it for the next lines."""
        mark = mark_of(line.text)
        if mark is None:
            return None
        kind = next((kind for kind, position in mark.readings if self._follows(kind, position)), None)
        if kind is None:
            return None
        self.last[kind] = dict(mark.readings)[kind]
        return Mark(kind, mark.readings, mark.text)

    def peek(self, line: Line) -> bool:
        """Return whether `read` would find a mark in `line`. Remember nothing."""
        mark = mark_of(line.text)
        return mark is not None and any(self._follows(kind, position) for kind, position in mark.readings)

    def counts_on(self, line: Line) -> bool:
        """Return whether the mark of `line` is the next number of a sequence that has begun."""
        mark = mark_of(line.text)
        return mark is not None and any(
            position > 1 and self.last.get(kind) == position - 1 for kind, position in mark.readings
        )

    def _follows(self, kind: str, position: int) -> bool:
        if position == 0 or kind.startswith(("number", "(number")):
            return True
        # "i)" is the ninth letter if "h)" came before. Otherwise it is the first Roman number.
        return position == 1 or self.last.get(kind) == position - 1


def is_bullet(line: Line) -> bool:
    """Return whether `line` begins with a bullet."""
    mark = mark_of(line.text)
    return mark is not None and mark.kind == "bullet"


def nested(items: Sequence[Item]) -> list[Item]:
    """Return the items as a tree, by empty bullets if they divide the list, else by indents and marks."""
    if all(item.alone for item in items) and any(item.after_empty for item in items[1:]):
        # In text pasted from a web page each bullet is alone on its line, and the end of an inner list leaves an
        # empty bullet. The next item is an outer item again.
        for position, item in enumerate(items):
            item.depth = 0 if position == 0 or item.after_empty else 1
    else:
        _by_marks(items)
    return _tree(items)


def _by_marks(items: Sequence[Item]) -> None:
    open_items: list[Item] = []
    for item in items:
        if item.kind == "plain":
            open_items = []
        like = [
            position
            for position, outer in enumerate(open_items)
            if outer.kind == item.kind and abs(outer.indent - item.indent) <= 1
        ]
        if like:
            open_items = open_items[: like[-1]]
        else:
            while open_items and open_items[-1].indent > item.indent + 1:
                open_items.pop()
        item.depth = min(len(open_items), DEPTH)
        open_items.append(item)


def _tree(items: Sequence[Item]) -> list[Item]:
    roots: list[Item] = []
    path: list[Item] = []
    for item in items:
        path = path[: item.depth]
        (path[-1].items if path else roots).append(item)
        path.append(item)
    return roots
