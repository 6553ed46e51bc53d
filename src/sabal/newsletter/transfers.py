"""Files of addresses that an organisation imports into its newsletter, or exports: one row each, with its progress.

The row of an import is the proof of consent of all who came with it: where and when they agreed, and to which sentence.
"""

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import IntEnum

from sabal.database import Database
from sabal.newsletter import consent


class TransferKind(IntEnum):
    """Which way the addresses go."""

    IMPORT = 1
    EXPORT = 2


class TransferState(IntEnum):
    """How far a transfer is. One that CHECKED an import asks a person; WORKING includes what waits for the worker."""

    CHECKING = 1
    CHECKED = 2
    WORKING = 3
    DONE = 4
    STOPPED = 5
    REFUSED = 6  # `numbers["why"]` says why


ENDED = (TransferState.DONE, TransferState.STOPPED, TransferState.REFUSED)
_NAMES = (
    *(
        "id",
        "organisation",
        "user_id",
        "kind",
        "state",
        "day",
        "file",
        "language",
        "place",
        "consented",
        "consent",
    ),
    *("done", "total", "numbers", "stop"),
)
_COLUMNS = ", ".join(_NAMES)


@dataclass(frozen=True, slots=True)
class ConsentProof:
    """Where and when people agreed to get a newsletter, and to which sentence. `day` is since 1970."""

    place: str
    day: int
    sentence: str


@dataclass(frozen=True)
class Transfer:
    """One import or export. `done` of `total` say how far it is, in a unit of its own.

    `organisation` is the key of the newsletter.
    """

    id: int
    organisation: str
    user_id: int
    kind: TransferKind
    state: TransferState
    day: int
    file: str = ""
    language: str = ""
    place: str = ""
    consented: int | None = None
    consent: str = ""
    done: int = 0
    total: int = 0
    numbers: dict[str, object] = field(default_factory=dict)
    stop: bool = False


def begin_import(
    database: Database,
    organisation: str,
    user_id: int,
    day: int,
    file: str,
    language: str,
    proof: ConsentProof,
) -> int:
    """Store an import that is to be checked, inside the caller's transaction. Return its id."""
    version = consent.version(proof.sentence)
    database.insert("newsletter_consent", ("version", "sentence"), [(version, proof.sentence)], ignore=True)
    return _begin(
        database,
        (
            organisation,
            user_id,
            TransferKind.IMPORT,
            TransferState.CHECKING,
            day,
            file[:200],
            language,
            proof.place,
            proof.day,
            version,
        ),
    )


def begin_export(database: Database, organisation: str, user_id: int, day: int) -> int:
    """Store an export that is to be written, inside the caller's transaction. Return its id."""
    return _begin(
        database,
        (organisation, user_id, TransferKind.EXPORT, TransferState.WORKING, day, "", "", "", None, ""),
    )


def find(database: Database, organisations: Collection[str], transfer_id: int) -> Transfer | None:
    """Return a transfer of one of these keys; None if there is no such one."""
    found = get(database, transfer_id)
    return found if found and found.organisation in organisations else None


def get(database: Database, transfer_id: int) -> Transfer | None:
    """Return a transfer by its id alone: the worker may."""
    rows = database.query(f"SELECT {_COLUMNS} FROM newsletter_transfer WHERE id = ?", (transfer_id,))
    return _transfer(rows[0]) if rows else None


def of_organisation(database: Database, organisation: str, most: int = 20) -> list[Transfer]:
    """Return the newest transfers of an organisation."""
    rows = database.query(
        f"SELECT {_COLUMNS} FROM newsletter_transfer WHERE organisation = ? ORDER BY day DESC, id DESC LIMIT ?",
        (organisation, most),
    )
    return [_transfer(row) for row in rows]


def at_work(database: Database) -> list[Transfer]:
    """Return the transfers that are the worker's turn, the oldest first."""
    rows = database.query(
        f"SELECT {_COLUMNS} FROM newsletter_transfer WHERE state IN (?, ?) ORDER BY day, id",
        (int(TransferState.CHECKING), int(TransferState.WORKING)),
    )
    return [_transfer(row) for row in rows]


def move(database: Database, transfer_id: int, before: TransferState, after: TransferState) -> bool:
    """Change the state if it is still `before`. Return whether it was."""
    sql = "UPDATE newsletter_transfer SET state = ? WHERE id = ? AND state = ?"
    return database.execute(sql, (int(after), transfer_id, int(before))) == 1


def note(
    database: Database, transfer_id: int, done: int, total: int, numbers: dict[str, object] | None = None
) -> bool:
    """Store how far a transfer is, and what is known. Return whether it should go on."""
    numbers_too = "" if numbers is None else ", numbers = ?"
    more = () if numbers is None else (json.dumps(numbers),)
    rows = database.query(
        f"UPDATE newsletter_transfer SET done = ?, total = ?{numbers_too} WHERE id = ? RETURNING stop",
        (done, total, *more, transfer_id),
    )
    return bool(rows) and not rows[0][0]


def ask_to_stop(database: Database, transfer_id: int) -> None:
    """Ask the worker to stop after the rows that it has in hand."""
    database.execute("UPDATE newsletter_transfer SET stop = 1 WHERE id = ?", (transfer_id,))


def sentence_of(database: Database, version: str) -> str:
    """Return the sentence of a version; empty if it is not known."""
    rows = database.query("SELECT sentence FROM newsletter_consent WHERE version = ?", (version,))
    return str(rows[0][0]) if rows else ""


def _begin(database: Database, values: tuple[object, ...]) -> int:
    transfer_id = secrets.randbits(62)
    columns = "id organisation user_id kind state day file language place consented consent".split()
    database.insert("newsletter_transfer", columns, [(transfer_id, *values)])
    return transfer_id


def _transfer(row: tuple[object, ...]) -> Transfer:
    values = list(row)
    values[3], values[4] = TransferKind(values[3]), TransferState(values[4])  # type: ignore[arg-type]
    values[13], values[14] = json.loads(str(values[13])), bool(values[14])
    return Transfer(*values)  # type: ignore[arg-type]
