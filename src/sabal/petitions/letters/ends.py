"""What can be said when all lines have a role: which last lines are a signature, and which lines have contacts."""

from dataclasses import replace

from sabal.petitions.letters.contacts import contact_in
from sabal.petitions.letters.lines import ends_sentence, ends_with_colon, is_prose, width
from sabal.petitions.letters.reading import UNPUBLISHED, LetterLine, Role
from sabal.petitions.letters.structure import Structure

SIGNATURE_WIDTH = 70
SHORT_WIDTH = 48  # shorter lines of a paragraph were not broken because they were full


def sign_last_lines(structure: Structure, lines: dict[int, LetterLine], last_demand: int) -> None:
    """Make the short lines at the very end a signature, also without a closing phrase before them."""
    for at in reversed(structure.order):
        line, text = lines[at], structure.text(at)
        if line.role in UNPUBLISHED or line.role in (Role.SIGN, Role.NEWSLETTER, Role.LAYOUT):
            continue
        if contact_in(text, structure.words) and not is_prose(text):
            lines[at] = _as(line, Role.CONTACT)
            continue
        signs = structure.words.says("signers", text)
        short = width(text) <= SIGNATURE_WIDTH and not ends_sentence(text) and not ends_with_colon(text)
        fits = line.role in (Role.CLOSING, Role.HEADING) or (signs and line.role == Role.BACKGROUND)
        if at <= last_demand or not fits or not (short or signs) or line.mark:
            return
        before = structure.before(at)
        if line.continues and before is not None and width(structure.text(before)) > SHORT_WIDTH:
            return
        lines[at] = _as(line, Role.SIGNATURE)


def contacts_in(structure: Structure, lines: dict[int, LetterLine]) -> dict[int, str]:
    """Make each line with a contact one, with the rest of its paragraph. Return their kinds by line number."""
    found: dict[int, str] = {}
    for at, line in list(lines.items()):
        kind = "" if line.role == Role.LAYOUT else contact_in(line.text, structure.words)
        if (
            kind == "email address"
            and line.role in (Role.RECIPIENT, Role.ORGANISER)
            and not _has_more(structure, line)
        ):
            continue
        if kind:
            for one in _paragraph(structure, lines, at):
                lines[one] = _as(lines[one], Role.CONTACT)
        if kind or line.role == Role.CONTACT:
            found[line.number] = kind or "contact"
    return found


def _as(line: LetterLine, role: Role) -> LetterLine:
    return replace(line, role=role, label="", level=0, continues=False)


def _has_more(structure: Structure, line: LetterLine) -> bool:
    """Return whether a line of names has a contact beside the email address, which is not published anyway."""
    return (
        contact_in(" ".join(word for word in line.content.split() if "@" not in word), structure.words) != ""
    )


def _paragraph(structure: Structure, lines: dict[int, LetterLine], at: int) -> list[int]:
    """Return the lines of the paragraph of a line that would be published."""
    order = structure.order
    first = last = structure.place[at]
    if lines[at].role in UNPUBLISHED:
        return [at]
    while first and lines[order[first]].continues:
        first -= 1
    while last + 1 < len(order) and lines[order[last + 1]].continues:
        last += 1
    return order[first : last + 1]
