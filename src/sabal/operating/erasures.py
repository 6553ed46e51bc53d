"""Erase again what was erased after a backup, and invite nobody again: the erasure journal names them."""

from collections.abc import Mapping

from sabal import erasure_journal
from sabal.database import Database
from sabal.elsewhere.restored import note_invited
from sabal.newsletter import suppression
from sabal.signing.count import hide_names
from sabal.signing.writer.withdraw import erase_again

CHUNK = 5_000


def apply_journal(database: Database) -> tuple[int | None, int]:
    """Apply the whole erasure journal, and return the number of its lines and of the signatures that were erased.

    A line that the backup already knows changes nothing. A missing line would mean an unwanted email. Runs inside the
    caller's transaction. Without a journal the number of lines is None.
    """
    if not erasure_journal.path().exists():
        return None, 0
    applied = 0
    erased: dict[str, list[bytes]] = {kind: [] for kind in erasure_journal.ERASED}
    for entry in erasure_journal.read():
        applied += 1
        if entry.kind == erasure_journal.UNSUBSCRIBED:
            database.execute(
                "DELETE FROM newsletter_subscription WHERE petition_id = ? AND organisation = ? AND address_hash = ?",
                (entry.petition_id, entry.organisation, entry.hash),
            )
            if not entry.petition_id:
                suppression.note_left(database, entry.hash, entry.organisation)
        elif entry.kind in suppression.OF_JOURNAL:
            suppression.suppress_again(database, entry.hash, suppression.OF_JOURNAL[entry.kind])
        elif entry.kind == erasure_journal.NOT_ME:
            row = (entry.hash, entry.petition_id)
            database.insert("signing_suppression", ("hash", "petition_id"), [row], ignore=True)
        elif entry.kind == erasure_journal.INVITED:
            note_invited(database, entry)
        elif entry.kind in erased:
            erased[entry.kind].append(entry.hash)
    return applied, sum(_erase(database, erased[kind], erasure_journal.ERASED[kind]) for kind in erased)


def reasons(petition_id: int) -> dict[bytes, int]:
    """Return the reason of each erased signature of a petition, by its commitment."""
    return {
        one.hash: erasure_journal.ERASED[one.kind]
        for one in erasure_journal.read()
        if one.kind in erasure_journal.ERASED and one.petition_id == petition_id
    }


def erase(database: Database, erased: Mapping[bytes, int]) -> None:
    """Erase the signatures with these commitments, each for its reason, inside the caller's transaction."""
    for reason in sorted(set(erased.values())):
        _erase(database, [commitment for commitment in erased if erased[commitment] == reason], reason)


def _erase(database: Database, commitments: list[bytes], reason: int) -> int:
    """Erase signatures and return their number. The next batch counts them as withdrawn or dropped."""
    erased = 0
    for start in range(0, len(commitments), CHUNK):
        for petition_id, n in erase_again(database, commitments[start : start + CHUNK], reason).items():
            erased += n
            # The next batch shows names again, without the erased ones.
            hide_names(database, petition_id)
    return erased
