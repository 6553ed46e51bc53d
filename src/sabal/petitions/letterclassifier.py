"""Classify the lines of a letter: labels, headings, the sentence that opens the demands, closing lines."""

import re

from sabal.petitions import letterwords as words
from sabal.petitions.frontmatter import FRONT_MATTER
from sabal.petitions.letterlines import Line, width
from sabal.petitions.letterlist import Marks

TITLE_LENGTH = FRONT_MATTER["title"]
# Longer lines are not labels or set phrases. The limit keeps the patterns fast on hostile lines.
PHRASE_LENGTH = 600

_SENTENCE_END = re.compile(r"[.!?;。！？；…][\"'”’」』）)]*$")
_FRAME = re.compile(
    r"^(?:#{1,6}\s+|\*\*|__|[\[【〔<《■□◆●▶◎○]\s*)+|(?:\*\*|__|[\]】〕>》])+(?=\s*[:：]?\s*$)"
)
_NUMBER = re.compile(r"^(?:\d{1,2}[.)]|[IVX]{1,4}\.|[一二三四五六七八九十][、.])\s*")


class LineClassifier:
    """Classifies the lines of one letter.

    `demand_found` is set when the first demand is found. After that, any line may be a closing line; before that, only
    one of the last eight lines.
    """

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.marks = Marks()
        self.demand_found = False
        self.closing_from = lines[-8:][0].number if lines else 0
        self.has_blank_lines = any(line.after_blank for line in lines[2:])

    def demand_style(self) -> str:
        """Return how the letter makes its demands: "heading", "verbs" (in sentences) or "list" (without a heading)."""
        positions = range(len(self.lines))
        if any(self.opens_demands(position) for position in positions):
            return "heading"
        asking = sum(self.asks(line) for line in self.lines[1:])
        if asking > 1 or not any(self.is_list(position) for position in positions):
            return "verbs"
        return "list"

    def begins_part(self, position: int) -> bool:
        """Return whether the line at `position` begins a new part and so ends a list before it."""
        line = self.lines[position]
        text = label_text(line)
        if any(label.fullmatch(text) for label in (words.TO, words.FROM, words.SUBJECT, words.SECTION)):
            return True
        if len(text) > PHRASE_LENGTH:
            return False
        if self.is_farewell(line):
            return True
        return not self.marks.peek(line) and (
            invites_to_sign(text) or invites_to_subscribe(text) or self.is_heading(position)
        )

    def can_be_title(self, position: int) -> bool:
        """Return whether the line at `position` may be the title."""
        line = self.lines[position]
        text = bare(line.text)
        if not any(character.isalnum() for character in text) or len(text) > TITLE_LENGTH:
            return False
        if ends_sentence(text) and width(text) > 100:
            return False
        others = (
            words.TO,
            words.FROM,
            words.SUBJECT,
            words.SECTION,
            words.DEMANDS,
            words.SALUTATION,
            words.DAY,
        )
        return not (
            any(other.fullmatch(text) for other in others)
            or self.opens_demands(position)
            or self.marks.peek(line)
        )

    def opens_demands(self, position: int) -> bool:
        """Return whether demands follow the line at `position`.

        The line is a word such as "Demands", or a sentence that asks and has a colon or a list after it.
        """
        line = self.lines[position]
        text = bare(line.text)
        if len(text) > PHRASE_LENGTH:
            return False
        if words.DEMANDS.fullmatch(label_text(line)):
            return True
        if self.marks.peek(line) or words.SUBJECT.fullmatch(text) or words.SECTION.fullmatch(text):
            return False
        return bool(words.ASKS.match(text)) and (text.endswith((":", "：")) or self.is_marked(position + 1))

    def asks(self, line: Line) -> bool:
        """Return whether `line` begins with a sentence that asks."""
        return bool(words.ASKS.match(line.text[:PHRASE_LENGTH]))

    def is_marked(self, position: int) -> bool:
        """Return whether the line at `position` begins with a list mark."""
        return position < len(self.lines) and self.marks.peek(self.lines[position])

    def is_list(self, position: int) -> bool:
        """Return whether a list of two or more items begins at `position`."""
        following = range(position + 1, min(position + 6, len(self.lines)))
        return self.is_marked(position) and any(self.is_marked(at) for at in following)

    def is_heading(self, position: int) -> bool:
        """Return whether the line at `position` is a heading.

        A heading is short. It begins with #, or it is set apart and ends with a colon or is in capitals.
        """
        line = self.lines[position]
        text = bare(line.text)
        if len(text) > 80 or position + 1 >= len(self.lines) or not any(letter.isalnum() for letter in text):
            return False
        if re.match(r"#{1,6}\s", line.text):
            return True
        if (
            (self.has_blank_lines and not line.after_blank)
            or self.is_marked(position + 1)
            or self.marks.peek(line)
        ):
            return False
        return text.endswith((":", "：")) or (text.isupper() and not ends_sentence(text))

    def is_aside(self, line: Line) -> bool:
        """Return whether `line` is a date or a salutation, which are no part of a petition."""
        text = bare(line.text)
        return len(text) <= 200 and bool(words.DAY.fullmatch(text) or words.SALUTATION.fullmatch(text))

    def is_late(self, line: Line) -> bool:
        """Return whether `line` may be one of the closing lines."""
        return self.demand_found or line.number >= self.closing_from

    def is_farewell(self, line: Line) -> bool:
        """Return whether `line` is a closing phrase, such as "Yours sincerely"."""
        return self.is_late(line) and len(line.text) <= 80 and bool(words.FAREWELL.fullmatch(line.text))

    def continues(self, line: Line, last: Line | None) -> bool:
        """Return whether `line` continues the paragraph of `last` (lines broken by hand)."""
        if last is None or line.after_blank or self.marks.peek(line) or width(last.text) > 100:
            return False
        return (self.has_blank_lines and width(last.text) >= 50) or not ends_sentence(last.text)


def label_text(line: Line) -> str:
    """Return the text of a possible label: the line without decoration and without a section number ("2. Demands")."""
    return _NUMBER.sub("", bare(line.text)) or line.text


def bare(text: str) -> str:
    """Return `text` without the decoration of headings: ## , ** **, 【 】, ■."""
    return _FRAME.sub("", text).strip() or text


def ends_sentence(text: str) -> bool:
    """Return whether `text` ends with the end of a sentence."""
    return _SENTENCE_END.search(text) is not None


def is_prose(text: str) -> bool:
    """Return whether `text` is a sentence rather than a name."""
    return ends_sentence(text) and width(text) > 40


def invites_to_sign(text: str) -> bool:
    """Return whether `text` asks the reader to sign."""
    return len(text) <= FRONT_MATTER["sign_invitation"] and bool(words.SIGN.match(text))


def invites_to_subscribe(text: str) -> bool:
    """Return whether `text` asks the reader to subscribe to a newsletter."""
    return len(text) <= FRONT_MATTER["newsletter_invitation"] and bool(words.NEWSLETTER.match(text))
