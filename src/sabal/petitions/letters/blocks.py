"""Cut a letter into blocks by structure: labels with what is below them, lists, addresses and paragraphs."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import regex

from sabal.petitions.letters.contacts import DATE, contact_in, with_plain_digits
from sabal.petitions.letters.lines import Line, bare, ends_sentence, ends_with_colon, is_prose, is_rule, width
from sabal.petitions.letters.lists import Item, ListFinder
from sabal.petitions.letters.marks import marks_of
from sabal.petitions.letters.reading import Role
from sabal.petitions.letters.words import LABEL_WIDTH, PHRASE_LENGTH, LetterWords, label_of, name_in

NAME_WIDTH = 90
FULL_WIDTH, LONG_WIDTH = 50, 100
GREETED_WITHIN = ADDRESS_LINES = 12
_YEAR = regex.compile(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)")
_DAY_WIDTH, _DAY_WORDS = 70, 7
TEXT = ("text", "line")
_NAMED = (Role.TITLE, Role.SUBJECT, Role.ORGANISER)


@dataclass
class Block:
    """Lines that have one role: the indexes of all of them, and what kind they are.

    `kind` is "label", "address", "list", "text", or "line" for a text directly below another block. A label names a
    `role`; an address is of a recipient or of the organiser. `label` is the label as in the text, with its colon.
    """

    kind: str
    lines: list[int]
    role: Role | None = None
    label: str = ""
    items: Sequence[Item] = ()


class Structure:
    """The lines of a letter in one language and their blocks, in order. Lines in `known` already have a role."""

    def __init__(self, lines: Sequence[Line], words: LetterWords, known: Collection[int] = ()) -> None:
        self.lines, self.words = lines, words
        self.order = [at for at, line in enumerate(lines) if at not in known and not is_rule(line.text)]
        self.has_gaps = any(lines[at].gap for at in self.order[2:])
        self.marks, self.strange = marks_of(lines, words.ordinals)
        self.labels = self._labels()
        lists = ListFinder(lines, self.order, self.marks, self._is_item).lists()
        self.list_at = {at: one for one in lists for at in one.lines}
        self.blocks = list(self._blocks())

    def text(self, at: int) -> str:
        return self.lines[at].text

    def invites(self, at: int) -> Role | None:
        """Return `SIGN` or `NEWSLETTER` if a line asks its reader to sign or to subscribe."""
        text = self.text(at).strip("¡¿*_ ")
        if at in self.marks or len(text) > PHRASE_LENGTH:
            return None
        if self.words.says("newsletters", text):
            return Role.NEWSLETTER
        return Role.SIGN if self.words.says("signs", text) else None

    def is_day(self, at: int) -> bool:
        """Return whether a line is a date, perhaps with a place or a weekday."""
        text = self.text(at)
        if width(text) > _DAY_WIDTH or ends_sentence(text.rstrip(".")):
            return False
        digits = with_plain_digits(text)
        names = [word.casefold().rstrip(".") for word in regex.findall(r"[\p{L}\p{M}]+", digits)]
        named = any(name in self.words.months for name in names) and _YEAR.search(digits) is not None
        return (named or DATE.search(digits) is not None) and len(names) <= _DAY_WORDS

    def addresses(self, at: int) -> str:
        """Return the name in a line that is a form of address, such as "Dear Mayor,"; "" for any other line."""
        text = bare(self.text(at))
        if width(text) > NAME_WIDTH or ends_sentence(text.rstrip("!.")) or at in self.marks:
            return ""
        return "" if self.words.is_whole("kinds", text) else name_in(text, self.words)

    def greets(self, at: int) -> bool:
        return self.words.is_whole("greetings", self.text(at))

    def continues(self, at: int, before: int) -> bool:
        """Return whether a line goes on with the paragraph of the line before it, which was broken by hand."""
        if self.lines[at].gap or at in self.marks or at in self.labels:
            return False
        last, text = self.text(before), self.text(at)
        if width(last) > LONG_WIDTH:
            return not ends_sentence(last) and text[0].islower()
        return (self.has_gaps and width(last) >= FULL_WIDTH) or not ends_sentence(last)

    def _is_item(self, at: int) -> bool:
        """Return whether an unmarked line can belong to an item of a list."""
        return not (at in self.labels or self.invites(at) or self.words.is_whole("farewells", self.text(at)))

    def _labels(self) -> dict[int, tuple[Role, str]]:
        """Return the role and the text of each label. A marked line has one only if it is the heading of a section."""
        found: dict[int, tuple[Role, str]] = {}
        for at in self.order:
            role, label = label_of(self.text(at), self.words)
            is_kind = label == self.text(at) and self.words.is_whole("kinds", label) and at in self.order[:3]
            if role and not is_kind:
                found[at] = role, label
        alike = Counter(one.kind for one in self.marks.values())
        labelled = Counter(self.marks[at].kind for at in found if at in self.marks)
        sections: dict[str, int] = {}
        positions: dict[str, set[int]] = defaultdict(set)
        for one in self.marks.values():
            positions[one.kind].add(one.position)
        for at in list(found):
            mark = self.marks.get(at)
            if mark is None:
                continue
            if mark.text == found[at][1] and mark.position < len(positions[mark.kind]):
                del found[at]  # "A:" of "A: …", "B: …", not "A:" of an Italian letter
                continue
            counted = mark.position == 1 or sections.get(mark.kind) == mark.position - 1 > 0
            signs = mark.position == 0 and 2 * labelled[mark.kind] > alike[mark.kind] > 1
            if self.text(at).endswith(mark.text) or counted or signs:
                sections[mark.kind] = mark.position
                del self.marks[at]
            else:
                del found[at]
        return found

    # Blocks

    def _blocks(self) -> Iterator[Block]:
        place, in_head = 0, True
        while place < len(self.order):
            at = self.order[place]
            if at in self.labels:
                role, label = self.labels[at]
                block = Block("label", [at, *self._below(place)], role, label)
                in_head &= role not in (Role.BACKGROUND, Role.DEMAND)
            elif at in self.list_at and not (place + 1 == len(self.order) and self._is_signature(at)):
                block = Block("list", self.list_at[at].lines, items=self.list_at[at].items)
                in_head = False
            else:
                kind = "line" if place and self.has_gaps and not self.lines[at].gap else "text"
                block = (self._address(place) if in_head else None) or Block(kind, self._paragraph(place))
                in_head &= block.kind == "address" or not is_prose(self.text(at))
            place += len(block.lines)
            yield from self._divided(block)

    def _is_signature(self, at: int) -> bool:
        """Return whether a marked line at the end of the letter is no list: "— Ann"."""
        return self.lines[at].gap and at in self.marks and self.marks[at].position == 0

    def _paragraph(self, place: int) -> list[int]:
        """Return a line with those that go on with it: after a full line, or in the middle of a sentence."""
        found = [self.order[place]]
        for at in self.order[place + 1 :]:
            last = self.text(found[-1])
            goes_on = self.text(at)[0].islower() and not ends_with_colon(last) and not last.isupper()
            if (
                not self.continues(at, found[-1])
                or at in self.list_at
                or not (goes_on or (place and width(last) >= FULL_WIDTH))
                or self.addresses(found[-1])
                or self.greets(found[-1])
                or (width(last) < FULL_WIDTH and last.endswith(","))
                or not self._is_item(at)
                or self.addresses(at)
                or (contact_in(self.text(at), self.words) and not is_prose(self.text(at)))
            ):
                break
            found.append(at)
        return found

    def _below(self, place: int) -> list[int]:
        """Return the lines below a label that belong to it: a list, the lines of an address, or its only value."""
        at, below = self.order[place], self.order[place + 1 :]
        (role, label), indent = self.labels[at], self.lines[at].indent
        has_value = label != self.text(at)
        if not below or below[0] in self.labels:
            return []
        first = self.lines[below[0]]
        if below[0] in self.list_at:
            owns = role in (Role.RECIPIENT, Role.SIGN, Role.SIGNATURE, Role.CONTACT, Role.LEFT_OUT)
            apart = has_value and first.gap and first.indent <= indent
            return list(self.list_at[below[0]].lines) if owns and not apart else []
        if role in _NAMED:
            first_own = 0 if has_value else 1
            found = below[:first_own]
            while role != Role.ORGANISER and self._goes_on_with_value(at, below, found):
                found = below[: len(found) + 1]
            return found
        found = []
        if role in (Role.RECIPIENT, Role.SIGNATURE, Role.CONTACT, Role.LEFT_OUT):
            for one in below:
                line = self.lines[one]
                apart = (line.gap and bool(found or has_value)) or (has_value and line.indent <= indent + 1)
                if apart or (line.gap and role != Role.RECIPIENT) or not self._is_name(one):
                    break
                found.append(one)
        return found

    def _goes_on_with_value(self, at: int, below: Sequence[int], found: Sequence[int]) -> bool:
        """Return whether the next line goes on with the long value of a label."""
        if len(found) == len(below) or below[len(found)] in self.list_at:
            return False
        last, following = found[-1] if found else at, below[len(found)]
        full = width(self.text(last)) >= FULL_WIDTH
        return full and self.continues(following, last) and not self.addresses(following)

    def _is_name(self, at: int) -> bool:
        text = self.text(at)
        return not (
            at in self.labels
            or at in self.list_at
            or width(text) > NAME_WIDTH
            or is_prose(text)
            or text.endswith(("?", "!", "？", "！"))
            or text.startswith("# ")
            or self.is_day(at)
            or self.invites(at)
            or self.greets(at)
            or self.words.is_whole("kinds", text)
            or (text.endswith((",", "，", ":", "：")) and self.addresses(at))
        )

    def _address(self, place: int) -> Block | None:
        """Return the address that begins at a line: a recipient with an office, or a sender with a street or a name."""
        lines: list[int] = []
        for at in self.order[place : place + ADDRESS_LINES]:
            if not self._is_name(at) or (lines and self.lines[at].gap):
                break
            lines.append(at)
        if len(lines) < 2:
            return None
        texts, below = list(map(self.text, lines)), self.order[place + len(lines) :]
        names = [self.addresses(one) for one in below[:GREETED_WITHIN]]
        greeted = any(names) or any(map(self.greets, below[:GREETED_WITHIN]))
        named = any(name and name.split()[-1] in texts[0].split() for name in names)
        postal = any(map(is_postal, texts[1:]))
        office = self.words.says("offices", texts[0]) or self.addresses(lines[0]) or named
        titled = bool(below) and below[0] not in self.list_at and not is_prose(self.text(below[0]))
        if self.words.says("honorifics", texts[0]) or (
            office and (postal or greeted or (titled and not place))
        ):
            return Block("address", lines, Role.RECIPIENT)
        reached = postal or any(contact_in(text, self.words) for text in texts)
        signs = any(self.words.says("signers", text) for text in texts)
        if (greeted and (reached or signs)) or (signs and titled):
            return Block("address", lines, Role.ORGANISER)
        return None

    def _divided(self, block: Block) -> Iterator[Block]:
        """Yield the blocks of a numbered letter whose last number asks and has the demands below it; else the block."""
        outer = [item for item in block.items if item.depth == 0]
        inner = list(block.items[block.items.index(outer[-1]) + 1 :]) if outer else []
        asking = [self.words.asks(self.bare_text(item.lines[0])) for item in outer]
        whole = len(outer) < 2 or not inner or len(outer) + len(inner) < len(block.items)
        if whole or asking != [False] * (len(outer) - 1) + [True]:
            yield block
            return
        for item in outer:
            yield Block("text", item.lines)
        for item in inner:
            item.depth -= 1
        begins = block.lines.index(outer[-1].lines[-1]) + 1
        yield Block("list", block.lines[begins:], items=inner)

    def bare_text(self, at: int) -> str:
        """Return the text of a line without its mark."""
        mark = self.marks.get(at)
        return self.text(at)[len(mark.text) :].strip() if mark else self.text(at)

    def content(self, block: Block) -> str:
        """Return the text of a block, on one line and without its mark."""
        return " ".join([self.bare_text(block.lines[0]), *map(self.text, block.lines[1:])])


def is_postal(text: str) -> bool:
    """Return whether a line looks like a street, a town or a box: it has a number and is short."""
    return width(text) <= LABEL_WIDTH and any(map(str.isdigit, text)) and not ends_sentence(text)
