"""What the page of progress and its feeds show of a petition in one language."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from django.utils.translation import gettext

from sabal.pages.standings import KINDS, LABELS, SIGNS, STATES, WAYS, of_snapshot, with_day
from sabal.pages.templatetags.pages import demand_number
from sabal.petitions.definition import Definition, Demand
from sabal.petitions.deliveries import (
    Chain,
    Deliveries,
    PublicProof,
    PublicStatement,
    PublicStep,
    StepKind,
    Way,
    chains,
)
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.standing import Cell, Progressed, Standing

MOST_COLUMNS = 6  # of the table; with more recipients each demand is a list


class Quote(NamedTuple):
    """What somebody wrote, and its language."""

    text: str
    language: str


class ProgressView:
    """What the templates show of one petition in one language."""

    def __init__(self, snapshot: PetitionSnapshot, language: str, found: Progressed) -> None:
        self._snapshot, self._language, self._found = snapshot, language, found
        self._deliveries: Deliveries = snapshot.progress.deliveries
        self._definition = snapshot.definition
        self._many = len(found.recipients) > MOST_COLUMNS
        self._anchors = {chain.row.id: cell.anchor for cell in found.cells.values() for chain in cell.history}
        self._names = {
            recipient.key: recipient.name
            for definition in (*(one.definition for one in snapshot.versions), snapshot.definition)
            for recipient in definition.recipients
        }

    def name(self, key: str) -> str:
        """Return the name of a recipient, also of one that is no longer asked."""
        names = self._names.get(key, {})
        return names.get(self._language) or next(iter(names.values()), key)

    def groups(self) -> list[dict[str, object]]:
        """Return the demands with their rows: a demand without parts is its only row."""
        return [
            {
                "demand": demand,
                "rows": [self._row(one) for one in (demand.parts or (demand,))],
            }
            for demand in self._definition.texts[self._language].demands
        ]

    def _row(self, demand: Demand) -> dict[str, object]:
        """Return a demand with where it is. With many recipients, those of whom nothing was said are only counted."""
        cells = [self._found.cells[demand.anchor, key] for key in self._found.recipients]
        shown = [cell for cell in cells if cell.history] if self._many else cells
        counted = Counter(cell.standing for cell in cells) - Counter(cell.standing for cell in shown)
        return {
            "demand": demand,
            "cells": [self._cell(cell) for cell in shown],
            "others": totals_of({one: counted[one] for one in Standing if counted[one]}),
        }

    def _cell(self, cell: Cell) -> dict[str, object]:
        return {
            "recipient": cell.recipient,
            "name": self.name(cell.recipient),
            "standing": cell.standing.value,
            "sign": SIGNS[cell.standing],
            "words": with_day(cell.standing, cell.since),
            "history": [self._said(chain) for chain in cell.history],
        }

    def _said(self, chain: Chain[PublicStatement]) -> dict[str, object]:
        shown = chain.shown
        return {
            "row": shown,
            "label": STATES[shown.state],
            "sign": SIGNS[Standing(shown.state.value)],
            "note": self._words(shown.notes),
            "mistake": not chain.counts,
            "corrected_on": chain.row.made_on if chain.before else None,
            "before": [
                {"row": row, "label": STATES[row.state], "note": self._words(row.notes)}
                for row in chain.before
                if row is not shown
            ],
        }

    def met(self) -> list[dict[str, object]]:
        """Return the demands that are met, the newest first."""
        cells = [cell for cell in self._found.cells.values() if cell.standing is Standing.MET]
        texts = _texts(self._definition, self._language)
        return [
            {
                "anchor": cell.anchor,
                "text": texts[cell.anchor],
                "name": self.name(cell.recipient),
                "since": cell.since,
                "note": next((self._words(chain.row.notes) for chain in cell.history if chain.counts), None),
            }
            for cell in sorted(cells, key=lambda cell: cell.since or date.min, reverse=True)
        ]

    def contacts(self) -> list[dict[str, object]]:
        """Return each recipient of the text of now: how many demands are where, and what happened last."""
        found: list[dict[str, object]] = []
        for key in self._found.recipients:
            contact = self._found.contacts.get(key)
            found.append(
                {
                    "key": key,
                    "name": self.name(key),
                    "delivered": contact.delivered if contact else None,
                    "answered": contact.answered if contact else None,
                    "due": contact.asked.due if contact and contact.asked else None,
                    "totals": totals_of(self._found.totals(recipient=key)),
                }
            )
        return found

    def earlier(self) -> list[dict[str, object]]:
        """Return what was said about demands and recipients that the text does not have any more."""
        versions = {one.number: one.definition for one in self._snapshot.versions}
        found: list[dict[str, object]] = []
        for one in self._found.earlier:
            definition = versions.get(one.version)
            texts = _texts(definition, self._language) if definition else {}
            found.append(
                {
                    "version": one.version,
                    "anchor": one.anchor,
                    "text": texts.get(one.anchor, ""),
                    "name": self.name(one.recipient),
                    "history": [self._said(chain) for chain in one.history],
                }
            )
        return found

    def timeline(self) -> list[dict[str, Any]]:
        """Return everything, the newest first. What was said of several demands at once is one line."""
        steps = [
            (chain.shown.on, 0, chain.row.id, self._step(chain)) for chain in chains(self._deliveries.steps)
        ]
        said = [
            (group[0].shown.on, 1, group[0].row.id, self._group(group))
            for group in _said_together(chains(self._deliveries.statements))
        ]
        return [line[3] for line in sorted([*steps, *said], key=lambda line: line[:3], reverse=True)]

    def _group(self, group: Sequence[Chain[PublicStatement]]) -> dict[str, object]:
        return {
            "on": group[0].shown.on,
            "first": min(
                (chain.before[-1] if chain.before else chain.row for chain in group), key=lambda row: row.id
            ),
            "name": self.name(group[0].shown.recipient),
            "anchors": [self._now(chain) for chain in group],
            **self._said(group[0]),
        }

    def _now(self, chain: Chain[PublicStatement]) -> dict[str, object]:
        """Return the demand of a statement: its anchor now, or in the version that it was made about."""
        anchor = self._anchors.get(chain.row.id)
        return {
            "anchor": anchor or chain.shown.anchor,
            "here": anchor is not None,
            "text": _texts(self._definition, self._language)[anchor] if anchor else "",
        }

    def _step(self, chain: Chain[PublicStep]) -> dict[str, object]:
        shown = chain.shown
        words = self._words(shown.words, shown.language)
        return {
            "on": shown.on,
            "first": chain.before[-1] if chain.before else chain.row,
            "step": shown,
            "name": self.name(shown.recipient),
            "label": _label(shown),
            "words": words,
            "original": _original(shown, words),
            "proofs": [self._proof(one) for step in (chain.row, *chain.before) for one in step.proofs],
            "mistake": not chain.counts,
            "corrected_on": chain.row.made_on if chain.before else None,
            "before": [
                {"step": row, "label": _label(row), "words": self._words(row.words, row.language)}
                for row in chain.before
                if row is not shown
            ],
        }

    def _proof(self, one: PublicProof) -> dict[str, object]:
        return {
            "proof": one,
            "path": f"/{self._snapshot.slug}/proofs/{one.name}",
            "caption": self._words(one.caption),
        }

    def _words(self, words: Mapping[str, str], own: str = "") -> Quote | None:
        """Return words in the reader's language, else in the one that decides, else in their own."""
        for language in (self._language, self._definition.authoritative, own, *words):
            if words.get(language):
                return Quote(words[language], language)
        return None


