"""Held signatures count later. If released, they count with the next batch; if dropped, they count as invalidated."""

from sabal import erasure_journal
from sabal.database import Database
from sabal.signing.writer import log_index
from sabal.signing.writer.rows import OF_PETITION
from sabal.signing.writer.withdraw import erase_signatures

# The reasons for which a signature can be dropped. A withdrawal is the signer's own and not among them.
REASONS = {
    kind: reason for kind, reason in erasure_journal.ERASED.items() if kind != erasure_journal.WITHDRAWN
}
RATE, ROBOT = 1, 2  # the reasons for which the front end holds a signature
WHY = {RATE: "held: too many from one network", ROBOT: "held: a hidden field was filled in"}
CHUNK = 200


def overview(database: Database, petition_id: int) -> list[tuple[str, int]]:
    """Return the reasons for which signatures are held, with the number for each."""
    rows = database.query(
        "SELECT held, COUNT(*) FROM signing_waiting WHERE petition_id = ? AND held > 0 GROUP BY held ORDER BY held",
        (petition_id,),
    )
    return [(WHY.get(held, "held"), n) for held, n in rows] or [("held", 0)]


def release(database: Database, petition_id: int) -> int:
    """Let every held signature count with the next batch, and return their number."""
    return log_index.release(database, petition_id)


def drop(database: Database, petition_id: int, reason: int) -> int:
    """Drop every held signature, and return their number. Each counts as confirmed and as invalidated, in public."""
    dropped, last = 0, b""
    while True:
        with database.transaction():
            rows = database.query(
                f"SELECT s.token_hash FROM signing_signature s WHERE {OF_PETITION} AND s.token_hash > ? AND EXISTS"
                " (SELECT 1 FROM signing_waiting w WHERE w.petition_id = s.petition_id AND w.commitment = s.commitment"
                f" AND w.held > 0) ORDER BY s.token_hash LIMIT {CHUNK}",
                (petition_id, last),
            )
            dropped += erase_signatures(database, [bytes(row[0]) for row in rows], reason)
        if len(rows) < CHUNK:
            return dropped
        last = bytes(rows[-1][0])
