"""Give each line of a letter in one language its role."""

from collections.abc import Mapping

from sabal.petitions.frontmatter import FRONT_MATTER
from sabal.petitions.letters import head
from sabal.petitions.letters.demands import SENTENCES
from sabal.petitions.letters.ends import contacts_in, sign_last_lines
from sabal.petitions.letters.labelled import LabelReader
from sabal.petitions.letters.lines import bare, ends_sentence, ends_with_colon, is_prose, is_rule, width
from sabal.petitions.letters.reading import LISTED, LetterLine, Role
from sabal.petitions.letters.structure import Structure


def roles_of(structure: Structure, language: str) -> tuple[list[LetterLine], Mapping[int, str]]:
    """Return the lines with their roles, and the kind of each contact by line number."""
    return _Reader(structure, language).read()


class _Reader(LabelReader):
    def read(self) -> tuple[list[LetterLine], Mapping[int, str]]:
        for at, line in enumerate(self.structure.lines):
            if is_rule(line.text):
                self.put(at, Role.LAYOUT)
        self.front_matter()
        self._demands()
        for at in self.structure.order:
            if at in self.lines:
                self.in_head &= at not in self.demands
                self.at_end &= self.lines[at].role not in LISTED
                continue
            self._next(at)
        sign_last_lines(self.structure, self.lines, self.last_demand)
        contacts = contacts_in(self.structure, self.lines)
        return [self.lines[at] for at in sorted(self.lines)], contacts

    def _demands(self) -> None:
        for at, placed in self.demands.items():
            label = ""
            if at in self.structure.labels and placed.role == Role.DEMAND:
                label = self.structure.labels[at][1]
            self.put(at, placed.role, label=label, level=placed.level, continues=placed.continues)

    def _next(self, at: int) -> None:
        """Give one line its role, and lines below it that belong to it."""
        steps = (
            self._end,
            self.label,
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

    def _aside(self, at: int) -> bool:
        """Place a date, a form to fill in, or a form of address."""
        text = self.structure.text(at)
        if head.is_day(self.structure, at) or head.is_form_line(text):
            self.put(at, Role.LEFT_OUT)
            return True
        role = head.form_of_address(self.structure, at)
        if role is None:
            return False
        known = any(line.role == Role.RECIPIENT for line in self.lines.values())
        early = not self.at_end and self.section == Role.BACKGROUND and not at > self.last_demand >= 0
        below = role == Role.RECIPIENT and not known and self.structure.words.says("addressees", text)
        if not below and not (early and (self.in_head or role == Role.LEFT_OUT)):
            return False
        self.put(at, Role.LEFT_OUT if known else role)
        return True

    def _end(self, at: int) -> bool:
        """Place the closing phrase and what follows it: names, and perhaps a postscript."""
        text = self.structure.text(at)
        late = at > self.last_demand and (self.last_demand >= 0 or self.structure.is_last(at))
        if late and width(text) <= 100 and self.structure.words.is_whole("farewells", text):
            self.at_end = True
            self.put(at, Role.SIGNATURE)
            return True
        if not self.at_end or self.structure.invites(at) or at in self.structure.labels:
            return False
        prose = is_prose(text) and not self.structure.words.says("signers", text)
        if not prose and not head.is_day(self.structure, at) and not head.is_form_line(text):
            self.put(at, Role.SIGNATURE)
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
                self.put(one, Role.LEFT_OUT)
        else:
            self.put(at, role)
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
            or any(line.role == Role.SUBJECT for line in self.lines.values())
            or len(plain) > FRONT_MATTER["title"]
            or at in self.structure.marks
        ):
            return self._more_of_title(at)
        if self.structure.words.is_whole("kinds", plain) and self._has_other_title(at):
            self.put(at, Role.LEFT_OUT)
            return True
        too_long = is_prose(plain) and (ends_sentence(plain) or width(plain) > 160)
        if (
            too_long
            or (plain.endswith((".", "。")) and len(SENTENCES.split(plain.rstrip(".。"))) > 1)
            or head.address_block(self.structure, at)
        ):
            return False
        self.put(at, Role.TITLE)
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
            self.put(at, Role.TITLE, continues=True)
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
        self.put_block(roles or {})
        return bool(roles)

    def _heading(self, at: int) -> bool:
        if not self.structure.is_heading(at) or (self.at_end and not self.structure.text(at).startswith("#")):
            return False
        self.section = Role.CLOSING if at > self.last_demand >= 0 else Role.BACKGROUND
        following = self.structure.after(at)
        title = [bare(line.content.strip("\"'")) for line in self.lines.values() if line.role == Role.TITLE]
        if bare(self.structure.text(at)) in title:
            self.put(at, Role.LEFT_OUT)
            return True
        self.put(at, self.section if following in self.structure.run_of else Role.HEADING)
        self.in_head = False
        return True

    def _prose(self, at: int) -> None:
        """Place a line of the text: background before the demands, closing after them."""
        section = Role.CLOSING if at > self.last_demand >= 0 else self.section
        before = self.structure.before(at)
        same = before is not None and before in self.lines and self.lines[before].role == section
        self.in_head = False
        self.put(at, section, continues=same and self.structure.continues(at))
