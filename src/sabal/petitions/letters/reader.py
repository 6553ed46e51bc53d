"""Give each line of a letter in one language its role."""

from collections.abc import Sequence
from itertools import pairwise

from sabal.petitions.letters.blocks import TEXT, Block, Structure, is_postal
from sabal.petitions.letters.contacts import contact_in
from sabal.petitions.letters.evidence import scores
from sabal.petitions.letters.lines import Line, bare, is_prose, is_rule
from sabal.petitions.letters.lists import Item
from sabal.petitions.letters.parts import Part, parts_of
from sabal.petitions.letters.reading import LetterLine, Role
from sabal.petitions.letters.words import label_of, words_of

FRONT_MATTER_LINES = 60
_VALUES = (Role.TITLE, Role.SUBJECT, Role.RECIPIENT, Role.ORGANISER)
_SECTIONS = {Role.BACKGROUND, Role.CLOSING}


class Reader:
    """Reads the lines of a letter in one language. `contacts` has the kind of each contact by the line's number."""

    def __init__(self, lines: Sequence[Line], language: str) -> None:
        self.lines, self.language, self.words = lines, language, words_of(language)
        self.found: dict[int, LetterLine] = {}
        self.contacts: dict[int, str] = {}
        self._known_lines()
        self.structure = Structure(lines, self.words, self.found)
        self._blocks()

    def roles(self) -> list[LetterLine]:
        return [self.found[at] for at in sorted(self.found)]

    def _put(
        self, at: int, role: Role, *, label: str = "", mark: str = "", level: int = 0, continues: bool = False
    ) -> None:
        """Give a line its role. A line with a contact is one, whatever else it would be."""
        line = self.lines[at]
        kind = "" if role == Role.LAYOUT else contact_in(line.text, self.words)
        if kind == "email address" and role in (Role.RECIPIENT, Role.ORGANISER):
            # The address of a recipient is part of the petition, that of the organiser is noted. Others are not.
            kind = (
                contact_in(" ".join(word for word in line.text.split() if "@" not in word), self.words)
                and kind
            )
        if kind or role == Role.CONTACT:
            self.contacts[line.number] = kind or "contact"
            role, label, level, continues = Role.CONTACT, "", 0, False
        self.found[at] = LetterLine(
            line.number, line.text, role, self.language, label, mark, level, continues
        )

    # Lines that are no part of the sequence

    def _known_lines(self) -> None:
        """Place blank lines and rules, front matter that is no label, and a title that is repeated."""
        for at, line in enumerate(self.lines):
            if is_rule(line.text):
                self._put(at, Role.LAYOUT)
        title = ""
        for at in self._front_matter():
            text = self.lines[at].text
            role, label = label_of(text, self.words)
            if role == Role.TITLE:
                title = bare(text[len(label) :].strip(" \"'"))
            elif role not in _VALUES and ":" in text and not text.startswith("- "):
                self._put(at, Role.LEFT_OUT)
        for at, line in enumerate(self.lines):
            if title and at not in self.found and bare(line.text) == title:
                self._put(at, Role.LEFT_OUT)

    def _front_matter(self) -> Sequence[int]:
        """Return the lines with text between --- and --- at the top, as Markdown files have them."""
        texts = [line.text for line in self.lines]
        start = next((at for at, text in enumerate(texts) if text), 0)
        if (
            "---" not in texts[start : start + 1]
            or "---" not in texts[start + 1 : start + FRONT_MATTER_LINES]
        ):
            return ()
        return [at for at in range(start, texts.index("---", start + 1)) if at not in self.found]

    # Blocks

    def _blocks(self) -> None:
        """Place each block as the part that it is. Contacts and days are none of the sequence."""
        structure = self.structure
        for block in structure.blocks:
            if self._is_contact(block):
                self._all(block, Role.CONTACT)
            elif block.kind in TEXT and structure.is_day(block.lines[0]) and not self._is_farewell(block):
                self._all(block, Role.LEFT_OUT)
        structure.blocks = [block for block in structure.blocks if block.lines[0] not in self.found]
        parts = parts_of(structure.blocks, scores(structure))
        groups = _groups(structure.blocks, parts)
        under = False
        for place, (block, part) in enumerate(zip(structure.blocks, parts, strict=True)):
            under = place in groups or (under and part == Part.DEMAND)
            self._block(block, Part.DEMAND if place in groups else part, int(under and place not in groups))

    def _is_contact(self, block: Block) -> bool:
        """Return whether a paragraph or a label has a contact, so that all of it is left out."""
        first = self.structure.text(block.lines[0])
        if block.role == Role.CONTACT:
            return not is_prose(first[len(block.label) :])
        free = block.kind in TEXT or (
            block.kind == "label" and block.role not in (Role.RECIPIENT, Role.ORGANISER)
        )
        return free and any(contact_in(self.structure.text(at), self.words) for at in block.lines)

    def _is_farewell(self, block: Block) -> bool:
        return self.words.is_whole("farewells", self.structure.text(block.lines[0]))

    def _block(self, block: Block, part: Part, level: int) -> None:
        at, role = block.lines[0], part.role
        if block.kind == "list":
            self._list(block.lines, block.items, role, level)
        elif role == Role.RECIPIENT:
            self._recipients(block)
        elif block.kind == "address" and role == Role.ORGANISER:
            for one in block.lines:
                self._put(one, role if one == at else Role.LEFT_OUT)
        elif block.kind == "label" and (role == block.role or {role, block.role or role} <= _SECTIONS):
            self._labelled(block, role)
        elif role in (Role.DEMAND, Role.TITLE):
            own = Role.PART if level else role
            for one in block.lines:
                self._put(one, own, mark=self._mark(one), level=level, continues=one != at)
        else:
            self._all(block, role)

    def _labelled(self, block: Block, role: Role) -> None:
        """Place a label whose value is its own, and the lines below it."""
        at, *below = block.lines
        value = block.label != self.structure.text(at)
        if role not in (*_VALUES, Role.SIGN, Role.DEMAND, *_SECTIONS):
            self._all(block, role)
            return
        self._put(at, role if value else Role.LAYOUT, label=block.label if value else "")
        for place, one in enumerate(below):
            rest = Role.LEFT_OUT if role == Role.SIGN else role
            self._put(one, rest, continues=role in _VALUES and (value or place > 0))

    def _all(self, block: Block, role: Role) -> None:
        for at in block.lines:
            before = self.found.get(at - 1)
            same = role in _SECTIONS and before is not None and before.role == role
            goes_on = same and self.structure.continues(at, at - 1)
            self._put(at, role, mark=self._mark(at), continues=goes_on)

    def _mark(self, at: int) -> str:
        mark = self.structure.marks.get(at)
        return mark.text if mark else ""

    def _list(self, lines: Sequence[int], items: Sequence[Item], role: Role, level: int = 0) -> None:
        """Place the items of a list. Marks alone are layout."""
        for at in lines:
            self._put(at, Role.LAYOUT)
        for item in items:
            depth = level + item.depth if role == Role.DEMAND else 0
            contact = any(contact_in(self.structure.text(at), self.words) for at in item.lines)
            own = Role.CONTACT if contact and role != Role.RECIPIENT else Role.PART if depth else role
            for at in item.lines:
                goes_on = at != item.lines[0] and own in (Role.DEMAND, Role.PART, Role.RECIPIENT, *_SECTIONS)
                self._put(at, own, mark=self._mark(at), level=depth, continues=goes_on)

    def _recipients(self, block: Block) -> None:
        """Place recipients: the value of a label and what is below it, or an address. Streets are left out."""
        structure, lines = self.structure, list(block.lines)
        value = block.kind == "label" and block.label != structure.text(lines[0])
        if block.kind == "label":
            self._put(
                lines.pop(0), Role.RECIPIENT if value else Role.LAYOUT, label=block.label if value else ""
            )
        if lines and lines[0] in structure.list_at:
            self._list(lines, structure.list_at[lines[0]].items, Role.RECIPIENT)
            return
        texts = list(map(structure.text, lines))
        honoured = [self.words.says("honorifics", text) for text in texts]
        one_name = block.kind != "label" or (
            not value and (any(map(is_postal, texts)) or True in honoured[:1])
        )
        in_street = False
        for place, (at, text) in enumerate(zip(lines, texts, strict=True)):
            begins = not one_name or place == 0 or honoured[place]
            sender = place > 0 and self.words.labels.get(text.split()[0].casefold()) == Role.ORGANISER
            in_street = not begins and (in_street or is_postal(text))
            role = Role.ORGANISER if sender else Role.LEFT_OUT if in_street else Role.RECIPIENT
            self._put(at, role, continues=role == Role.RECIPIENT and not begins)


def _groups(blocks: Sequence[Block], parts: Sequence[Part]) -> set[int]:
    """Return the places of lines that lead to one of several groups: such a line is a demand with its group below."""
    leads = {
        place
        for place, (part, below) in enumerate(pairwise(parts))
        if part == Part.LEAD and below == Part.DEMAND and blocks[place].kind != "label"
    }
    first = parts.index(Part.DEMAND) if Part.DEMAND in parts else 0
    return leads if len(leads) > 1 else {place for place in leads if place > first}
