"""From the lines of a letter's list to nested items, whatever the writer's habit of marking them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sabal.petitions.letterlines import Line, Mark, mark_of

DEPTH = 6


@dataclass
class Item:
    """One item: the lines its text came from (number, text), how deep it lies, and the items beneath it."""

    lines: list[tuple[int, str]]
    indent: int
    kind: str
    alone: bool = False
    after_gap: bool = False
    depth: int = 0
    items: list["Item"] = field(default_factory=list)


class Marks:
    """Reads marks in the order of the letter, so that "J. Smith" is no tenth item where no ninth came."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}

    def read(self, line: Line) -> Mark | None:
        """The mark of `line` with its kind settled, or None; remembers it."""
        mark = mark_of(line.text)
        if mark is None:
            return None
        kind = next((kind for kind, place in mark.places if self._follows(kind, place)), None)
        if kind is None:
            return None
        self.last[kind] = dict(mark.places)[kind]
        return Mark(kind, mark.places, mark.text)

    def peek(self, line: Line) -> bool:
        """Whether `line` would be read as marked."""
        mark = mark_of(line.text)
        return mark is not None and any(self._follows(kind, place) for kind, place in mark.places)

    def counts_on(self, line: Line) -> bool:
        """Whether the mark of `line` is the next number of a row that has begun."""
        mark = mark_of(line.text)
        return mark is not None and any(
            place > 1 and self.last.get(kind) == place - 1 for kind, place in mark.places
        )

    def _follows(self, kind: str, place: int) -> bool:
        if place == 0 or kind.startswith(("number", "(number")):
            return True
        # "i)" is the ninth letter where an h came before; else it is the first of the roman numbers.
        return place == 1 or self.last.get(kind) == place - 1


def is_bullet(line: Line) -> bool:
    mark = mark_of(line.text)
    return mark is not None and mark.kind == "bullet"


def nested(items: Sequence[Item]) -> list[Item]:
    """The same items as a tree, by empty bullets where they part the list, else by indents and marks."""
    if all(item.alone for item in items) and any(item.after_gap for item in items[1:]):
        # Pasted from a web page: each bullet stands alone on its line, and the end of an inner list leaves an
        # empty one. What follows it is an outer item again.
        for position, item in enumerate(items):
            item.depth = 0 if position == 0 or item.after_gap else 1
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
