"""Lines with labels, and the lines below them that belong to a label."""

from collections.abc import Mapping

from sabal.petitions.letters import head
from sabal.petitions.letters.demands import demands_of
from sabal.petitions.letters.lines import is_prose, width
from sabal.petitions.letters.reading import LetterLine, Role
from sabal.petitions.letters.structure import Structure

_SECTIONS = {Role.BACKGROUND: Role.BACKGROUND, Role.CLOSING: Role.CLOSING, Role.DEMAND: Role.BACKGROUND}


class LabelReader:
    """Gives roles to the lines of a letter that have labels. `lines` are those that have a role so far, by index."""

    def __init__(self, structure: Structure, language: str) -> None:
        self.structure, self.language = structure, language
        self.lines: dict[int, LetterLine] = {}
        self.section = Role.BACKGROUND
        self.in_head, self.at_end = True, False
        self.has_title = False
        self.demands = demands_of(structure)
        self.last_demand = max(
            (at for at, one in self.demands.items() if one.role in (Role.DEMAND, Role.PART)), default=-1
        )

    def put(self, at: int, role: Role, *, label: str = "", level: int = 0, continues: bool = False) -> None:
        line, mark = self.structure.lines[at], self.structure.marks.get(at)
        self.lines[at] = LetterLine(
            line.number, line.text, role, self.language, label, mark.text if mark else "", level, continues
        )

    def label(self, at: int) -> bool:
        role = self.structure.role_of_label(at)
        if role is None:
            return False
        label, value = self.structure.labels[at][1], self.structure.value(at)
        if role == Role.RECIPIENT:
            self.put(at, Role.RECIPIENT if value else Role.LAYOUT, label=label if value else "")
            self.put_block(head.recipients_below(self.structure, at))
        elif role in (Role.TITLE, Role.SUBJECT, Role.ORGANISER) and (self.in_head or role == Role.ORGANISER):
            self._value(at, role, label, value)
        elif role in _SECTIONS:
            self.section = Role.CLOSING if at > self.last_demand >= 0 else _SECTIONS[role]
            self.put(at, self.section if value else Role.HEADING, label=label if value else "")
            self.in_head = False
        elif role in (Role.CONTACT, Role.SIGNATURE, Role.SIGN, Role.LEFT_OUT) and self._names_part(
            at, role, value
        ):
            self.put(at, Role.LAYOUT if role == Role.SIGN and not value else role)
            if not value or role != Role.CONTACT:
                self._below(at, role)
        else:
            return False
        return True

    def _value(self, at: int, role: Role, label: str, value: str) -> None:
        """Place a label of one value, which may be on the line below."""
        following = self.structure.after(at)
        self.put(at, role if value else Role.LAYOUT, label=label if value else "")
        if (
            not value
            and following is not None
            and following not in self.structure.labels
            and following not in self.lines
        ):
            self.put(following, role)
            at, following = following, self.structure.after(following)
        while (
            following is not None
            and following not in self.lines
            and role != Role.ORGANISER
            and self._goes_on(following)
        ):
            self.put(following, role, continues=True)
            following = self.structure.after(following)
        self.has_title |= role == Role.TITLE

    def _goes_on(self, at: int) -> bool:
        before = self.structure.before(at)
        return (
            self.structure.continues(at)
            and before is not None
            and width(self.structure.text(before)) >= 50
            and head.form_of_address(self.structure, at) is None
        )

    def _names_part(self, at: int, role: Role, value: str) -> bool:
        """Return whether a label that could also begin a sentence names a part here."""
        if role == Role.CONTACT or (role == Role.LEFT_OUT and self.in_head):
            return not is_prose(value)
        return (
            at > self.last_demand
            and (self.last_demand >= 0 or self.structure.is_last(at))
            and not is_prose(value)
        )

    def _below(self, at: int, role: Role) -> None:
        """Place the lines directly below a label of contacts, names or ways to sign."""
        following = self.structure.after(at)
        wanted, role = role, Role.LEFT_OUT if role == Role.SIGN else role
        while (
            following is not None and following not in self.lines and following not in self.structure.labels
        ):
            listed = following in self.structure.run_of
            if self.structure.lines[following].gap and not listed and wanted != Role.SIGN:
                return
            if wanted != Role.SIGN and not listed and is_prose(self.structure.text(following)):
                return
            is_sentence = wanted == Role.SIGN and not listed
            self.put(following, Role.SIGN if is_sentence else role)
            following = self.structure.after(following)
            if is_sentence:
                return

    def put_block(self, roles: Mapping[int, tuple[Role, bool]]) -> None:
        for at, (role, continues) in roles.items():
            if at not in self.lines:
                self.put(at, role, continues=continues)

    def front_matter(self) -> None:
        """Place the lines between --- and --- at the top, as Markdown files have them."""
        lines = self.structure.lines
        start = next((at for at, line in enumerate(lines) if line.text), 0)
        if not lines or lines[start].text != "---":
            return
        end = next(
            (at for at in range(start + 1, min(len(lines), start + 60)) if lines[at].text == "---"), start
        )
        owner: Role | None = None
        for at in range(start + 1, end):
            if at in self.lines:
                continue
            text, label = lines[at].text, self.structure.labels.get(at)
            if label and label[0] in (Role.TITLE, Role.SUBJECT, Role.RECIPIENT, Role.ORGANISER):
                value = self.structure.value(at)
                owner = label[0]
                self.put(at, owner if value else Role.LAYOUT, label=label[1] if value else "")
                self.has_title |= owner == Role.TITLE
            elif owner and (at in self.structure.marks or lines[at].indent):
                self.put(at, owner, continues=at not in self.structure.marks)
            else:
                owner = Role.LEFT_OUT if ":" in text else owner
                self.put(at, Role.LEFT_OUT)
