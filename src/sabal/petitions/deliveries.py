"""What was delivered to each recipient, who answered, and what was said about each demand. Read with raw SQL.

The desk stores it as rows that are only added (`delivery`). A correction is a row that names the row it corrects, so
the public sees both. Public processes load no code of the desk.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from sabal import days
from sabal.database import Database
from sabal.database import Row as DatabaseRow


class StepKind(StrEnum):
    """What happened between us and a recipient."""

    DELIVERED = "delivered"
    REFUSED = "refused"  # at the door: nobody took it
    RETURNED = "returned"  # it was taken, and came back
    ACKNOWLEDGED = "acknowledged"
    ASKED = "asked"  # for an answer by a date
    ANSWERED = "answered"
    MISTAKE = "mistake"  # only as a correction: the row before was recorded by mistake


class Way(StrEnum):
    """How something was delivered."""

    HAND = "hand"
    POST = "post"
    EMAIL = "email"
    FORM = "form"  # the web form of the recipient
    MISSION = "mission"  # by an embassy or a permanent mission
    THROUGH = "through"  # by another organisation


class DemandState(StrEnum):
    """What is said about one demand and one recipient."""

    NO_ANSWER = "no-answer"
    REFUSED = "refused"
    PROMISED = "promised"
    PARTLY = "partly-met"
    MET = "met"
    REVERSED = "reversed"
    NOT_ASKED = "not-asked"  # this demand is not for this recipient
    MISTAKE = "mistake"  # only as a correction


@dataclass(frozen=True)
class PublicProof:
    """A file that shows that a step happened. `media` is "pdf" or "webp", `digest` the SHA-256 in hex.

    `width` and `height` are pixels of a picture, or 0. `caption` is by language.
    """

    step: int
    digest: str
    media: str
    size: int
    width: int = 0
    height: int = 0
    caption: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return f"{self.digest}.{self.media}"


@dataclass(frozen=True)
class PublicStep:
    """One row about a recipient. `version` is the number of the signed version that was published then.

    `words` has what was answered, or else a note, by language; `language` is that of the answer itself, so its other
    languages are translations. `due` is the day by which an answer was asked for.
    """

    id: int
    recipient: str
    kind: StepKind
    on: date
    made_on: date
    corrects: int | None = None
    version: int = 1
    member: str = ""
    way: str = ""
    by: str = ""
    reference: str = ""
    due: date | None = None
    link: str = ""
    language: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    proofs: tuple[PublicProof, ...] = ()

    @property
    def is_mistake(self) -> bool:
        """Return whether it says that the row before was recorded by mistake."""
        return self.kind is StepKind.MISTAKE


@dataclass(frozen=True)
class PublicStatement:
    """What was said about one demand and one recipient. `anchor` is the demand's in the signed version `version`.

    Its source is `link`, or the row `step`. `notes` are by language.
    """

    id: int
    recipient: str
    version: int
    anchor: str
    state: DemandState
    on: date
    made_on: date
    corrects: int | None = None
    link: str = ""
    step: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_mistake(self) -> bool:
        """Return whether it says that the row before was recorded by mistake."""
        return self.state is DemandState.MISTAKE


@dataclass(frozen=True)
class PublicContinuation:
    """Where a demand of an earlier version is in a later one, as a person said. `to_anchor` "": nowhere."""

    version: int
    anchor: str
    to_version: int
    to_anchor: str


Row = TypeVar("Row", PublicStep, PublicStatement)


@dataclass(frozen=True)
class Chain(Generic[Row]):
    """A row as it is now, and the rows that it corrected, the newest first."""

    row: Row
    before: tuple[Row, ...] = ()

    @property
    def counts(self) -> bool:
        """Return whether it happened. False: it was recorded by mistake."""
        return not self.row.is_mistake

    @property
    def shown(self) -> Row:
        """Return the row that says what it was about: of a mistake, the one before."""
        return self.before[0] if self.row.is_mistake and self.before else self.row


@dataclass(frozen=True, eq=False)  # hashed by identity, so that what follows from it can be cached
class Deliveries:
    """All rows of a petition, in the order in which they were added."""

    steps: tuple[PublicStep, ...] = ()
    statements: tuple[PublicStatement, ...] = ()
    continuations: tuple[PublicContinuation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps or self.statements)

    def proof(self, digest: str) -> PublicProof | None:
        """Return the proof with that SHA-256 in hex."""
        return next((proof for step in self.steps for proof in step.proofs if proof.digest == digest), None)


def chains(rows: Iterable[Row]) -> tuple[Chain[Row], ...]:
    """Return the rows that no other one corrects, each with those that it corrected."""
    by_id = {row.id: row for row in rows}
    corrected = {row.corrects for row in by_id.values()}
    found = []
    for row in (row for row in by_id.values() if row.id not in corrected):
        before: list[Row] = []
        at = by_id.get(row.corrects or 0)
        while at is not None:
            before.append(at)
            at = by_id.get(at.corrects or 0)
        found.append(Chain(row, tuple(before)))
    return tuple(found)


_STEPS = (
    "SELECT id, recipient, kind, happened_on, made_at, corrects_id, version, member, way, by_whom, reference,"
    " due_on, link, language, words FROM delivery_step WHERE petition_id = ? ORDER BY id"
)
_STATEMENTS = (
    "SELECT id, recipient, version, anchor, state, happened_on, made_at, corrects_id, link, step_id, notes"
    " FROM delivery_statement WHERE petition_id = ? ORDER BY id"
)
_CONTINUATIONS = (
    "SELECT version, anchor, to_version, to_anchor FROM delivery_continuation"
    " WHERE petition_id = ? ORDER BY id"
)
_PROOFS = (
    "SELECT step_id, digest, media, size, width, height, caption FROM delivery_proof"
    " WHERE petition_id = ? AND is_public ORDER BY id"
)


def deliveries_of(database: Database, petition_id: int) -> Deliveries:
    """Return the rows of a petition, with the proofs that are public."""
    proofs = tuple(map(_proof, database.query(_PROOFS, (petition_id,))))
    return Deliveries(
        tuple(_step(row, proofs) for row in database.query(_STEPS, (petition_id,))),
        tuple(map(_statement, database.query(_STATEMENTS, (petition_id,)))),
        tuple(PublicContinuation(*row) for row in database.query(_CONTINUATIONS, (petition_id,))),
    )


def _step(row: DatabaseRow, proofs: Iterable[PublicProof]) -> PublicStep:
    return PublicStep(
        id=row[0],
        recipient=row[1],
        kind=StepKind(row[2]),
        on=_day(row[3]),
        made_on=_day(row[4]),
        corrects=row[5],
        version=row[6],
        member=row[7],
        way=row[8],
        by=row[9],
        reference=row[10],
        due=days.from_column(row[11]),
        link=row[12],
        language=row[13],
        words=_texts(row[14]),
        proofs=tuple(proof for proof in proofs if proof.step == row[0]),
    )


def _proof(row: DatabaseRow) -> PublicProof:
    step, digest, media, size, width, height, caption = row
    return PublicProof(step, digest, media, size, width, height, _texts(caption))


def _statement(row: DatabaseRow) -> PublicStatement:
    return PublicStatement(
        id=row[0],
        recipient=row[1],
        version=row[2],
        anchor=row[3],
        state=DemandState(row[4]),
        on=_day(row[5]),
        made_on=_day(row[6]),
        corrects=row[7],
        link=row[8],
        step=row[9],
        notes=_texts(row[10]),
    )


def proof_data(database: Database, petition_id: int, digest: str) -> bytes | None:
    """Return the bytes of a public proof; None if there is none of that SHA-256 in hex."""
    rows = database.query(
        "SELECT data FROM delivery_proof WHERE petition_id = ? AND digest = ? AND is_public ORDER BY id LIMIT 1",
        (petition_id, digest),
    )
    return bytes(rows[0][0]) if rows else None


def _day(value: str | date | datetime) -> date:
    """Return the day of a date column or of the time in a timestamp column, which SQLite has as texts."""
    if isinstance(value, datetime):
        return value.date()
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value


def _texts(column: object) -> dict[str, str]:
    found: dict[str, str] = json.loads(column) if isinstance(column, str) else column  # type: ignore[assignment]
    return found
