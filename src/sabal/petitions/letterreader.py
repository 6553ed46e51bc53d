"""Read a plain letter part by part. Each line becomes part of the petition or of the notes."""

import re

from sabal.petitions import letterwords as words
from sabal.petitions.frontmatter import FRONT_MATTER
from sabal.petitions.letterclassifier import (
    PHRASE_LENGTH,
    TITLE_LENGTH,
    LineClassifier,
    bare,
    ends_sentence,
    invites_to_sign,
    invites_to_subscribe,
    is_prose,
    label_text,
)
from sabal.petitions.letterlines import Line, lines_of, width
from sabal.petitions.letterlist import Item, is_bullet, nested
from sabal.petitions.letterparts import Letter, LetterSection
from sabal.petitions.wording import HEADING_LENGTH


def read_parts(source: str) -> Letter:
    """Return the parts of the letter `source`."""
    return _LetterReader(source).read()


class _LetterReader:
    def __init__(self, source: str) -> None:
        self.lines, cleaned = lines_of(source)
        self.classifier = LineClassifier(self.lines)
        self.letter = Letter()
        if cleaned:
            numbers = ", ".join(str(number) for number in cleaned)
            self.letter.notes.append(f"Invisible characters were removed from line {numbers}.")
        self.at = 0
        self.last: Line | None = None
        self.items: list[Item] = []
        self.addressed = ""

    def read(self) -> Letter:
        self.demand_style = self.classifier.demand_style()
        self._title()
        while self.at < len(self.lines):
            self._next_part()
        self.letter.demands = nested(self.items)
        if not self.letter.recipients and self.addressed:
            self.letter.recipients.append((self.addressed, ""))
        return self.letter

    def _next_part(self) -> None:
        line = self.lines[self.at]
        text = label_text(line)
        if self.classifier.is_farewell(line):
            self._rest_to_notes()
        elif self.classifier.is_aside(line):
            self._aside(line)
            self.at += 1
        elif self._invitation(line):
            self.at += 1
        elif words.TO.fullmatch(text) and len(text) <= PHRASE_LENGTH:
            self._recipients(text)
        elif not self.items and (match := words.TO_NAMED.fullmatch(text)):
            self.letter.add_recipient(match["rest"] or match["name"])
            self.at += 1
        elif not self.items and self.classifier.opens_demands(self.at):
            self._demands()
        elif not self.items and self.demand_style == "list" and self.classifier.is_list(self.at):
            self._bare_list()
        else:
            if not self._label(text):
                self._prose(line)
            self.at += 1
        self.last = line

    def _title(self) -> None:
        if len(self.lines) > 1 and words.KIND_OF_LETTER.fullmatch(bare(self.lines[0].text)):
            self.at = int(self.classifier.can_be_title(1))
        if self.lines and self.classifier.can_be_title(self.at):
            for line in self.lines[: self.at]:
                self.letter.add_note(line)
            self.letter.title = bare(self.lines[self.at].text)
            self.at += 1

    # Labelled lines

    def _label(self, text: str) -> bool:
        """Read a heading, or a line that begins with "Subject:", "From:" or a section's name.

        Return whether the line was one of these.
        """
        if match := words.SUBJECT.fullmatch(text):
            self._subject(match["rest"] or self._following())
        elif match := words.FROM.fullmatch(text):
            self._organiser(match["rest"] or self._following())
        elif match := words.SECTION.fullmatch(text):
            self._section(match["label"])
            if match["rest"]:
                self._open_paragraphs().append(match["rest"])
        elif self.classifier.is_heading(self.at):
            self._section(text.rstrip(":： "))
        else:
            return False
        return True

    def _following(self) -> str:
        """Return the line after a label without a value as the label's value, or "" if a new part begins there."""
        if self.at + 1 < len(self.lines) and not self.classifier.begins_part(self.at + 1):
            self.at += 1
            return self._unmarked(self.lines[self.at])
        return ""

    def _subject(self, text: str) -> None:
        if not self.letter.title and len(text) <= TITLE_LENGTH:
            self.letter.title = text
        if self.letter.subject or len(text) > FRONT_MATTER["subject"]:
            self._open_paragraphs().append(text)
        else:
            self.letter.subject = text

    def _organiser(self, text: str) -> None:
        if not self.letter.organiser and len(text) <= 200:
            self.letter.organiser = text
        elif text:
            self.letter.add_note(self.lines[self.at])

    def _section(self, heading: str) -> None:
        known = self.letter.sections
        if self.items:
            self.letter.closing.paragraphs.append(heading)
        elif len(known) == 1 and not known[0].heading and words.SECTION.fullmatch(heading):
            known[0].heading = heading
        else:
            known.append(LetterSection(heading))

    # Recipients

    def _recipients(self, text: str) -> None:
        """Read the recipients after and below "To:": lines of its block, and marked lines even after blank lines."""
        match = words.TO.fullmatch(text)
        same_line = (match["rest"] or "") if match else ""
        korean_or_chinese = width(same_line) > len(same_line)
        for name in re.split(r"[;；,，、]" if korean_or_chinese else r"[;；]", same_line):
            self.letter.add_recipient(name)
        self.at += 1
        first, alone, listed = True, False, False
        while self.at < len(self.lines) and not self._ends_recipients():
            line = self.lines[self.at]
            marked = self.classifier.marks.peek(line)
            indented = line.indent > 1 and not line.after_blank
            loose = not same_line and not listed and (first or not line.after_blank)
            if not (marked or alone or indented or (loose and not is_prose(line.text))):
                return
            name = self._unmarked(line)
            alone, first, listed = marked and not name, False, listed or marked
            self.letter.add_recipient(name)
            self.at += 1

    def _ends_recipients(self) -> bool:
        begins = self.classifier.begins_part(self.at) or self.classifier.opens_demands(self.at)
        return begins or self.classifier.is_aside(self.lines[self.at])

    # Demands

    def _demands(self) -> None:
        line = self.lines[self.at]
        text = label_text(line)
        match = words.DEMANDS.fullmatch(text)
        rest = match["rest"] if match else None
        heading = (match["label"] if match else text).rstrip(":： ")
        if len(heading) <= HEADING_LENGTH and not self.letter.demands_heading:
            self.letter.demands_heading = heading
        else:
            self._open_paragraphs().append(text)
        if rest:
            self._item(line, rest, "plain")
        self.at += 1
        self._list()

    def _bare_list(self) -> None:
        """Read a list that no sentence introduces. A line with a colon just before it is its heading."""
        before = self.letter.sections[-1].paragraphs if self.letter.sections else []
        heading = before[-1] if before else ""
        fits = heading.endswith((":", "：")) and len(heading) <= HEADING_LENGTH
        if fits and not self.letter.demands_heading:
            self.letter.demands_heading = before.pop().rstrip(":： ")
        self._list()

    def _list(self) -> None:
        """Read the items from here to the next part, in any style of list."""
        after_empty, alone, kind = False, False, ""
        any_marked = any(self.classifier.is_marked(at) for at in range(self.at, self.at + 3))
        while self.at < len(self.lines) and not self.classifier.begins_part(self.at):
            line = self.lines[self.at]
            mark = self.classifier.marks.read(line)
            if mark and not mark.text:
                # The mark is alone on its line. The next line is its text, or another mark, which makes this one empty.
                after_empty, alone, kind = alone, True, mark.kind
            elif mark or alone:
                text = mark.text if mark else line.text
                self._item(line, text, mark.kind if mark else kind, alone=not mark, after_empty=after_empty)
                after_empty = alone = False
            elif self.items and (self._continues_item(line) or self._explains(line)):
                self.items[-1].lines.append((line.number, line.text))
            elif not any_marked or not self.items or self.classifier.is_marked(self.at + 1):
                self._item(line, line.text, "plain")
            else:
                return
            self.last = line
            self.at += 1

    def _item(
        self, line: Line, text: str, kind: str, *, alone: bool = False, after_empty: bool = False
    ) -> None:
        self.classifier.demand_found = True
        self.items.append(Item([(line.number, text)], line.indent, kind, alone, after_empty))

    def _continues_item(self, line: Line) -> bool:
        """Return whether `line` continues the item before it."""
        item, last = self.items[-1], self.last
        if item.kind != "plain" and line.indent > item.indent + 1:
            return True
        if line.after_blank or last is None or width(last.text) > 100:
            return False
        if line.text[0].islower():
            return True
        whole = ends_sentence(last.text) and not (item.kind == "plain" and self.classifier.has_blank_lines)
        return width(last.text) >= 50 and not whole

    def _explains(self, line: Line) -> bool:
        """Return whether `line`, with blank lines around it, explains the item before it.

        It does if the next item continues the numbering. A line with a colon, or one directly above a bullet, is a
        heading instead.
        """
        if not self.classifier.is_marked(self.at + 1) or line.text.endswith((":", "：")):
            return False
        following = self.lines[self.at + 1]
        return self.classifier.marks.counts_on(following) or (following.after_blank and is_bullet(following))

    # All other lines

    def _prose(self, line: Line) -> None:
        if (
            self.demand_style == "verbs"
            and self.classifier.asks(line)
            and not self.classifier.continues(line, self.last)
        ):
            self._item(line, line.text, "plain")
            return
        if self.demand_style == "verbs" and self.items and self._continues_item(line):
            self.items[-1].lines.append((line.number, line.text))
            return
        paragraphs = self._open_paragraphs()
        if paragraphs and self.classifier.continues(line, self.last):
            paragraphs[-1] = f"{paragraphs[-1]}\n{line.text}"
        else:
            paragraphs.append(line.text)

    def _open_paragraphs(self) -> list[str]:
        """Return the paragraphs to add prose to: those of the last section, or after the demands the closing."""
        if self.items:
            return self.letter.closing.paragraphs
        if not self.letter.sections:
            self.letter.sections.append(LetterSection(""))
        return self.letter.sections[-1].paragraphs

    def _aside(self, line: Line) -> None:
        match = words.ADDRESSED.fullmatch(bare(line.text))
        if match and not self.addressed:
            self.addressed = next(name for name in match.groups() if name)
        self.letter.add_note(line)

    def _rest_to_notes(self) -> None:
        """Move the lines after the farewell to the notes.

        They name people. A person must enter the organiser in petition.toml.
        """
        for line in self.lines[self.at :]:
            if not self._invitation(line):
                self.letter.add_note(line)
        self.at = len(self.lines)

    def _invitation(self, line: Line) -> bool:
        """Read a closing line that asks to sign or to subscribe. Return whether it was one."""
        if not self.classifier.is_late(line) or self.classifier.marks.peek(line):
            return False
        if invites_to_subscribe(line.text) and not self.letter.newsletter_invitation:
            self.letter.newsletter_invitation = line.text
        elif invites_to_sign(line.text) and not self.letter.sign_invitation:
            self.letter.sign_invitation = line.text
        else:
            return False
        return True

    def _unmarked(self, line: Line) -> str:
        mark = self.classifier.marks.read(line)
        return line.text if mark is None else mark.text
