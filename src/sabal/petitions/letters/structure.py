"""The structure of a letter before any meaning: labels, section headings, and lists with their items."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sabal.petitions.letters.lines import Line, ends_sentence, ends_with_colon, is_prose, is_rule, width
from sabal.petitions.letters.marks import Mark, counts_on, marks_of
from sabal.petitions.letters.reading import Role
from sabal.petitions.letters.words import PHRASE_LENGTH, Words, heading_role, label_of

DEPTH = 6
HEADING_WIDTH = 80
# Lines at the end of a letter that may be closing lines even if no demand was found.
CLOSING_LINES = 8


@dataclass
class Item:
    """An item of a list: the indexes of its lines, its mark, its indent and its depth from 0.

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
class Run:
    """A list: its items, and the indexes of all its lines, which include marks alone."""

    items: list[Item] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


class Structure:
    """The lines of a letter in one language, with what they show before their words are read.

    `order` has the indexes of lines with text. `labels` has the role that a line's label names, and the label; the
    label is the whole line if it is only a heading, such as "Background".
    """

    def __init__(self, lines: Sequence[Line], words: Words) -> None:
        self.lines, self.words = lines, words
        self.order = [at for at, line in enumerate(lines) if not is_rule(line.text)]
        self.place = {at: place for place, at in enumerate(self.order)}
        self.has_gaps = any(lines[at].gap for at in self.order[2:])
        self.marks, self.strange = marks_of(lines, words.ordinals)
        self.labels = self._labels()
        self.runs = self._runs()
        self.run_of = {at: run for run in self.runs for at in run.lines}

    def text(self, at: int) -> str:
        return self.lines[at].text

    def after(self, at: int) -> int | None:
        """Return the index of the next line with text."""
        place = self.place[at] + 1
        return self.order[place] if place < len(self.order) else None

    def before(self, at: int) -> int | None:
        """Return the index of the line with text before this one."""
        place = self.place[at]
        return self.order[place - 1] if place else None

    def role_of_label(self, at: int | None) -> Role | None:
        return self.labels[at][0] if at in self.labels else None

    def value(self, at: int) -> str:
        """Return the text after the label of a line."""
        return self.text(at)[len(self.labels[at][1]) :].strip() if at in self.labels else self.text(at)

    def is_last(self, at: int) -> bool:
        """Return whether a line is among the last of the letter."""
        return len(self.order) - self.place[at] <= CLOSING_LINES

    def invites(self, at: int) -> Role | None:
        """Return `SIGN` or `NEWSLETTER` if a line asks its reader to sign or to subscribe."""
        text = self.text(at).strip("¡¿*_ ")
        if at in self.marks or len(text) > PHRASE_LENGTH:
            return None
        if self.words.says("newsletters", text):
            return Role.NEWSLETTER
        return Role.SIGN if self.words.says("signs", text) else None

    def is_heading(self, at: int) -> bool:
        """Return whether a line that is no label is a heading: short, set apart, and above other text."""
        line, after = self.lines[at], self.after(at)
        text = line.text
        if text.startswith("#") and after is not None:
            return True
        if (
            at in self.marks
            or after is None
            or width(text) > HEADING_WIDTH
            or not any(map(str.isalnum, text))
        ):
            return False
        if self.has_gaps and not line.gap:
            return False
        if ends_with_colon(text) or (text.isupper() and not ends_sentence(text)):
            return True
        return line.gap and self.lines[after].gap and not ends_sentence(text) and is_prose(self.text(after))

    def continues(self, at: int) -> bool:
        """Return whether a line goes on with the paragraph of the line before it, which was broken by hand."""
        before = self.before(at)
        if before is None or self.lines[at].gap or at in self.marks or at in self.labels:
            return False
        last, text = self.text(before), self.text(at)
        if width(last) > 100:
            return not ends_sentence(last) and text[0].islower()
        return (self.has_gaps and width(last) >= 50) or not ends_sentence(last)

    # Labels and sections

    def _labels(self) -> dict[int, tuple[Role, str]]:
        """Return the labels. A marked line has one only if it continues a numbering of sections."""
        found: dict[int, tuple[Role, str]] = {}
        for at in self.order:
            role, label = label_of(self.text(at), self.words)
            if role is None and (role := heading_role(self.text(at), self.words)):
                label = self.text(at)
            if role:
                found[at] = role, label
        alike = Counter(mark.kind for mark in self.marks.values())
        labelled = Counter(self.marks[at].kind for at in found if at in self.marks)
        sections: dict[str, int] = {}
        for at in list(found):
            mark = self.marks.get(at)
            if mark is None:
                continue
            counted = mark.position == 1 or sections.get(mark.kind) == mark.position - 1 > 0
            signs = mark.position == 0 and 2 * labelled[mark.kind] > alike[mark.kind] > 1
            if self.text(at).endswith(mark.text) or counted or signs:
                sections[mark.kind] = mark.position
            else:
                del found[at]
        for at in found:
            self.marks.pop(at, None)
        return found

    # Lists

    def _runs(self) -> list[Run]:
        runs: list[Run] = []
        place = 0
        while place < len(self.order):
            run = self._run(place)
            if run.items:
                runs.append(run)
            place += max(len(run.lines), 1)
        return runs

    def _run(self, place: int) -> Run:
        """Return the list that begins at a place of `order`, without items if none does."""
        run, empty = Run(), False
        while place < len(self.order):
            at = self.order[place]
            mark = self.marks.get(at)
            if at in self.labels:
                break
            if mark and mark.text == self.text(at):
                following = self.after(at)
                text_follows = following is not None and self._may_be_item(following)
                run.lines += [at, following] if following is not None and text_follows else [at]
                if following is not None and text_follows:
                    run.items.append(
                        Item([following], mark, self.lines[at].indent, lone=True, after_empty=empty)
                    )
                empty = not text_follows
                place += 1 + text_follows
                continue
            if mark:
                run.items.append(Item([at], mark, self.lines[at].indent))
            elif run.items and self._belongs(at, run):
                run.items[-1].lines.append(at)
            else:
                break
            run.lines.append(at)
            place += 1
        _set_depths(run.items)
        return run

    def _may_be_item(self, at: int) -> bool:
        return at not in self.marks and at not in self.labels and not self.invites(at)

    def _belongs(self, at: int, run: Run) -> bool:
        """Return whether an unmarked line belongs to the last item: it goes on with it, or explains it."""
        item, line, last = run.items[-1], self.lines[at], self.text(run.lines[-1])
        if item.lone or self.invites(at) or self.words.is_whole("farewells", line.text):
            return False
        if line.indent > item.indent + 1:
            return True
        if (
            not line.gap
            and width(last) <= 110
            and (line.text[0].islower() or (width(last) >= 50 and not ends_sentence(last)))
        ):
            return True
        if ends_with_colon(line.text) or (
            line.gap and self._is_short(at) and not self._is_counted_on(at, item)
        ):
            return False
        if self._is_counted_on(at, item):
            item.explained = True
            return True
        others = run.items[:-1]
        if others and all(other.explained for other in others) and not item.explained:
            item.explained = True
            return True
        return False

    def _is_short(self, at: int) -> bool:
        return not is_prose(self.text(at))

    def _is_counted_on(self, at: int, item: Item) -> bool:
        """Return whether the next marked line below continues the numbering, or is the same bullet directly below."""
        following = self.after(at)
        while following is not None and following not in self.marks and following not in self.labels:
            if self.invites(following) or following - at > 12:
                return False
            following = self.after(following)
        if (
            following is None
            or following not in self.marks
            or not counts_on(self.marks[following], item.mark)
        ):
            return False
        numbered = self.marks[following].position > 1
        return numbered or (self.before(following) == at and self.lines[following].gap and self.lines[at].gap)


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
