"""What people read about the pieces of a petition: their names, their groups, and what is wrong with one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sabal.desk.translating import Piece, Sheet
from sabal.petitions.history import Paragraph, changed_words
from sabal.petitions.pieces import Fault, is_long, longest

NAMES = {
    "title": gettext_lazy("Title"),
    "summary": gettext_lazy("Summary"),
    "picture_description": gettext_lazy("What is to be seen in the picture"),
    "subject": gettext_lazy("Subject"),
    "demands-heading": gettext_lazy("Heading of the demands"),
    "sign_invitation": gettext_lazy("Invitation to sign"),
    "newsletter_invitation": gettext_lazy("Invitation to the newsletter"),
    "notice": gettext_lazy("Notice at the end"),
    "confirm_email": gettext_lazy("A sentence of yours in the email that asks to confirm"),
    "thanks": gettext_lazy("A sentence of thanks, on the page after confirming"),
    "organiser": gettext_lazy("Who asks, as shown at the top"),
    "purpose": gettext_lazy("What the signatures are used for"),
    "controller-name": gettext_lazy("Legal name of the organisation or person responsible"),
    "controller-address": gettext_lazy("Postal address"),
}
GROUPS = (
    (gettext_lazy("At the top"), re.compile(r"title|summary|picture_description|subject")),
    (gettext_lazy("The letter"), re.compile(r"section-.*")),
    (gettext_lazy("The demands"), re.compile(r"demand.*")),
    (gettext_lazy("After the demands"), re.compile(r"closing-.*")),
    (gettext_lazy("Around the form"), re.compile(r".*invitation|notice|confirm_email|thanks|purpose")),
    (gettext_lazy("Names"), re.compile(r"organiser|controller-.*|recipient-.*")),
)
FAULTS = {
    "empty": gettext_lazy("This cannot be empty."),
    "list": gettext_lazy(
        "A list can only be among the demands. Leave out the marks (- or 1.) at the beginning of lines, or write a"
        " backslash before each."
    ),
    "heading": gettext_lazy(
        "A line that begins with # or ## would begin a new section. Leave out the mark, or begin with ### for a smaller"
        " heading."
    ),
    "one-line": gettext_lazy(
        "A line of this would be read as something else. Leave out marks such as #, -, > or 1. at the beginning."
    ),
}
LINE = 46  # characters, about


@dataclass(frozen=True)
class Shown:
    """A piece on a page: with its name, what was typed if it could not be saved, and why not."""

    piece: Piece
    name: str
    text: str
    fault: str
    theirs: str | None
    source_changes: Paragraph

    @property
    def rows(self) -> int:
        """Return how many lines its field has."""
        lines = max(len(self.piece.source), len(self.text)) // LINE + self.piece.source.count("\n") + 1
        return min(max(lines, 3 if is_long(self.piece.key) else 1), 24)


def groups(
    sheet: Sheet, typed: Mapping[str, str], wrong: Mapping[str, str], conflicts: Mapping[str, str]
) -> list[tuple[str, list[Shown]]]:
    """Return the pieces of a language in groups, in the order of the page."""
    found: list[tuple[str, list[Shown]]] = []
    names = names_of(sheet)
    for name, pattern in GROUPS:
        shown = [
            Shown(
                piece,
                names[piece.key],
                typed.get(piece.key, piece.text),
                wrong.get(piece.key, ""),
                conflicts.get(piece.key),
                changed_words(piece.was, piece.source) if piece.state == "outdated" else (),
            )
            for piece in sheet.pieces
            if pattern.fullmatch(piece.key)
        ]
        if shown:
            found.append((str(name), shown))
    return found


def names_of(sheet: Sheet) -> dict[str, str]:
    """Return the name of each piece. Recipients are numbered in their order."""
    recipients = [piece.key for piece in sheet.pieces if piece.key.startswith("recipient-")]
    return {
        piece.key: _("Recipient %(number)s") % {"number": recipients.index(piece.key) + 1}
        if piece.key in recipients
        else _name_of(piece.key)
        for piece in sheet.pieces
    }


def _name_of(key: str) -> str:
    """Return the name of a piece, such as “Demand 1.2”."""
    if key in NAMES:
        return str(NAMES[key])
    kind, _hyphen, rest = key.partition("-")
    heading, number = rest.endswith("-heading"), rest.removesuffix("-heading").replace("-", ".")
    if kind == "section":
        words = _("Heading of section %(number)s") if heading else _("Section %(number)s")
    elif kind == "closing":
        words = _("Heading of closing text %(number)s") if heading else _("Closing text %(number)s")
    else:
        words = _("Demand %(number)s")
    return words % {"number": number}


def sentence(fault: Fault, key: str) -> str:
    """Return what is wrong with a piece, and what to do."""
    if fault.code == "long":
        return _("This is too long: at most %(most)s characters fit.") % {"most": longest(key)}
    return str(FAULTS[fault.code]) if fault.code in FAULTS else fault.sentence
