"""The parts of a plain letter: title, recipients, subject, sections, demands and closing lines."""

import re
from dataclasses import dataclass, field

from sabal.petitions.letterlines import Line
from sabal.petitions.letterlist import Item
from sabal.petitions.links import is_email_address

NAME_LENGTH = 300

_ADDRESS = re.compile(
    r"^(?P<name>.*?)[\s,;–-]*[<(（]?\s*(?P<address>[^\s<>()（）]+@[^\s<>()（）]+?)\s*[>)）]?$"
)


@dataclass
class LetterSection:
    """A heading ("" if the letter has none) and its paragraphs."""

    heading: str
    paragraphs: list[str] = field(default_factory=list)


@dataclass
class Letter:
    """The parts that were found. Every value is text of the letter; a missing part is empty."""

    title: str = ""
    organiser: str = ""
    recipients: list[tuple[str, str]] = field(default_factory=list)
    subject: str = ""
    sections: list[LetterSection] = field(default_factory=list)
    demands_heading: str = ""
    demands: list[Item] = field(default_factory=list)
    closing: LetterSection = field(default_factory=lambda: LetterSection(""))
    sign_invitation: str = ""
    newsletter_invitation: str = ""
    notes: list[str] = field(default_factory=list)

    def add_recipient(self, text: str) -> None:
        """Add a recipient: a name, an email address, or both. An address alone belongs to the name before it."""
        name, address = text.strip(" ;,，、；"), ""
        match = _ADDRESS.fullmatch(name) if len(name) <= NAME_LENGTH else None
        known = self.recipients
        if match and is_email_address(match["address"]):
            name, address = match["name"].strip(" ,;"), match["address"]
            if not name and known and not known[-1][1]:
                known[-1] = (known[-1][0], address)
                return
            name = name or address
        if len(name) > NAME_LENGTH or (name and len(known) >= 100):
            self.notes.append(f"This recipient could not be placed: “{name}”")
        elif name:
            known.append((name, address))

    def add_note(self, line: Line) -> None:
        """Add a line that belongs to no part to the notes."""
        self.notes.append(f"Line {line.number} could not be placed: “{line.text}”")
