"""What speaks for each part of a letter, block by block: position, kind of block, and the words of its language."""

from collections.abc import Iterator, Mapping

import regex

from sabal.petitions.letters.blocks import TEXT, Structure
from sabal.petitions.letters.lines import bare, ends_sentence, ends_with_colon, is_prose, width
from sabal.petitions.letters.parts import Part
from sabal.petitions.letters.reading import Role

T, R, O, S, L = Part.TITLE, Part.RECIPIENT, Part.ORGANISER, Part.SUBJECT, Part.ASIDE  # noqa: E741
H, B, D, P, C = Part.HEADING, Part.BACKGROUND, Part.LEAD, Part.DEMAND, Part.CLOSING
I, N, X, G = Part.SIGN, Part.NEWSLETTER, Part.HOW_TO, Part.SIGNATURE  # noqa: E741

# How much each evidence speaks for a part, or against it. The sums matter only relative to each other.
WEIGHTS: Mapping[str, Mapping[Part, float]] = {
    "text": {B: 1, C: 1, P: -0.5, D: -1, R: -3, O: -3, S: -3, L: -1},
    "first": {T: 2, L: 1},
    "short": {T: 1, H: 0.5},
    "prose": {B: 2, C: 2, P: 2, T: -5, R: -6, O: -6, S: -6, L: -4, H: -6, G: -3},
    "sentence": {B: 0.5, C: 0.5, P: 0.5, T: -3.5, R: -3, H: -3, G: -1},
    "colon": {H: 1.5, D: 1, T: -5, G: -4, C: -1},
    "hashes": {T: 2, H: 4},
    "capitals": {T: 0.5, H: 1},
    "set apart": {T: 1, H: 0.5},
    "over a text": {H: 1.5},
    "long": {T: -6},
    "long for a heading": {H: -2},
    "before list": {D: 1, H: -3, T: -1},
    "kind of letter": {L: 5},
    "path of a page": {L: 6},
    "greeting": {L: 7},
    "addressee": {R: 9, T: -2},
    "addressee again": {L: 7, T: -2},
    "addressee below another": {R: 9, T: -2},
    "like a salutation": {R: 7, T: -3},
    "asks": {P: 3.5},
    "asks inside": {P: 2.5},
    "pleads": {P: 2},
    "asks before list": {D: 7},
    "leads to list": {D: 4},
    "invites to sign": {I: 7},
    "invites to newsletter": {N: 8},
    "invites before list": {X: 9},
    "farewell": {G: 9},
    "signer": {G: 2},
    "at the end": {G: 3},
    "list": {B: 0.5, C: -1, **dict.fromkeys((T, R, O, S, H, D, I, N, G), -20)},
    "items ask": {P: 3},
    "list below invitation": {X: 6},
    **{f"label {part.role}": {B: 1, C: 1, part: 8} for part in (T, R, O, S, L, P, I, G)},
    "label background": {B: 6},
    "label closing": {B: 6, C: 6},
    "heading background": {H: 8},
    "heading closing": {H: 8},
    "heading demand": {D: 8},
}

_HASHES = regex.compile(r"#{1,6}\s")
_PATH_OF_PAGE = regex.compile(r"\S\s*([>›»/|])\s.*\S\s*\1\s")
LONG_TITLE, LONG_HEADING, SALUTATION_WIDTH, SIGNATURE_WIDTH, LAST_LINES = 160, 50, 60, 70, 8


def scores(structure: Structure) -> list[dict[Part, float]]:
    """Return how much speaks for each part, for each block."""
    facts = _Facts(structure)
    found = []
    for place in range(len(structure.blocks)):
        score = dict.fromkeys(Part, 0.0)
        for evidence in facts.of(place):
            for part, weight in WEIGHTS[evidence].items():
                score[part] += weight
        found.append(score)
    return found


