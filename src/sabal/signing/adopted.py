"""Update the rows of a restored backup from entries of the published log that are newer (ledger/adopt.py)."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sabal.database import Database
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.buckets import NOT_KNOWN, Buckets
from sabal.signing.writer import sums
from sabal.signing.writer.confirm import confirm_again
from sabal.signing.writer.log_index import enter, take
from sabal.signing.writer.withdraw import erase_entries, record_withdrawals
from tlog import Tally
from tlog.entry import Reason


@dataclass(frozen=True, slots=True)
class SignEntry:
    """A sign entry of the log."""

    commitment: bytes
    index: int


@dataclass(frozen=True, slots=True)
class RevokeEntry:
    """A revocation in the log, with the index and the commitment of the signature that it names."""

    index: int
    commitment: bytes
    reason: int


def take_entries(
    database: Database,
    petition: PetitionSnapshot,
    entries: Sequence[SignEntry],
    erased: Mapping[bytes, int],
    today: int,
    buckets: Buckets,
) -> list[int]:
    """Store and count the log's sign entries, with the rows that waited, and return the indexes of lost records.

    A record is lost if the log has its entry and the database does not have its signature.

    `erased` maps the commitments of signatures that were withdrawn or dropped after the backup to the reason, as read
    from the erasure journal. These records do not count as lost, and the next batch revokes them. `today` is in days
    since 1970. Runs inside the caller's transaction.
    """
    # If two entries have one commitment, the first is used. No honest log has two.
    at = {entry.commitment: entry.index for entry in reversed(entries)}
    waiting: dict[bytes, bytes | None] = dict(
        take(database, petition.id, *database.among("commitment", list(at)))
    )
    enter(database, petition.id, at.items())
    opened = buckets.open_waiting(waiting)
    of_entries = {entry.index: opened.get(entry.commitment, NOT_KNOWN) for entry in entries}
    sums.enter(database, petition.id, of_entries, today, buckets)
    confirmed = confirm_again(database, petition.id, [c for c in at if c not in waiting])
    gone = [c for c in at if c not in waiting and c in erased]
    for reason in sorted({erased[c] for c in gone}):
        same = [c for c in gone if erased[c] == reason]
        erase_entries(database, same, reason, erased)
        record_withdrawals(database, petition.id, petition.version_id, same, reason)
    known = {at[c] for c in (*waiting, *confirmed, *gone)}
    return [entry.index for entry in entries if entry.index not in known]


def take_revocations(
    database: Database,
    petition: PetitionSnapshot,
    revocations: Sequence[RevokeEntry],
    known: Mapping[bytes, int],
    buckets: Buckets,
) -> None:
    """Erase the signatures that the log has revoked and that are still here, and take them out of the sums.

    Runs inside the caller's transaction.

    `known` has the commitments that are in the erasure journal already. Every revocation is stored, even if its
    signature is not here, so that it is not revoked a second time.
    """
    by_reason: dict[int, list[bytes]] = defaultdict(list)
    for one in revocations:
        by_reason[one.reason].append(one.commitment)
    for reason, commitments in sorted(by_reason.items()):
        erase_entries(database, commitments, reason, known)
        database.insert(
            "signing_withdrawal",
            ("commitment", "petition_id", "version_id", "reason", "revoked"),
            [(commitment, petition.id, petition.version_id, reason, 1) for commitment in commitments],
            on_conflict="(commitment) DO UPDATE SET revoked = 1, reason = excluded.reason",
        )
    sums.leave(database, petition.id, [one.index for one in revocations], buckets)


def take_totals(database: Database, petition_id: int, tally: Tally) -> None:
    """Set the totals to those of the log. Runs inside the caller's transaction."""
    withdrawn = tally.revoked[Reason.WITHDRAWN]
    by_reason = {int(r): n for r, n in sorted(tally.revoked.items()) if n and r != Reason.WITHDRAWN}
    database.execute(
        "UPDATE signing_total SET confirmed = ?, withdrawn = ?, invalidated = ?, invalidated_by = ?"
        " WHERE petition_id = ?",
        (
            tally.signed,
            withdrawn,
            tally.signed - tally.counted - withdrawn,
            json.dumps(by_reason),
            petition_id,
        ),
    )
