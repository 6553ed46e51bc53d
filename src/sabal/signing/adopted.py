"""What entries of the published log mean for the rows of a backup that is older than they are (ledger/adopt.py)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sabal.database import Database, Row
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.places import DONE, add, mark_signatures, mark_withdrawals
from sabal.signing.writer.leave import erase_revoked
from sabal.signing.writer.rows import COUNTED, WAITING
from tlog import Tally
from tlog.entry import Reason

_WITHDRAWAL = ("commitment", "petition_id", "version_id", "state", "reason", "idx")


@dataclass(frozen=True, slots=True)
class Place:
    """A sign entry of the log."""

    commitment: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Revocation:
    """A revocation of the log, with the commitment of the signature that it names."""

    commitment: bytes
    reason: int


def take_places(
    database: Database,
    petition: PetitionSnapshot,
    places: Sequence[Place],
    erased: Mapping[bytes, int],
    today: int,
) -> list[int]:
    """Count what waits here and has a place in the log already; returns the places whose record is not here.

    Inside the caller's transaction. `erased`: C and reason of those who withdrew or were dropped after the backup, as
    the suppression file knows them; of these nothing is lost, and the next batch revokes them. `today` since 1970.
    """
    at = {
        place.commitment: place.index for place in reversed(places)
    }  # of two with one commitment, which no honest log has, the first
    waiting = _waiting(database, petition.id, list(at))
    left = _withdrawn(database, petition.id, list(at))
    mark_signatures(database, [(row[1], at[bytes(row[0])]) for row in waiting], today)
    mark_withdrawals(database, [(bytes(row[0]), at[bytes(row[0])]) for row in left])
    here = {bytes(row[0]) for row in (*waiting, *left)}
    gone = [c for c in at if c not in here and c in erased]
    rows = [(c, petition.id, petition.version_id, COUNTED, erased[c], at[c]) for c in gone]
    database.insert("signing_withdrawal", _WITHDRAWAL, rows, ignore=True)
    known = {at[c] for c in (*here, *gone)}
    lost = [place.index for place in places if place.index not in known]
    unknown: list[tuple[str | None, str | None]] = [(None, None)] * (len(places) - len(here))
    add(database, petition.id, today, [*((row[2], row[3]) for row in (*waiting, *left)), *unknown])
    return lost


def take_revocations(
    database: Database, petition_id: int, revocations: Sequence[Revocation], known: Mapping[bytes, int]
) -> None:
    """Erase what the log has revoked and what is still here; inside the caller's transaction.

    `known` is what stands in the suppression file already.
    """
    by_reason: dict[int, list[bytes]] = defaultdict(list)
    for one in revocations:
        by_reason[one.reason].append(one.commitment)
    for reason, commitments in sorted(by_reason.items()):
        erase_revoked(database, commitments, reason, known)
        where, params = database.among("commitment", commitments)
        database.execute(
            f"UPDATE signing_withdrawal SET state = ?, reason = ? WHERE petition_id = ? AND {where}",
            [DONE, reason, petition_id, *params],
        )


def take_totals(database: Database, petition_id: int, tally: Tally) -> None:
    """Let the totals be the log's; inside the caller's transaction."""
    withdrawn = tally.revoked[Reason.WITHDRAWN]
    database.execute(
        "UPDATE signing_total SET confirmed = ?, withdrawn = ?, invalidated = ? WHERE petition_id = ?",
        (tally.signed, withdrawn, tally.signed - tally.counted - withdrawn, petition_id),
    )


def _waiting(database: Database, petition_id: int, commitments: Sequence[bytes]) -> list[Row]:
    where, params = database.among("commitment", commitments)
    return database.query(
        "SELECT commitment, token_hash, country, language FROM signing_signature WHERE petition_id = ?"
        f" AND state = {WAITING} AND {where} ORDER BY token_hash{database.for_update}",
        [petition_id, *params],
    )


def _withdrawn(database: Database, petition_id: int, commitments: Sequence[bytes]) -> list[Row]:
    """Those who left before a batch of the backup had counted them."""
    where, params = database.among("commitment", commitments)
    return database.query(
        "SELECT commitment, NULL, country, language FROM signing_withdrawal WHERE petition_id = ?"
        f" AND state = {WAITING} AND {where}",
        [petition_id, *params],
    )
