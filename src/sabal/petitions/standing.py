"""Where each demand is: the newest statement about each demand and recipient of the text that is signed now.

A demand of an earlier version is the same as one of a later version only if its words are the same, or if a person said
so. Otherwise what was said about it stays with the earlier text: a statement never moves to another demand.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

from sabal.petitions.definition import Definition, Demand
from sabal.petitions.deliveries import (
    Chain,
    Deliveries,
    DemandState,
    PublicStatement,
    PublicStep,
    StepKind,
    chains,
)


class Standing(StrEnum):
    """Where a demand is with a recipient. What nobody said follows from what was delivered and answered."""

    MET = "met"
    PARTLY = "partly-met"
    PROMISED = "promised"
    ANSWERED = "answered"  # nobody has said yet what the answer means for this demand
    NO_ANSWER = "no-answer"
    REFUSED = "refused"
    REVERSED = "reversed"
    NOT_DELIVERED = "not-delivered"
    NOT_ASKED = "not-asked"


class SignedVersion(NamedTuple):
    """A published version: its number, and what it says."""

    number: int
    definition: Definition


@dataclass(frozen=True)
class Cell:
    """Where one demand is with one recipient, since when, and what was said about it, the newest first."""

    anchor: str
    recipient: str
    standing: Standing
    since: date | None
    history: tuple[Chain[PublicStatement], ...] = ()


@dataclass(frozen=True)
class Earlier:
    """What was said about a demand or a recipient that the text of now lacks. `version` is the last with the demand."""

    version: int
    anchor: str
    recipient: str
    history: tuple[Chain[PublicStatement], ...]


@dataclass(frozen=True)
class RecipientSteps:
    """What happened with one recipient: the rows that count, the oldest first."""

    steps: tuple[PublicStep, ...] = ()

    @cached_property
    def delivered(self) -> date | None:
        """Return the day on which it was first delivered; None if it never arrived."""
        kinds = (StepKind.DELIVERED, StepKind.ACKNOWLEDGED)
        arrived = [step for step in self.steps if step.kind in kinds and not self._came_back(step)]
        return min((step.on for step in arrived), default=None)

    @cached_property
    def answered(self) -> date | None:
        """Return the day of the newest answer."""
        return max((step.on for step in self.steps if step.kind is StepKind.ANSWERED), default=None)

    @cached_property
    def asked(self) -> PublicStep | None:
        """Return the newest row that asks for an answer, if no answer came since."""
        asked = [step for step in self.steps if step.kind is StepKind.ASKED]
        newest = max(asked, key=lambda step: (step.on, step.id), default=None)
        if newest is None or (self.answered is not None and self.answered >= newest.on):
            return None
        return newest

    def _came_back(self, step: PublicStep) -> bool:
        """Return whether this delivery was returned, with none after it."""
        later = [other for other in self.steps if (other.on, other.id) > (step.on, step.id)]
        after = [other.kind for other in later if other.kind in (StepKind.DELIVERED, StepKind.RETURNED)]
        return after[:1] == [StepKind.RETURNED]


@dataclass(frozen=True)
class Progressed:
    """Where every demand of the text of now is with every recipient. `cells` has each pair once."""

    demands: tuple[Demand, ...]  # those without parts, and the parts of the others
    recipients: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    contacts: Mapping[str, RecipientSteps]
    earlier: tuple[Earlier, ...] = ()

    def totals(self, *, anchors: Iterable[str] | None = None, recipient: str = "") -> dict[Standing, int]:
        """Return how many pairs are where, in the order of `Standing`: of these demands, or of one recipient."""
        rows = [one.anchor for one in self.demands] if anchors is None else list(anchors)
        columns = [recipient] if recipient else self.recipients
        found = Counter(self.cells[row, column].standing for row in rows for column in columns)
        return {standing: found[standing] for standing in Standing if found[standing]}


def progressed(deliveries: Deliveries, versions: Sequence[SignedVersion]) -> Progressed:
    """Return where each demand is. `versions` are the published ones, the oldest first; at least one."""
    newest = versions[-1].definition
    demands = leaves(newest.texts[newest.authoritative].demands)
    recipients = tuple(recipient.key for recipient in newest.recipients)
    contacts = contacts_of(deliveries)
    places = Places(versions, deliveries)
    said: dict[tuple[int, str, str], list[Chain[PublicStatement]]] = defaultdict(list)
    for chain in chains(deliveries.statements):
        number, anchor = places.last(chain.shown.version, chain.shown.anchor)
        said[number, anchor, chain.shown.recipient].append(chain)
    cells = {}
    for demand in demands:
        for recipient in recipients:
            history = _newest_first(said.pop((versions[-1].number, demand.anchor, recipient), []))
            contact = contacts.get(recipient, RecipientSteps())
            cells[demand.anchor, recipient] = Cell(
                demand.anchor, recipient, *_standing(history, contact), history
            )
    earlier = tuple(Earlier(*key, _newest_first(history)) for key, history in sorted(said.items()))
    return Progressed(demands, recipients, cells, contacts, earlier)


def contacts_of(deliveries: Deliveries) -> dict[str, RecipientSteps]:
    """Return what happened with each recipient."""
    found: dict[str, list[PublicStep]] = defaultdict(list)
    for chain in chains(deliveries.steps):
        if chain.counts:
            found[chain.row.recipient].append(chain.row)
    by_day = {key: sorted(steps, key=lambda step: (step.on, step.id)) for key, steps in found.items()}
    return {key: RecipientSteps(tuple(steps)) for key, steps in by_day.items()}


def leaves(demands: Iterable[Demand]) -> tuple[Demand, ...]:
    """Return the demands about which something can be said: those without parts, and the parts of the others."""
    return tuple(leaf for demand in demands for leaf in (leaves(demand.parts) if demand.parts else (demand,)))


class Places:
    """Where the demands of each version are in the later ones."""

    def __init__(self, versions: Sequence[SignedVersion], deliveries: Deliveries) -> None:
        self._next = {
            before.number: (after.number, same_demands(before.definition, after.definition))
            for before, after in pairwise(versions)
        }
        # The last word counts, and only one that leads to a later version.
        self._said = {
            (one.version, one.anchor): (one.to_version, one.to_anchor)
            for one in deliveries.continuations
            if one.to_version > one.version
        }

    def last(self, number: int, anchor: str) -> tuple[int, str]:
        """Return the last version that has this demand, and its anchor there."""
        while True:
            said = self._said.get((number, anchor))
            if said is not None and said[1]:
                number, anchor = said
                continue
            following, same = self._next.get(number, (0, {}))
            if anchor not in same:
                return number, anchor
            number, anchor = following, same[anchor]


@lru_cache(maxsize=256)
def _cached_same(before: "_Same", after: "_Same") -> dict[str, str]:
    return dict(_pairs(before.demands, after.demands))


class _Same(NamedTuple):
    """The demands of a text, which can be compared and hashed."""

    demands: tuple[Demand, ...]


def same_demands(before: Definition, after: Definition) -> dict[str, str]:
    """Return the anchor in `after` of each demand of `before` whose words are the same in the language that decided.

    A part is the same only within the same demand. Of equal demands each is the same if none was added or removed.
    """
    language = before.authoritative
    if language not in after.texts:
        return {}
    return _cached_same(_Same(before.texts[language].demands), _Same(after.texts[language].demands))


def _pairs(before: Sequence[Demand], after: Sequence[Demand]) -> Iterator[tuple[str, str]]:
    old, new = _by_words(before), _by_words(after)
    for words, demands in old.items():
        if len(demands) == len(new.get(words, ())):
            for one, other in zip(demands, new[words], strict=True):
                if bool(one.parts) == bool(other.parts):
                    yield one.anchor, other.anchor
                    yield from _pairs(one.parts, other.parts)


def _by_words(demands: Sequence[Demand]) -> dict[str, list[Demand]]:
    found: dict[str, list[Demand]] = defaultdict(list)
    for demand in demands:
        found[" ".join(demand.text.split())].append(demand)
    return found


def _newest_first(history: Iterable[Chain[PublicStatement]]) -> tuple[Chain[PublicStatement], ...]:
    return tuple(sorted(history, key=lambda chain: (chain.shown.on, chain.row.id), reverse=True))


def _standing(
    history: Sequence[Chain[PublicStatement]], contact: RecipientSteps
) -> tuple[Standing, date | None]:
    """Return where a demand is, and since when."""
    said = next((chain.row for chain in history if chain.counts), None)
    if said is None or (
        said.state is DemandState.NO_ANSWER and contact.answered is not None and contact.answered > said.on
    ):
        return _unsaid(contact)
    if said.state is DemandState.NO_ANSWER:
        delivered = contact.delivered
        return Standing.NO_ANSWER, min(delivered, said.on) if delivered else said.on
    return Standing(said.state.value), said.on


def _unsaid(contact: RecipientSteps) -> tuple[Standing, date | None]:
    if contact.answered is not None:
        return Standing.ANSWERED, contact.answered
    if contact.delivered is not None:
        return Standing.NO_ANSWER, contact.delivered
    return Standing.NOT_DELIVERED, None
