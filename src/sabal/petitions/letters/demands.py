"""Find the demands of a letter: a list that a label or an asking sentence opens, else the sentences that ask."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sabal.petitions.letters.head import form_of_address
from sabal.petitions.letters.lines import ends_sentence, ends_with_colon, is_prose, width
from sabal.petitions.letters.reading import Role
from sabal.petitions.letters.structure import Item, Run, Structure
from sabal.petitions.letters.words import PHRASE_LENGTH

LEAD_WIDTH = 60
SENTENCES = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])")


@dataclass
class Placed:
    """The role of a line among the demands."""

    role: Role
    level: int = 0
    continues: bool = False


@dataclass
class _Region:
    """The demands found from an opening line on, and how much speaks for them."""

    lines: dict[int, Placed] = field(default_factory=dict)
    strength: float = 0


def demands_of(structure: Structure) -> dict[int, Placed]:
    """Return the role of each line that is a demand, a part, their heading or a mark alone."""
    regions = list(_regions(structure))
    best = max(regions, key=lambda region: region.strength, default=None)
    return best.lines if best else {}


def asks(structure: Structure, at: int, *, anywhere: bool = False) -> bool:
    """Return whether the first sentence of a line asks for something, or with `anywhere` any of its sentences."""
    mark = structure.marks.get(at)
    sentences = SENTENCES.split(structure.text(at)[len(mark.text) if mark else 0 :][: 3 * PHRASE_LENGTH])
    for sentence in sentences if anywhere else sentences[:1]:
        match = structure.words.phrases["asks"].search(sentence[:PHRASE_LENGTH])
        if match and match.start() <= 110:
            return True
    return False


def _regions(structure: Structure) -> Iterator[_Region]:
    for at in structure.order:
        if structure.role_of_label(at) == Role.DEMAND or _opens(structure, at):
            yield _Opened(structure, at).region()
    for run in structure.runs:
        if _can_be_demands(structure, run):
            yield _of_list(structure, run)
            yield _below_item(structure, run)
    for anywhere in (False, True):
        yield _sentences(structure, anywhere)


def _opens(structure: Structure, at: int) -> bool:
    """Return whether a line without a label announces demands: it asks, and a colon or a list follows."""
    if (
        at in structure.labels
        or at in structure.run_of
        or structure.invites(at)
        or form_of_address(structure, at)
    ):
        return False
    following = structure.after(at)
    listed = following is not None and following in structure.run_of
    last = SENTENCES.split(structure.text(at))[-1][-PHRASE_LENGTH:]
    colon = ends_with_colon(structure.text(at))
    short = (
        following is not None
        and listed
        and len(structure.run_of[following].items) > 1
        and (not structure.lines[following].gap or (width(last) <= LEAD_WIDTH and not ends_sentence(last)))
    )
    if not (colon or listed) or structure.words.says("signs", last):
        return False
    return asks(structure, at, anywhere=True) or (
        (colon or short) and bool(structure.words.phrases["leads"].search(last))
    )


class _Opened:
    """Reads the demands below one opening line."""

    def __init__(self, structure: Structure, at: int) -> None:
        self.structure, self.at = structure, at
        self.found: dict[int, Placed] = {}
        self.leads: list[int] = []
        self.lists = 0

    def region(self) -> _Region:
        structure, at = self.structure, self.at
        is_label = at in structure.labels
        if is_label and structure.value(at) and not asks(structure, at):
            self.found[at] = Placed(Role.DEMAND)
        else:
            self.found[at] = Placed(Role.HEADING)
            self.leads = [] if is_label else [at]
        self._below()
        demands = sum(
            one.role in (Role.DEMAND, Role.PART) and not one.continues for one in self.found.values()
        )
        strength = (5 if is_label else 4) if self.lists else 3.5 if is_label else 3.2
        asked = 0.4 if not is_label and asks(structure, at, anywhere=True) else 0
        return _Region(self.found, strength + asked + min(demands, 9) / 100 if demands else 0)

    def _below(self) -> None:
        at = self.structure.after(self.at)
        while at is not None and not self._ends(at):
            run = self.structure.run_of.get(at)
            if run:
                self._list(run)
                at = self.structure.after(run.lines[-1])
            elif self._leads_list(at):
                self._lead(at)
                at = self.structure.after(at)
            elif self.lists or not (at := self._plain(at)):
                break

    def _ends(self, at: int) -> bool:
        label = self.structure.role_of_label(at)
        return (
            label not in (None, Role.DEMAND)
            or bool(self.structure.invites(at))
            or self.structure.words.is_whole("farewells", self.structure.text(at))
        )

    def _leads_list(self, at: int) -> bool:
        """Return whether a line introduces a group of demands: its list follows, and it does not follow bare items."""
        following = self.structure.after(at)
        if following not in self.structure.run_of or not _can_be_demands(
            self.structure, self.structure.run_of[following]
        ):
            return False
        return asks(self.structure, at) or (
            (not self.lists or bool(self.leads)) and not is_prose(self.structure.text(at))
        )

    def _lead(self, at: int) -> None:
        self.leads.append(at)
        self.found[at] = Placed(Role.HEADING)
        if len(self.leads) == 2:
            # The first group was read as the only one: its lead becomes a demand too, with its items as parts.
            self._make_group(self.leads[0])
        if len(self.leads) > 1:
            self.found[at] = Placed(Role.DEMAND)

    def _make_group(self, lead: int) -> None:
        if lead == self.at and self.lists == 0:
            self.leads = self.leads[1:]  # "We ask:" directly above "The city must:"
            return
        for at, placed in self.found.items():
            if at > lead and placed.role in (Role.DEMAND, Role.PART):
                self.found[at] = Placed(Role.PART, placed.level + 1, placed.continues)
        self.found[lead] = Placed(Role.DEMAND)

    def _list(self, run: Run) -> None:
        self.lists += 1
        self.found |= _placed(run, 1 if len(self.leads) > 1 else 0)

    def _plain(self, at: int) -> int | None:
        """Read demands without marks: lines directly below each other, or paragraphs that all ask."""
        structure = self.structure
        paragraphs = [at]
        following = structure.after(at)
        while following is not None and not self._ends(following) and following not in structure.run_of:
            paragraphs.append(following)
            following = structure.after(following)
        gapped = len(paragraphs) > 1 and structure.lines[paragraphs[1]].gap
        asking = asks(structure, at)
        for one in paragraphs:
            if structure.continues(one) and one != at:
                self.found[one] = Placed(Role.DEMAND, continues=True)
            elif (
                (
                    one != at
                    and ((not gapped and structure.lines[one].gap) or (asking and not asks(structure, one)))
                )
                or structure.is_heading(one)
                or structure.words.says("signers", structure.text(one))
            ):
                return None
            else:
                self.found[one] = Placed(Role.DEMAND)
        return following


def _can_be_demands(structure: Structure, run: Run) -> bool:
    """Return whether a list is not one of recipients, of contacts, of names, or of how to sign."""
    lead = structure.before(run.lines[0])
    while lead is not None and lead in structure.run_of and structure.run_of[lead] is not run:
        lead = structure.before(lead)
    if lead is None:
        return False
    label = structure.role_of_label(lead)
    others = (Role.RECIPIENT, Role.CONTACT, Role.SIGNATURE, Role.SIGN, Role.ORGANISER, Role.LEFT_OUT)
    return label not in others and not structure.invites(lead)


def _of_list(structure: Structure, run: Run) -> _Region:
    """Return a list as the demands, although no sentence before it asks: for what its items say, or for its place."""
    if len(run.items) < 2:
        return _Region()
    asking = sum(asks(structure, item.lines[0]) for item in run.items)
    lead = structure.before(run.lines[0])
    found = _placed(run, 0)
    strength = 3.0 if 2 * asking > len(run.items) else 0.4
    if lead is not None and strength < 1:
        is_background = structure.role_of_label(lead) == Role.BACKGROUND
        strength += (0.3 if ends_with_colon(structure.text(lead)) else 0) - (0.3 if is_background else 0)
        strength += run.lines[0] / len(structure.lines) / 4
    if (
        lead is not None
        and ends_with_colon(structure.text(lead))
        and not is_prose(structure.text(lead))
        and structure.role_of_label(lead) in (None, Role.DEMAND)
        and not form_of_address(structure, lead)
    ):
        found[lead] = Placed(Role.HEADING)
    return _Region(found, strength)


def _below_item(structure: Structure, run: Run) -> _Region:
    """Return the list below the last item of a numbered letter, if that item asks and no other item has a list."""
    outer = [item for item in run.items if item.depth == 0]
    inner = run.items[run.items.index(outer[-1]) + 1 :]
    if len(outer) < 2 or not inner or len(outer) + len(inner) < len(run.items):
        return _Region()
    if not asks(structure, outer[-1].lines[0]) or any(asks(structure, item.lines[0]) for item in outer[:-1]):
        return _Region()
    found = {at: Placed(Role.LAYOUT) for at in run.lines}
    for item in run.items:
        if item in outer:
            role = Role.HEADING if item is outer[-1] else Role.BACKGROUND
            found |= {at: Placed(role, continues=place > 0) for place, at in enumerate(item.lines)}
        else:
            found |= dict(zip(item.lines, _item(item, -1), strict=True))
    return _Region(found, 4.6)


def _sentences(structure: Structure, anywhere: bool) -> _Region:
    """Return the lines that ask as the demands, each with the lines that go on with it."""
    found: dict[int, Placed] = {}
    for at in structure.order:
        if at == structure.order[0] and not is_prose(structure.text(at)):
            continue
        before = structure.before(at)
        label = structure.role_of_label(at)
        if before in found and structure.continues(at):
            found[at] = Placed(Role.DEMAND, continues=True)
        elif (
            label in (None, Role.DEMAND)
            and not structure.invites(at)
            and not structure.continues(at)
            and not structure.words.is_whole("farewells", structure.text(at))
            and asks(structure, at, anywhere=anywhere)
        ):
            found[at] = Placed(Role.DEMAND)
    return _Region(found, (1.0 if anywhere else 2.0) if found else 0)


def _placed(run: Run, level: int) -> dict[int, Placed]:
    """Return the lines of a list as demands and their parts. `level` is 1 if the whole list is below a demand."""
    found = {at: Placed(Role.LAYOUT) for at in run.lines}
    for item in run.items:
        found |= dict(zip(item.lines, _item(item, level), strict=True))
    return found


def _item(item: Item, level: int) -> Iterator[Placed]:
    depth = item.depth + level
    for place in range(len(item.lines)):
        yield Placed(Role.PART if depth else Role.DEMAND, depth, continues=place > 0)
