"""Snapshots of petitions without a database: the example, and open petitions with every field."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sabal import settings
from sabal.front.paths import Routes
from sabal.front.routes import table
from sabal.http import Response
from sabal.petitions import folder
from sabal.petitions.consent import consent_text
from sabal.petitions.counts import Counts
from sabal.petitions.definition import Definition, Fields
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from tlog import Checkpoint, Cosigner, Signer, cosign, note

EXAMPLE = Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation"
GUARDED, OPEN, PAUSED, CLOSED = 1, 2, 3, 4
ORIGIN = "petition.example/abcdefgh/log"
CAROL = Signer(ORIGIN, bytes(32))  # the key of her log
WITNESS = Cosigner("witness.example/w1", b"w" * 32)
WITNESS_POLICY = f"witness first {WITNESS.verifier}\ngroup enough any first\nquorum enough\n"
COSIGNED_AT = int(datetime(2026, 11, 24, 15, 30, tzinfo=UTC).timestamp())


def in_log(
    size: int, *, witnesses: str = "", cosigned_at: int | None = None, confirmed: int = 0, withdrawn: int = 0
) -> Counts:
    """Return counts with a checkpoint over `size` entries. `cosigned_at` is Unix time (seconds) of the cosignature."""
    tree = Checkpoint(ORIGIN, size, bytes([size % 256]) * 32)
    signed = tree.sign(CAROL)
    if cosigned_at is not None:
        signed = note.append(signed, [cosign(tree, WITNESS, cosigned_at)])
    return Counts(
        confirmed=confirmed, withdrawn=withdrawn, log_size=size, checkpoint=signed, witnesses=witnesses
    )


def snapshot(
    petition_id: int, definition: Definition, *, state: str = "open", counts: Counts | None = None
) -> PetitionSnapshot:
    """Return the snapshot of a published petition, as a process would have read it."""
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
        closed_on=date(2026, 11, 28) if state == "closed" else None,
        amended_on=None,
        consent={language: consent_text(definition, language) for language in definition.languages},
        counts=counts or in_log(1),
        organisation="example",
    )


def every_kind() -> dict[int, PetitionSnapshot]:
    """Return one petition of each kind that has a different page."""
    example = folder.parse(folder.read(EXAMPLE))
    orchard = replace(
        example,
        slug="keep-the-orchard",
        profile="open",
        hint="",
        warn_residents=(),
        share_without=(),
        goal=5000,
        fields=Fields(country=True, comment=True, display=True),
        endorsers=("Orchard Friends (example)",),
    )
    countries = (("KR", 700), ("DE", 310), ("US", 124))
    log = in_log(1347, witnesses=WITNESS_POLICY, cosigned_at=COSIGNED_AT, confirmed=1290, withdrawn=50)
    numbers = replace(log, invalidated=6, countries=countries)
    return {
        GUARDED: snapshot(GUARDED, example),
        OPEN: snapshot(OPEN, orchard, counts=numbers),
        PAUSED: snapshot(PAUSED, replace(orchard, slug="paused-orchard"), state="paused", counts=numbers),
        CLOSED: snapshot(CLOSED, replace(orchard, slug="closed-orchard"), state="closed", counts=numbers),
    }


class Reader:
    """Find pages by the real route table and render them from these petitions, as the front end does."""

    def __init__(self, petitions: dict[int, PetitionSnapshot]) -> None:
        self._petitions = petitions
        handlers: Any = NoHandlers()
        self._rows = table(handlers, handlers, handlers, handlers)

    def get(self, path: str) -> Response:
        """Return the page of a path. Raise `Refused` if there is none."""
        snapshots = Snapshots()
        snapshots.know(self._petitions.values())
        routes = Routes(self._rows, settings.SITE_LANGUAGES)
        routes.update(snapshots.published())
        return routes.find(path.encode()).page(snapshots)


class NoHandlers:
    """Stand in for the handlers. The tests of pages call none of them."""

    def __getattr__(self, name: str) -> object:
        return self


@pytest.fixture
def petitions() -> dict[int, PetitionSnapshot]:
    """Return the site's petitions by id. A test may change the dictionary."""
    return every_kind()


@pytest.fixture
def reader(petitions: dict[int, PetitionSnapshot]) -> Reader:
    """Return a reader of these petitions."""
    return Reader(petitions)
