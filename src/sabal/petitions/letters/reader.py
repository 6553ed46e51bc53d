"""Give each line of a letter in one language its role."""

from collections.abc import Mapping

from sabal.petitions.frontmatter import FRONT_MATTER
from sabal.petitions.letters import head
from sabal.petitions.letters.contacts import contact_in
from sabal.petitions.letters.demands import demands_of
from sabal.petitions.letters.lines import bare, ends_sentence, ends_with_colon, is_prose, is_rule, width
from sabal.petitions.letters.reading import LISTED, UNPUBLISHED, LetterLine, Role
from sabal.petitions.letters.structure import Structure

SIGNATURE_WIDTH = 70
_SECTIONS = {Role.BACKGROUND: Role.BACKGROUND, Role.CLOSING: Role.CLOSING, Role.DEMAND: Role.BACKGROUND}


def roles_of(structure: Structure, language: str) -> tuple[list[LetterLine], Mapping[int, str]]:
    """Return the lines with their roles, and the kind of each contact by line number."""
    return _Reader(structure, language).read()


class _Reader:
    def __init__(self, structure: Structure, language: str) -> None:
        self.structure, self.language = structure, language
        self.lines: dict[int, LetterLine] = {}
        self.found: dict[int, str] = {}
        self.section = Role.BACKGROUND
        self.in_head, self.at_end = True, False
        self.has_title = False
        self.demands = demands_of(structure)
        self.last_demand = max(
            (at for at, one in self.demands.items() if one.role in (Role.DEMAND, Role.PART)), default=-1
        )

    def read(self) -> tuple[list[LetterLine], Mapping[int, str]]:
        for at, line in enumerate(self.structure.lines):
            if is_rule(line.text):
                self._put(at, Role.LAYOUT)
        self._front_matter()
        self._demands()
        for at in self.structure.order:
            if at in self.lines:
                self.in_head &= at not in self.demands
                self.at_end &= self.lines[at].role not in LISTED
                continue
            self._next(at)
        self._last_lines()
        self._contacts()
        return [self.lines[at] for at in sorted(self.lines)], self.found

    def _put(self, at: int, role: Role, *, label: str = "", level: int = 0, continues: bool = False) -> None:
        line, mark = self.structure.lines[at], self.structure.marks.get(at)
        self.lines[at] = LetterLine(
            line.number, line.text, role, self.language, label, mark.text if mark else "", level, continues
        )

    def _demands(self) -> None:
        for at, placed in self.demands.items():
            label = ""
            if at in self.structure.labels and placed.role == Role.DEMAND:
                label = self.structure.labels[at][1]
            self._put(at, placed.role, label=label, level=placed.level, continues=placed.continues)

    def _next(self, at: int) -> None:
        """Give one line its role, and lines below it that belong to it."""
        steps = (
            self._end,
            self._label,
            self._address,
            self._aside,
            self._invitation,
            self._title,
            self._heading,
        )
        for step in steps if at > self.last_demand or not self.at_end else ():
            if step(at):
                return
        self._prose(at)

    # Labels

    def _label(self, at: int) -> bool:
        role = self.structure.role_of_label(at)
        if role is None:
            return False
        label, value = self.structure.labels[at][1], self.structure.value(at)
        if role == Role.RECIPIENT:
            self._put(at, Role.RECIPIENT if value else Role.LAYOUT, label=label if value else "")
            self._put_block(head.recipients_below(self.structure, at))
        elif role in (Role.TITLE, Role.SUBJECT, Role.ORGANISER) and (self.in_head or role == Role.ORGANISER):
            self._value(at, role, label, value)
        elif role in _SECTIONS:
            self.section = Role.CLOSING if at > self.last_demand >= 0 else _SECTIONS[role]
            self._put(at, self.section if value else Role.HEADING, label=label if value else "")
            self.in_head = False
        elif role in (Role.CONTACT, Role.SIGNATURE, Role.SIGN, Role.LEFT_OUT) and self._names_part(
            at, role, value
        ):
            self._put(at, Role.LEFT_OUT if role == Role.SIGN and not value else role)
            if not value or role != Role.CONTACT:
                self._below(at, role)
        else:
            return False
        return True

    def _value(self, at: int, role: Role, label: str, value: str) -> None:
        """Place a label of one value, which may be on the line below."""
        following = self.structure.after(at)
        self._put(at, role if value else Role.LAYOUT, label=label if value else "")
        if (
            not value
            and following is not None
            and following not in self.structure.labels
            and following not in self.lines
        ):
            self._put(following, role)
            at, following = following, self.structure.after(following)
        while (
            following is not None
            and following not in self.lines
            and role != Role.ORGANISER
            and self._goes_on(following)
        ):
            self._put(following, role, continues=True)
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
        role = Role.LEFT_OUT if role == Role.SIGN else role
        while (
            following is not None and following not in self.lines and following not in self.structure.labels
        ):
            listed = following in self.structure.run_of
            if self.structure.lines[following].gap and not listed:
                return
            if role in UNPUBLISHED and not listed and is_prose(self.structure.text(following)):
                return
            self._put(following, role)
            following = self.structure.after(following)

    def _put_block(self, roles: Mapping[int, tuple[Role, bool]]) -> None:
        for at, (role, continues) in roles.items():
            if at not in self.lines:
                self._put(at, role, continues=continues)

    # Lines that are no part of a petition, and those at its ends

    def _front_matter(self) -> None:
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
                self._put(at, owner if value else Role.LAYOUT, label=label[1] if value else "")
                self.has_title |= owner == Role.TITLE
            elif owner and (at in self.structure.marks or lines[at].indent):
                self._put(at, owner, continues=at not in self.structure.marks)
            else:
                owner = Role.LEFT_OUT if ":" in text else owner
                self._put(at, Role.LEFT_OUT)

    def _aside(self, at: int) -> bool:
        """Place a date, a form to fill in, or a form of address."""
        text = self.structure.text(at)
        if head.is_day(self.structure, at) or head.is_form_line(text):
            self._put(at, Role.LEFT_OUT)
            return True
        if self.at_end or self.section != Role.BACKGROUND or at > self.last_demand >= 0:
            return False
        role = head.form_of_address(self.structure, at)
        if role is None or (not self.in_head and role == Role.RECIPIENT):
            return False
        known = any(line.role == Role.RECIPIENT for line in self.lines.values())
        self._put(at, Role.LEFT_OUT if known else role)
        return True

    def _end(self, at: int) -> bool:
        """Place the closing phrase and what follows it: names, and perhaps a postscript."""
        text = self.structure.text(at)
        late = at > self.last_demand and (self.last_demand >= 0 or self.structure.is_last(at))
        if late and width(text) <= 100 and self.structure.words.is_whole("farewells", text):
            self.at_end = True
            self._put(at, Role.SIGNATURE)
            return True
        if not self.at_end or self.structure.invites(at) or at in self.structure.labels:
            return False
        prose = is_prose(text) and not self.structure.words.says("signers", text)
        if not prose and not head.is_day(self.structure, at) and not head.is_form_line(text):
            self._put(at, Role.SIGNATURE)
        return at in self.lines

    def _invitation(self, at: int) -> bool:
        """Place a line that asks to sign or to subscribe. A list below says how, which this site's form replaces."""
        role = self.structure.invites(at)
        if (
            role is None
            or (self.in_head and not self.has_title)
            or not (at > self.last_demand >= 0 or self.structure.is_last(at) or self._above_list(at))
        ):
            return False
        following = self.structure.after(at)
        if following in self.structure.run_of and following not in self.lines:
            for one in (at, *self.structure.run_of[following].lines):
                self._put(one, Role.LEFT_OUT)
        else:
            self._put(at, role)
        return True

    def _above_list(self, at: int) -> bool:
        following = self.structure.after(at)
        return following in self.structure.run_of and following not in self.demands

    # The beginning

    def _title(self, at: int) -> bool:
        text = self.structure.text(at)
        plain = bare(text)
        if (
            not self.in_head
            or self.has_title
            or len(plain) > FRONT_MATTER["title"]
            or at in self.structure.marks
        ):
            return self._more_of_title(at)
        if self.structure.words.is_whole("kinds", plain) and self._has_other_title(at):
            self._put(at, Role.LEFT_OUT)
            return True
        if (is_prose(plain) and (ends_sentence(plain) or width(plain) > 160)) or head.address_block(
            self.structure, at
        ):
            return False
        self._put(at, Role.TITLE)
        self.has_title = True
        return True

    def _more_of_title(self, at: int) -> bool:
        """Place the second line of a title in capitals or with the same number of hashes."""
        before = self.structure.before(at)
        if (
            before is None
            or before not in self.lines
            or self.lines[before].role != Role.TITLE
            or self.structure.lines[at].gap
        ):
            return False
        texts = self.structure.text(before), self.structure.text(at)
        if (
            all(text.isupper() and not ends_with_colon(text) for text in texts)
            and at not in self.structure.marks
        ):
            self._put(at, Role.TITLE, continues=True)
            return True
        return False

    def _has_other_title(self, at: int) -> bool:
        """Return whether a line below a word such as "Petition" can be the title, or a label gives one."""
        if any(role in (Role.TITLE, Role.SUBJECT) for role, _ in self.structure.labels.values()):
            return True
        following = self.structure.after(at)
        while following is not None and (
            following in self.structure.labels
            or head.is_day(self.structure, following)
            or head.form_of_address(self.structure, following)
        ):
            following = self.structure.after(following)
        return (
            following is not None
            and following not in self.demands
            and following not in self.structure.run_of
            and not is_prose(self.structure.text(following))
        )

    def _address(self, at: int) -> bool:
        roles = head.address_block(self.structure, at) if self.in_head else None
        self._put_block(roles or {})
        return bool(roles)

    def _heading(self, at: int) -> bool:
        if not self.structure.is_heading(at) or (self.at_end and not self.structure.text(at).startswith("#")):
            return False
        self.section = Role.CLOSING if at > self.last_demand >= 0 else Role.BACKGROUND
        following = self.structure.after(at)
        self._put(at, self.section if following in self.structure.run_of else Role.HEADING)
        self.in_head = False
        return True

    def _prose(self, at: int) -> None:
        """Place a line of the text: background before the demands, closing after them."""
        section = Role.CLOSING if at > self.last_demand >= 0 else self.section
        before = self.structure.before(at)
        same = before is not None and before in self.lines and self.lines[before].role == section
        self.in_head = False
        self._put(at, section, continues=same and self.structure.continues(at))

    # Afterwards

    def _last_lines(self) -> None:
        """Make the short lines at the very end a signature, also without a closing phrase before them."""
        for at in reversed(self.structure.order):
            line, text = self.lines[at], self.structure.text(at)
            if line.role in UNPUBLISHED or line.role in (Role.SIGN, Role.NEWSLETTER, Role.LAYOUT):
                continue
            if contact_in(text, self.structure.words) and not is_prose(text):
                self._put(at, Role.CONTACT)
                continue
            signs = self.structure.words.says("signers", text)
            short = width(text) <= SIGNATURE_WIDTH and not ends_sentence(text) and not ends_with_colon(text)
            fits = line.role in (Role.CLOSING, Role.HEADING) or (signs and line.role == Role.BACKGROUND)
            if at <= self.last_demand or not fits or not (short or signs) or line.mark or line.continues:
                return
            self._put(at, Role.SIGNATURE)

    def _contacts(self) -> None:
        """Make each line with a contact one, with the rest of its paragraph, so that it is never published silently."""
        for at, line in list(self.lines.items()):
            kind = "" if line.role == Role.LAYOUT else contact_in(line.text, self.structure.words)
            if kind and not (
                kind == "email address" and line.role == Role.RECIPIENT and self._only_email(line)
            ):
                self.found[line.number] = kind
                for one in self._paragraph(at):
                    self._put(one, Role.CONTACT)
            elif line.role == Role.CONTACT:
                self.found[line.number] = "contact"

    def _only_email(self, line: LetterLine) -> bool:
        words = " ".join(word for word in line.content.split() if "@" not in word)
        return not contact_in(words, self.structure.words)

    def _paragraph(self, at: int) -> list[int]:
        """Return the lines of the paragraph of a line that would be published."""
        order, place = self.structure.order, self.structure.place[at]
        first = last = place
        if self.lines[at].role in UNPUBLISHED:
            return [at]
        while first and self.lines[order[first]].continues:
            first -= 1
        while last + 1 < len(order) and self.lines[order[last + 1]].continues:
            last += 1
        return order[first : last + 1]
