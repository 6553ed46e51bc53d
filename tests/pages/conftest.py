"""Petitions as a process knows them, without a database: the example, and an open one with every field."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.test import Client

from sabal.petitions import folder, snapshot
from sabal.petitions.consent import consent_text
from sabal.petitions.definition import Definition, Fields
from sabal.petitions.snapshot import Counts, PetitionSnapshot
from tlog import Checkpoint, Cosigner, Signer, cosign, note

EXAMPLE = Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation"
GUARDED, OPEN, PAUSED, CLOSED = 1, 2, 3, 4
ORIGIN = "petition.example/abcdefgh/log"
CAROL = Signer(ORIGIN, bytes(32))  # her log's key
WITNESS = Cosigner("witness.example/w1", b"w" * 32)
ASKED = f"witness first {WITNESS.verifier}\ngroup enough any first\nquorum enough\n"
SEEN = int(datetime(2026, 11, 24, 15, 30, tzinfo=UTC).timestamp())


def in_log(
    size: int, *, witnesses: str = "", seen: int | None = None, confirmed: int = 0, withdrawn: int = 0
) -> Counts:
    """Numbers with a checkpoint over `size` entries; `seen` is when the witness cosigned it."""
    tree = Checkpoint(ORIGIN, size, bytes([size % 256]) * 32)
    signed = tree.sign(CAROL)
    if seen is not None:
        signed = note.append(signed, [cosign(tree, WITNESS, seen)])
    return Counts(
        confirmed=confirmed, withdrawn=withdrawn, log_size=size, checkpoint=signed, witnesses=witnesses
    )


def known(
    petition_id: int, definition: Definition, *, state: str = "open", counts: Counts | None = None
) -> PetitionSnapshot:
    """A published petition, as a process would have read it."""
    return PetitionSnapshot(
        id=petition_id,
        slug=definition.slug,
        state=state,
        revision=1,
        version_id=petition_id,
        pepper_epoch=1,
        origin=ORIGIN,
        manifest=json.dumps({"terms": {"log": {"origin": ORIGIN, "key": str(CAROL.verifier)}}}).encode(),
        definition=definition,
        organiser_keys=(),
        manifest_names=frozenset(),
        promise_key=None,
        pepper=None,
        opened_on=date(2026, 11, 1),
        closed_on=None,
        amended_on=None,
        consent={language: consent_text(definition, language) for language in definition.languages},
        counts=counts or in_log(1),
    )


def site() -> dict[int, PetitionSnapshot]:
    """One petition of each kind that looks different."""
    example = folder.parse(folder.read(EXAMPLE))
    orchard = replace(
        example,
        slug="keep-the-orchard",
        profile="open",
        hint="",
        goal=5000,
        fields=Fields(country=True, comment=True, display=True),
        endorsers=("Orchard Friends (example)",),
    )
    countries = (("KR", 700), ("DE", 310), ("US", 124))
    log = in_log(1347, witnesses=ASKED, seen=SEEN, confirmed=1290, withdrawn=50)
    numbers = replace(log, invalidated=6, countries=countries)
    return {
        GUARDED: known(GUARDED, example),
        OPEN: known(OPEN, orchard, counts=numbers),
        PAUSED: known(PAUSED, replace(orchard, slug="paused-orchard"), state="paused", counts=numbers),
        CLOSED: known(CLOSED, replace(orchard, slug="closed-orchard"), state="closed", counts=numbers),
    }


@pytest.fixture(autouse=True)
def petitions(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, PetitionSnapshot]]:
    """The house's petitions; a test may put others into the dictionary."""
    current = snapshot.Snapshots()
    by_id = site()
    monkeypatch.setattr(current, "_by_id", by_id)
    by_slug = lambda slug: next((p for p in by_id.values() if p.slug == slug), None)  # noqa: E731 - a stand-in
    monkeypatch.setattr(current, "by_slug", by_slug)
    monkeypatch.setattr(snapshot, "_CURRENT", current)
    yield by_id


@pytest.fixture
def client() -> Client:
    """A reader."""
    return Client()