class _Facts:
    """Tells what is true of each block. The blocks are seen in order, so that a second form of address is known."""

    def __init__(self, structure: Structure) -> None:
        self.structure, self.blocks, self.words = structure, structure.blocks, structure.words
        self.texts = [" ".join(map(structure.text, block.lines)) for block in self.blocks]
        self.asking = [
            block.kind in TEXT and self.words.asks_somewhere(structure.content(block))
            for block in self.blocks
        ]
        self.seen: set[Role | None] = set()
        self.tail = self._tail()
        sentences = [place for place, text in enumerate(self.texts) if ends_sentence(text)]
        has_demands = any(block.kind == "list" or block.role == Role.DEMAND for block in self.blocks)
        self.may_plead = [] if has_demands or any(self.asking) else sentences[-2:]

    def of(self, place: int) -> list[str]:
        """Return the names of what is true of one block."""
        block = self.blocks[place]
        if block.kind in TEXT:
            shown = {**self._shape(place), **self._names(place), **self._wishes(place)}
            return [name for name, is_true in shown.items() if is_true]
        if block.kind == "list":
            return ["list", *self._of_list(place)]
        again = block.role == Role.SUBJECT and block.role in self.seen
        self.seen.add(block.role)
        sectional = block.role in (Role.BACKGROUND, Role.DEMAND, Role.CLOSING)
        is_heading = sectional and block.label == self.structure.text(block.lines[0])
        return ["text" if again else f"{'heading' if is_heading else 'label'} {block.role}"]

    def _of_list(self, place: int) -> Iterator[str]:
        items = self.blocks[place].items
        if 2 * sum(self.words.asks(self.structure.bare_text(item.lines[0])) for item in items) > len(items):
            yield "items ask"
        if place and self.structure.invites(self.blocks[place - 1].lines[0]):
            yield "list below invitation"

    def _shape(self, place: int) -> dict[str, bool]:
        block, text, lines = self.blocks[place], self.texts[place], self.structure.lines
        below = self.blocks[place + 1] if place + 1 < len(self.blocks) else None
        prose, gap = is_prose(text), lines[block.lines[0]].gap
        return {
            "text": True,
            "first": place == 0,
            "prose": prose,
            "short": not prose,
            "sentence": ends_sentence(text) and text[-1] not in "!?！？",
            "colon": ends_with_colon(text),
            "hashes": _HASHES.match(text) is not None,
            "capitals": text.isupper(),
            "set apart": gap and (below is None or lines[below.lines[0]].gap),
            "over a text": gap
            and below is not None
            and below.kind == "line"
            and is_prose(self.texts[place + 1]),
            "long": width(text) > LONG_TITLE,
            "long for a heading": width(text) > LONG_HEADING and not ends_with_colon(text),
            "path of a page": not prose and _PATH_OF_PAGE.search(text) is not None,
            "before list": self._is_before_list(place),
            "at the end": place >= self.tail,
        }

    def _names(self, place: int) -> dict[str, bool]:
        at, text = self.blocks[place].lines[0], self.texts[place]
        greets = self.structure.greets(at)
        addresses = not greets and bool(self.structure.addresses(at))
        again, text_below = (
            Role.RECIPIENT in self.seen,
            place + 1 < len(self.texts) and is_prose(self.texts[place + 1]),
        )
        above = self.blocks[place - 1] if place and self.blocks[place].kind == "line" else None
        below_another = again and above is not None and bool(self.structure.addresses(above.lines[0]))
        self.seen |= {Role.RECIPIENT} if addresses else set()
        return {
            "kind of letter": self.words.is_whole("kinds", bare(text)),
            "greeting": greets,
            "addressee": addresses and not again,
            "addressee again": addresses and again and not below_another,
            "addressee below another": addresses and below_another,
            "like a salutation": not (addresses or greets or again) and text_below and _is_salutation(text),
            "farewell": self.words.is_whole("farewells", text),
            "signer": self._signs(place),
        }

    def _wishes(self, place: int) -> dict[str, bool]:
        """Return what a block wants of its reader: at most one thing."""
        text, before_list = self.texts[place], self._is_before_list(place)
        invites = self.structure.invites(self.blocks[place].lines[0])
        leads = self.words.phrases["leads"].search(text[-200:]) is not None
        if invites:
            return {"invites before list" if before_list else f"invites to {invites}": True}
        if before_list:
            return {
                "asks before list" if self.asking[place] else "leads to list": self.asking[place] or leads
            }
        if self.words.asks(self.structure.content(self.blocks[place])):
            return {"asks": True}
        return {"asks inside": self.asking[place], "pleads": leads and place in self.may_plead}

    def _is_before_list(self, place: int) -> bool:
        """Return whether a list follows, or lines without marks that are one: "Demand 1:", or lines below a colon."""
        below = self.blocks[place + 1 : place + 3]
        if not below:
            return False
        counted = below[0].role == Role.DEMAND and any(map(str.isnumeric, below[0].label))
        plain = ends_with_colon(self.texts[place]) and [block.kind for block in below] == ["line", "line"]
        return below[0].kind == "list" or counted or plain

    def _tail(self) -> int:
        """Return the place of the first of the short blocks that end the letter."""
        place = len(self.blocks)
        while place > max(len(self.blocks) - LAST_LINES, 0):
            block, text = self.blocks[place - 1], self.texts[place - 1]
            short = width(text) <= SIGNATURE_WIDTH and not ends_sentence(text) and not ends_with_colon(text)
            ends = (
                short
                or block.kind == "label"
                or self.words.is_whole("farewells", text)
                or self._signs(place - 1)
            )
            if block.kind == "list" or not ends or self.asking[place - 1]:
                break
            place -= 1
        return place

    def _signs(self, place: int) -> bool:
        return self.words.says("signers", self.texts[place]) and not self.asking[place]


def _is_salutation(text: str) -> bool:
    """Return whether a line has the shape of a salutation: short, with a comma at its end, in Chinese with a colon."""
    if width(text) > SALUTATION_WIDTH:
        return False
    return text.endswith((",", "，", "،", "、")) or (width(text) > len(text) + 2 and text.endswith("："))
