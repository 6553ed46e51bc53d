"""The parts of a letter, and which of them follow each other: the most likely sequence for the blocks of a letter."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache

from sabal.petitions.letters.blocks import TEXT, Block
from sabal.petitions.letters.reading import Role


class Part(StrEnum):
    """What a block is. Several parts have the same role: a heading and what leads to the demands, for example."""

    TITLE = "title"
    RECIPIENT = "recipient"
    ORGANISER = "organiser"
    SUBJECT = "subject"
    ASIDE = "aside"
    HEADING = "heading"
    BACKGROUND = "background"
    LEAD = "lead"
    DEMAND = "demand"
    CLOSING = "closing"
    SIGN = "sign"
    NEWSLETTER = "newsletter"
    HOW_TO = "how to sign"
    SIGNATURE = "signature"

    @property
    def role(self) -> Role:
        return _ROLES.get(self) or Role(self.value)


_ROLES = {Part.ASIDE: Role.LEFT_OUT, Part.LEAD: Role.HEADING, Part.HOW_TO: Role.LEFT_OUT}

# The stages of a letter: a block is in the stage of the one before it, or in a later one.
UNTITLED, TITLED, BODY, DEMANDS, AFTER = range(5)
_HEAD = (Part.RECIPIENT, Part.ORGANISER, Part.SUBJECT, Part.ASIDE)
State = tuple[int, Part]
_STATES: tuple[State, ...] = (
    *((UNTITLED, part) for part in _HEAD if part != Part.SUBJECT),
    *((TITLED, part) for part in (Part.TITLE, *_HEAD)),
    *((BODY, part) for part in (Part.HEADING, Part.BACKGROUND, Part.HOW_TO, Part.ASIDE)),
    *((DEMANDS, part) for part in (Part.LEAD, Part.DEMAND)),
    *(
        (AFTER, part)
        for part in (
            *(Part.RECIPIENT, Part.ORGANISER, Part.ASIDE, Part.HEADING, Part.CLOSING),
            *(Part.SIGN, Part.NEWSLETTER, Part.HOW_TO, Part.SIGNATURE),
        )
    ),
)
NEVER, WITHOUT_DEMANDS = -1000.0, 1.5


def parts_of(blocks: Sequence[Block], scores: Sequence[Mapping[Part, float]]) -> list[Part]:
    """Return the sequence of parts for which most speaks."""
    paths: list[dict[State, State]] = []
    totals: dict[State, float] = {(UNTITLED, Part.ASIDE): 0.0}
    above = ""
    for block, score in zip(blocks, scores, strict=True):
        came_from: dict[State, State] = {}
        sums: dict[State, float] = {}
        for after in _STATES:
            total, before = max(
                (
                    (total + _step(before, after, above, block.kind), before)
                    for before, total in totals.items()
                ),
                key=lambda one: one[0],
            )
            sums[after], came_from[after] = total + score[after[1]], before
        totals, above = sums, block.kind
        paths.append(came_from)
    state = max(totals, key=lambda one: totals[one] - (WITHOUT_DEMANDS if one[0] < DEMANDS else 0))
    found: list[Part] = []
    for came_from in reversed(paths):
        found.append(state[1])
        state = came_from[state]
    return found[::-1]


@cache
def _step(before: State, after: State, above: str, kind: str) -> float:
    """Return how well a part follows another. `above` and `kind` are the kinds of their blocks."""
    (stage, last), (new_stage, part) = before, after
    if new_stage < stage:
        return NEVER
    weight = 0.0
    if part == Part.TITLE and stage == TITLED:
        weight += -3.5 if last == Part.TITLE else NEVER
    if stage == UNTITLED < new_stage and part not in (Part.TITLE, Part.SUBJECT):
        weight -= 3 if new_stage > TITLED else -NEVER
    if stage < DEMANDS and new_stage == AFTER:
        weight -= 6 if part in (Part.CLOSING, Part.HEADING) else WITHOUT_DEMANDS
    if last == Part.LEAD and new_stage == AFTER:
        weight -= 8
    if last == Part.DEMAND:
        weight += _AFTER_DEMAND.get((part, above, kind), 0)
    if part == last == Part.SIGNATURE and kind == "line":
        weight += 2
    return weight + _FOLLOWS.get((last, part), 0)


_FOLLOWS = {
    (Part.LEAD, Part.DEMAND): 2.0,
    (Part.HEADING, Part.HEADING): -1.0,
    (Part.HEADING, Part.LEAD): -2.0,
    (Part.SIGNATURE, Part.SIGNATURE): 1.0,
    (Part.SIGNATURE, Part.CLOSING): -2.5,
    (Part.SIGNATURE, Part.HEADING): -3.0,
}
# A second list of demands has a line above it that asks. Sentences that ask follow no list, and lead to none.
_AFTER_DEMAND = {
    **{(Part.LEAD, "list", kind): -2.5 for kind in ("label", *TEXT)},
    **{(Part.LEAD, above, kind): -4.0 for above in TEXT for kind in ("label", *TEXT)},
    **{(Part.DEMAND, "list", kind): -4.0 for kind in TEXT},
    **{(Part.DEMAND, above, "list"): -2.0 for above in TEXT},
    **{(Part.DEMAND, above, "line"): 2.0 for above in TEXT},
}
