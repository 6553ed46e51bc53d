"""Who a letter is for: recipients after a label, forms of address, and blocks of an address."""

from collections.abc import Sequence

import regex

from sabal.petitions.letters.contacts import DATE, contact_in, with_plain_digits
from sabal.petitions.letters.lines import bare, ends_sentence, is_prose, width
from sabal.petitions.letters.reading import Role
from sabal.petitions.letters.structure import Structure
from sabal.petitions.letters.words import LABEL_WIDTH, name_in

NAME_WIDTH = 90
_YEAR = regex.compile(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)")
_TWO_SENTENCES = regex.compile(r"[.!?。！？]\s*[^.!?。！？]{3}.*[.!?。！？]")
_BLANKS = regex.compile(r"_{3,}|\.{6,}|…{3,}|＿{2,}")
_PLACE_AND_DAY_WORDS = 7


def is_day(structure: Structure, at: int) -> bool:
    """Return whether a line is a date, perhaps with a place or a weekday."""
    text = structure.text(at)
    if width(text) > 70 or ends_sentence(text.rstrip(".")):
        return False
    digits = with_plain_digits(text)
    words = [word.casefold().rstrip(".") for word in regex.findall(r"[\p{L}\p{M}]+", digits)]
    named = any(word in structure.words.months for word in words) and _YEAR.search(digits) is not None
    return (named or DATE.search(digits) is not None) and len(words) <= _PLACE_AND_DAY_WORDS


def is_form_line(text: str) -> bool:
    """Return whether a line is to be filled in by hand: "Name: ______"."""
    return _BLANKS.search(text) is not None


def form_of_address(structure: Structure, at: int) -> Role | None:
    """Return what a form of address is: a recipient, or left out if it names nobody; None for any other line."""
    text = bare(structure.text(at))
    if structure.words.is_whole("kinds", text) or _TWO_SENTENCES.search(text):
        return None
    if structure.words.is_whole("greetings", text):
        return Role.LEFT_OUT
    if width(text) > NAME_WIDTH or ends_sentence(text.rstrip("!.")) or at in structure.marks:
        return None
    return Role.RECIPIENT if name_in(text, structure.words) else None


def address_block(structure: Structure, at: int) -> dict[int, tuple[Role, bool]] | None:
    """Return the role of each line of an address that begins at a line, and whether it goes on with a name; or None.

    The first block may be the sender's: then its first line is the organiser. Streets and towns are left out.
    """
    block = _block(structure, at)
    first = structure.text(at)
    honoured = structure.words.says("honorifics", first)
    postal = any(map(_is_postal, (structure.text(one) for one in block)))
    if len(block) < 2:
        return None
    if honoured or (structure.words.says("offices", first) and (postal or _is_greeted(structure, block))):
        return names_of_block(structure, block)
    contact = any(contact_in(structure.text(one), structure.words) for one in block)
    signs = any(structure.words.says("signers", structure.text(one)) for one in block)
    below = structure.after(block[-1])
    titled = (
        signs and below is not None and not is_prose(structure.text(below)) and below not in structure.run_of
    )
    if ((contact or postal or signs) and _is_greeted(structure, block, within=12)) or titled:
        return {one: (Role.LEFT_OUT if one != at else Role.ORGANISER, False) for one in block}
    return None


def names_of_block(structure: Structure, block: Sequence[int]) -> dict[int, tuple[Role, bool]]:
    """Return the roles of the lines of an address: names with their offices, and streets, which are left out."""
    roles: dict[int, tuple[Role, bool]] = {}
    in_street = False
    for place, at in enumerate(block):
        text = structure.text(at)
        if place and structure.words.labels.get(text.split()[0].casefold()) == Role.ORGANISER:
            roles[at] = (Role.ORGANISER, False)
            continue
        begins = place == 0 or structure.words.says("honorifics", text)
        in_street = not begins and (in_street or _is_postal(text))
        roles[at] = (Role.LEFT_OUT, False) if in_street else (Role.RECIPIENT, not begins)
    return roles


def recipients_below(structure: Structure, at: int) -> dict[int, tuple[Role, bool]]:
    """Return the roles of the lines below a label of recipients that are recipients too."""
    roles: dict[int, tuple[Role, bool]] = {}
    value = structure.value(at)
    following = structure.after(at)
    if following in structure.run_of:
        run = structure.run_of[following]
        if (
            value
            and not structure.lines[at].indent < structure.lines[following].indent
            and structure.lines[following].gap
        ):
            return {}
        roles = dict.fromkeys(run.lines, (Role.LAYOUT, False))
        for item in run.items:
            roles |= {one: (Role.RECIPIENT, place > 0) for place, one in enumerate(item.lines)}
        return roles
    block: list[int] = []
    indent = structure.lines[at].indent + 1
    while following is not None and _is_name(structure, following):
        line = structure.lines[following]
        if (line.gap and block) or (value and (line.gap or line.indent <= indent)):
            break
        block.append(following)
        following = structure.after(following)
    texts = [structure.text(one) for one in block]
    if (
        not value
        and len(block) > 1
        and (structure.words.says("honorifics", texts[0]) or any(map(_is_postal, texts)))
    ):
        return names_of_block(structure, block)
    return dict.fromkeys(block, (Role.RECIPIENT, False))


def _block(structure: Structure, at: int) -> list[int]:
    block: list[int] = []
    following: int | None = at
    while (
        following is not None
        and _is_name(structure, following)
        and not (block and structure.lines[following].gap)
    ):
        block.append(following)
        following = structure.after(following)
    return block


def _is_name(structure: Structure, at: int) -> bool:
    text = structure.text(at)
    return not (
        at in structure.labels
        or at in structure.run_of
        or width(text) > NAME_WIDTH
        or is_prose(text)
        or text.endswith(("?", "!", "？", "！"))
        or text.startswith("#")
        or is_day(structure, at)
        or structure.invites(at)
        or structure.words.is_whole("greetings", text)
        or (text.endswith((",", "，", ":", "：")) and form_of_address(structure, at) is not None)
    )


def _is_greeted(structure: Structure, block: Sequence[int], within: int = 4) -> bool:
    """Return whether a form of address follows a block soon."""
    following = structure.after(block[-1])
    for _ in range(within):
        if following is None:
            return False
        if form_of_address(structure, following):
            return True
        following = structure.after(following)
    return False


def _is_postal(text: str) -> bool:
    """Return whether a line looks like a street, a town or a box: it has a number and is short."""
    return width(text) <= LABEL_WIDTH and any(map(str.isdigit, text)) and not ends_sentence(text)
