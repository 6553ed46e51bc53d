"""Lists: consecutive marked lines, each with the lines that go on with it, and their depths."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sabal.petitions.letters.lines import Line, ends_sentence, ends_with_colon, is_prose, width
from sabal.petitions.letters.marks import Mark, counts_on

DEPTH = 6
# Lines over which an explanation may go on before the next number.
EXPLANATION = 12


@dataclass
class Item:
    """An item: the indexes of its lines, its mark, its indent and its depth from 0.

    `lone` means that its mark is alone on the line above, `after_empty` that a mark without a text precedes it.
    """

    lines: list[int]
    mark: Mark
    indent: int
    lone: bool = False
    after_empty: bool = False
    explained: bool = False
    depth: int = 0


@dataclass
class List:
    """A list: its items, and the indexes of all its lines, which include marks alone."""

    items: list[Item] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


class ListFinder:
    """Finds the lists among the lines at the indexes `order`. `is_item` tells what cannot be text of an item."""

    def __init__(
        self,
        lines: Sequence[Line],
        order: Sequence[int],
        marks: Mapping[int, Mark],
        is_item: Callable[[int], bool],
    ) -> None:
        self.lines, self.order, self.marks, self.is_item = lines, order, marks, is_item

    def lists(self) -> list[List]:
        found: list[List] = []
        place = 0
        while place < len(self.order):
            one = self._list(place)
            if one.items:
                found.append(one)
            place += max(len(one.lines), 1)
        return found

    def _list(self, place: int) -> List:
        """Return the list that begins at a place of `order`, without items if none does."""
        found, empty = List(), False
        while place < len(self.order):
            at = self.order[place]
            mark = self.marks.get(at)
            if mark and found.items and self._is_signature(place, mark, found.items[-1]):
                break
            if mark and mark.text == self.lines[at].text:
                below = list(self.order[place + 1 : place + 2])
                if below and (below[0] in self.marks or not self.is_item(below[0])):
                    below = []
                found.lines += [at, *below]
                if below:
                    found.items.append(Item(below, mark, self.lines[at].indent, lone=True, after_empty=empty))
                empty = not below
                place += 1 + len(below)
                continue
            if mark:
                found.items.append(Item([at], mark, self.lines[at].indent))
            elif found.items and self.is_item(at) and self._belongs(place, found):
                found.items[-1].lines.append(at)
            else:
                break
            found.lines.append(at)
            place += 1
        _set_depths(found.items)
        return found

    def _is_signature(self, place: int, mark: Mark, last: Item) -> bool:
        """Return whether a marked line is the last of the letter and apart from the list: "— Ann"."""
        apart = self.lines[self.order[place]].gap and mark.position == 0 and mark.kind != last.mark.kind
        return apart and place + 1 == len(self.order)

    def _belongs(self, place: int, found: List) -> bool:
        """Return whether an unmarked line belongs to the last item: it goes on with it, or explains it."""
        item, line, last = found.items[-1], self.lines[self.order[place]], self.lines[found.lines[-1]].text
        if item.lone:
            return False
        full = width(last) >= 50 and not ends_sentence(last)
        if line.indent > item.indent + 1 or (
            not line.gap and width(last) <= 110 and (line.text[0].islower() or full)
        ):
            return True
        if ends_with_colon(line.text):
            return False
        others = found.items[:-1]
        like_others = bool(others) and all(one.explained for one in others) and not item.explained
        explains = self._is_counted_on(place, item) or (
            like_others and not (line.gap and not is_prose(line.text))
        )
        item.explained |= explains
        return explains

    def _is_counted_on(self, place: int, item: Item) -> bool:
        """Return whether the next marked line below continues the numbering, or is the same bullet directly below."""
        at = self.order[place]
        for below in self.order[place + 1 : place + EXPLANATION]:
            if below in self.marks:
                return counts_on(self.marks[below], item.mark) and (
                    self.marks[below].position > 1
                    or (below == self.order[place + 1] and self.lines[below].gap and self.lines[at].gap)
                )
            if not self.is_item(below):
                return False
        return False


def _set_depths(items: Sequence[Item]) -> None:
    if items and all(item.lone for item in items) and any(item.after_empty for item in items[1:]):
        # In text pasted from a web page each bullet is alone on its line, and the end of an inner list leaves an
        # empty bullet. The next item is an outer item again.
        for place, item in enumerate(items):
            item.depth = 0 if place == 0 or item.after_empty else 1
        return
    outer: list[Item] = []
    for item in items:
        like = [
            place
            for place, one in enumerate(outer)
            if one.mark.kind == item.mark.kind and abs(one.indent - item.indent) <= 1
        ]
        if like:
            outer = outer[: like[-1]]
        else:
            while outer and outer[-1].indent > item.indent + 1:
                outer.pop()
        item.depth = min(len(outer), DEPTH)
        outer.append(item)
