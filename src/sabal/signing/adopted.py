"""What entries of the published log mean for the rows of a backup that is older than they are (ledger/adopt.py)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sabal.database import Database
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.confirm import confirm_again
from sabal.signing.writer.leave import erase_entries, leave_entries
from sabal.signing.writer.log_index import add, enter, take
from tlog import Tally
from tlog.entry import Reason


@dataclass(frozen=True, slots=True)
class SignEntry:
    """A sign entry of the log."""

    commitment: bytes
    index: int


@dataclass(frozen=True, slots=True)
class RevokeEntry:
    """A revocation of the log, with the commitment of the signature that it names."""

    commitment: bytes
    reason: int


def take_entries(
    database: Database,
    petition: PetitionSnapshot,
    entries: Sequence[SignEntry],
    erased: Mapping[bytes, int],
    today: int,
) -> list[int]:
    """Enter the log's sign entries, and count what waits here for them; returns the indexes whose record is not here.

    Inside the caller's transaction. `erased`: C and reason of those who withdrew or were dropped after the backup, as
    the suppression file knows them; of these nothing is lost, and the next batch revokes them. `today` since 1970.
    """
    # Of two with one commitment, which no honest log has, the first.
    at = {entry.commitment: entry.index for entry in reversed(entries)}
    waited = take(database, petition.id, *database.among("commitment", list(at)))
    enter(database, petition.id, at.items())
    here = {c for c, _, _ in waited}
    confirmed = confirm_again(database, petition.id, [c for c in at if c not in here])
    gone = [c for c in at if c not in here and c in erased]
    for reason in sorted({erased[c] for c in gone}):
        same = [c for c in gone if erased[c] == reason]
        erase_entries(database, same, reason, erased)
        leave_entries(database, petition.id, petition.version_id, same, reason)
    known = {at[c] for c in (*here, *confirmed, *gone)}
    lost = [entry.index for entry in entries if entry.index not in known]
    unknown: list[tuple[str | None, str | None]] = [(None, None)] * (len(entries) - len(here))
    add(database, petition.id, today, [*((country, language) for _, country, language in waited), *unknown])
    return lost


def take_revocations(
    database: Database,
    petition: PetitionSnapshot,
    revocations: Sequence[RevokeEntry],
    known: Mapping[bytes, int],
) -> None:
    """Erase what the log has revoked and what is still here; inside the caller's transaction.

    `known` is what stands in the suppression file already. What is revoked is remembered, here or not: nothing may
    revoke it once more.
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


def take_totals(database: Database, petition_id: int, tally: Tally) -> None:
    """Let the totals be the log's; inside the caller's transaction."""
    withdrawn = tally.revoked[Reason.WITHDRAWN]
    database.execute(
        "UPDATE signing_total SET confirmed = ?, withdrawn = ?, invalidated = ? WHERE petition_id = ?",
        (tally.signed, withdrawn, tally.signed - tally.counted - withdrawn, petition_id),
    )
