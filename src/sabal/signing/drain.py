"""Drain: delete sealed records after the organiser has exported them and proved that they open.

Links, commitments and the log stay. Signers can still withdraw, and the next export tells the organiser which
signatures were withdrawn.
"""

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sabal import days, typed
from sabal.database import Database
from sabal.records.export import Commitments, drain_proof
from sabal.refusal import Refusal
from sabal.signing.writer.rows import OF_PETITION, SAME_COMMITMENT, delete

UNDO_DAYS = 7  # days from the proof to the deletion, in which the organiser can undo it
CHUNK = 200


class NothingExpected(Refusal):
    """No export is waiting for its code."""


class WrongCode(Refusal):
    """The code is not that of the newest export."""


def new_code() -> bytes:
    """Return a new random code for the first line of an export. The organiser's proof is made from it."""
    return secrets.token_hex(16).encode()


def expect(database: Database, petition_id: int, size: int, code: bytes, exported: Commitments) -> None:
    """Store the proof that will show that every record of an export opened. It replaces that of an earlier export.

    Only the records of entries below `size`, the size of the export's checkpoint, will be deleted.
    """
    proof = drain_proof(code, exported)
    database.insert(
        "signing_drain",
        ("petition_id", "size", "proof", "due"),
        [(petition_id, size, proof, None)],
        on_conflict="(petition_id) DO UPDATE SET size = excluded.size, proof = excluded.proof, due = NULL",
    )


def accept(database: Database, petition_id: int, proof: str, today: date) -> date:
    """Accept the code that `sabal open --prove` printed, and return the day after which the records are deleted.

    Raises NothingExpected and WrongCode.
    """
    export = _newest_export(database, petition_id)
    if export is None:
        raise NothingExpected("No export is waiting for its code. Fetch one: sabal sealed SLUG --out FILE")
    due = days.number(today) + UNDO_DAYS
    known = hmac.compare_digest(export.proof.encode(), typed.code(proof).encode())
    # The UPDATE checks the proof again, because an export that is fetched at this moment needs another one.
    if not known or not database.execute(
        "UPDATE signing_drain SET due = ? WHERE petition_id = ? AND proof = ?",
        (due, petition_id, export.proof),
    ):
        raise WrongCode(
            "This is not the code of the newest export. Open that one with `sabal open FILE --identity KEY"
            " --prove`. Nothing will be deleted."
        )
    return days.date_of(due)


def undo(database: Database, petition_id: int) -> bool:
    """Cancel the deletion, and return whether one was expected or due."""
    return database.execute("DELETE FROM signing_drain WHERE petition_id = ?", (petition_id,)) == 1


def due(database: Database, petition_id: int) -> date | None:
    """Return the day after which the records are deleted; None if no proof was accepted."""
    export = _newest_export(database, petition_id)
    return export.due if export else None


def drain(database: Database, petition_id: int, today: date) -> int:
    """Delete the proved records once their day has passed, and return their number.

    After a crash the remaining records are still due.
    """
    export = _newest_export(database, petition_id)
    if export is None or export.due is None or today <= export.due:
        return 0
    gone = sum(_delete(database, ids) for ids in _sealed_before(database, petition_id, export.size))
    database.execute(
        "DELETE FROM signing_drain WHERE petition_id = ? AND proof = ?", (petition_id, export.proof)
    )
    return gone


@dataclass(frozen=True)
class _NewestExport:
    """The newest export of a petition. `due` is None until its code was accepted."""

    size: int
    proof: str
    due: date | None


def _newest_export(database: Database, petition_id: int) -> _NewestExport | None:
    rows = database.query("SELECT size, proof, due FROM signing_drain WHERE petition_id = ?", (petition_id,))
    return _NewestExport(rows[0][0], rows[0][1], rows[0][2] and days.date_of(rows[0][2])) if rows else None


def _sealed_before(database: Database, petition_id: int, size: int) -> Iterator[list[int]]:
    last = b""
    while True:
        rows = database.query(
            "SELECT s.token_hash, s.sealed_id, p.idx FROM signing_signature s CROSS JOIN signing_log_index p"
            f" WHERE {SAME_COMMITMENT} AND {OF_PETITION} AND s.token_hash > ? ORDER BY s.token_hash LIMIT {CHUNK}",
            (petition_id, last),
        )
        yield [sealed_id for _, sealed_id, index in rows if index < size]
        if len(rows) < CHUNK:
            return
        last = bytes(rows[-1][0])


def _delete(database: Database, ids: list[int]) -> int:
    with database.transaction():
        delete(database, "signing_sealed", "id", ids)
    return len(ids)
