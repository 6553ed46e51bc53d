"""What the pages about deliveries show: recipients as cards, rows with what they corrected, demands in words."""

from collections.abc import Mapping, Sequence
from datetime import date

from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext

from sabal.delivery.rows import Proof
from sabal.desk.recorded import Recorded
from sabal.pages.standings import KINDS, LABELS, SIGNS, STATES, WAYS, with_day
from sabal.petitions.countries import day_in_full
from sabal.petitions.definition import Definition, Demand
from sabal.petitions.deliveries import Chain, PublicStatement, PublicStep, StepKind, Way, chains
from sabal.petitions.markdown import inline_html
from sabal.petitions.standing import RecipientSteps, Standing, leaves


def card(found: Recorded, key: str, today: date) -> dict[str, object]:
    """Return one recipient: its name, its last row, where its demands are, and what comes next."""
    contact = found.found.contacts.get(key, RecipientSteps())
    last = contact.steps[-1] if contact.steps else None
    return {
        "key": key,
        "name": found.name(key),
        "last": f"{label(last)}, {_day(last.on)}" if last else "",
        "due": contact.asked.due if contact.asked else None,
        "totals": totals(found.found.totals(recipient=key)),
        "next": found.next(key, today),
    }


def totals(numbers: Mapping[Standing, int]) -> list[dict[str, object]]:
    """Return how many demands are where, with signs and words."""
    return [
        {"standing": one.value, "sign": SIGNS[one], "label": LABELS[one], "number": number}
        for one, number in numbers.items()
    ]


def step(chain: Chain[PublicStep], proofs: Sequence[Proof]) -> dict[str, object]:
    """Return a row with what it corrected and its proofs, also those that only the team sees."""
    return {
        "row": chain.row,
        "shown": chain.shown,
        "label": label(chain.shown),
        "mistake": not chain.counts,
        "before": [(label(row), row) for row in chain.before if row is not chain.shown],
        "proofs": proofs,
    }


def demands(found: Recorded, key: str) -> list[dict[str, object]]:
    """Return each demand of the text of now: where it is with this recipient, and what was said."""
    if key not in found.found.recipients:
        return []
    rows = []
    for demand in in_words(found):
        cell = found.found.cells[demand.anchor, key]
        rows.append(
            {
                "demand": demand,
                "number": ".".join(demand.anchor.split("-")[1:]),
                "html": mark_safe(inline_html(demand.text)),  # noqa: S308 - sanitised there
                "standing": cell.standing.value,
                "sign": SIGNS[cell.standing],
                "words": with_day(cell.standing, cell.since),
                "history": [_said(chain) for chain in cell.history],
            }
        )
    return rows


def in_words(found: Recorded) -> tuple[Demand, ...]:
    """Return the demands of the text of now, in the reader's language if it has it."""
    definition = found.snapshot.definition
    text = definition.texts.get(get_language() or "") or definition.texts[definition.authoritative]
    return leaves(text.demands)


def lost(found: Recorded) -> dict[str, tuple[int, str]]:
    """Return the demands of earlier texts about which something was said and that the text of now lacks."""
    newest = found.versions[-1].number
    places = {(one.version, one.anchor) for one in found.found.earlier if one.version != newest}
    return {f"{number}:{anchor}": (number, anchor) for number, anchor in sorted(places)}


def sources(found: Recorded, key: str) -> list[tuple[int, str]]:
    """Return the rows about a recipient that can be the source of a statement, the newest first."""
    rows = [
        chain.row
        for chain in chains(found.snapshot.progress.deliveries.steps)
        if chain.counts and chain.row.recipient == key and chain.row.kind is not StepKind.ASKED
    ]
    rows.sort(key=lambda row: (row.on, row.id), reverse=True)
    return [(row.id, f"{label(row)}, {_day(row.on)}") for row in rows]


def text_of(definition: Definition, anchor: str) -> str:
    """Return the words of a demand in a version."""
    text = definition.texts.get(get_language() or "") or definition.texts[definition.authoritative]
    return next((one.text for one in leaves(text.demands) if one.anchor == anchor), anchor)


def language_of(found: Recorded, key: str) -> str:
    """Return the language in which a recipient is written to; "" if the petition does not say."""
    recipients = found.snapshot.definition.recipients
    return next((one.language or "" for one in recipients if one.key == key), "")


def label(row: PublicStep) -> str:
    """Return what happened, in a few words."""
    if row.kind is StepKind.DELIVERED and row.way:
        return str(WAYS[Way(row.way)])
    if row.kind is StepKind.ASKED and row.due:
        return gettext("Asked for an answer by %(day)s") % {"day": _day(row.due)}
    return str(KINDS[row.kind])


def _said(chain: Chain[PublicStatement]) -> dict[str, object]:
    return {
        "row": chain.row,
        "shown": chain.shown,
        "label": STATES[chain.shown.state],
        "mistake": not chain.counts,
        "before": [(STATES[row.state], row) for row in chain.before if row is not chain.shown],
    }


def _day(day: date) -> str:
    return day_in_full(day, get_language() or "en")