class TimelineEntry(NamedTuple):
    """A line of the timeline for feeds. `key` is of its first row, so a correction does not change it."""

    key: str
    anchor: str  # on the page; empty if it has none now
    title: str
    recorded_on: date
    changed_on: date
    row: PublicStep | PublicStatement
    line: Mapping[str, object]


def timeline_entries(snapshot: PetitionSnapshot, language: str) -> list[TimelineEntry]:
    """Return everything that happened, the newest first, with words in the active language."""
    return [_entry(line) for line in ProgressView(snapshot, language, of_snapshot(snapshot)).timeline()]


def _entry(line: dict[str, Any]) -> TimelineEntry:
    """Return a line of the timeline with its title: "Answered – Name", "Promised (1.2, 4.1) – Name"."""
    label, demands = str(line["label"]), line.get("anchors", ())
    if demands:
        label = f"{label} ({', '.join(demand_number(one['anchor']) for one in demands)})"
    if line["mistake"]:
        label = f"{gettext('Recorded by mistake')}: {label}"
    step = line.get("step")
    return TimelineEntry(
        key=f"{'step' if step else 'statement'}/{line['first'].id}",
        anchor=f"step-{step.id}" if step else next((one["anchor"] for one in demands if one["here"]), ""),
        title=f"{label} – {line['name']}",
        recorded_on=line["first"].made_on,
        changed_on=line["corrected_on"] or line["first"].made_on,
        row=step or line["row"],
        line=line,
    )


def untouched_of(found: Progressed) -> frozenset[str]:
    """Return the recipients to whom nothing was delivered and of whom nothing was said."""
    only = {Standing.NOT_DELIVERED}
    return frozenset(key for key in found.recipients if found.totals(recipient=key).keys() <= only)


def totals_of(totals: Mapping[Standing, int]) -> list[dict[str, object]]:
    """Return how many demands are where, as templates show it."""
    return [
        {"standing": one.value, "sign": SIGNS[one], "label": LABELS[one], "number": number}
        for one, number in totals.items()
    ]


def _texts(definition: Definition, language: str) -> dict[str, str]:
    text = definition.texts.get(language) or definition.texts[definition.authoritative]
    return {one.anchor: one.text for demand in text.demands for one in (demand, *demand.parts)}


def _label(step: PublicStep) -> object:
    return WAYS[Way(step.way)] if step.kind is StepKind.DELIVERED and step.way else KINDS[step.kind]


def _original(step: PublicStep, read: Quote | None) -> Quote | None:
    """Return the answer as it was given, if what the reader gets is a translation."""
    own = step.language
    if step.kind is StepKind.ANSWERED and read and own != read.language and step.words.get(own):
        return Quote(step.words[own], own)
    return None


def _said_together(found: Iterable[Chain[PublicStatement]]) -> list[list[Chain[PublicStatement]]]:
    """Return the statements in groups that differ only in their demand."""

    def same(chain: Chain[PublicStatement]) -> tuple[object, ...]:
        shown = chain.shown
        source = (shown.link, shown.step, tuple(sorted(shown.notes.items())))
        alone = chain.row.id if chain.before else 0
        return (shown.recipient, shown.on, shown.state, *source, shown.version, alone)

    return [list(group) for _, group in groupby(found, key=same)]
