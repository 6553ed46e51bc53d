"""Held signatures: later, not never. Released, they count with the next batch; dropped, they count as invalidated."""

from sabal import erasure_journal
from sabal.database import Database
from sabal.signing.writer import log_index
from sabal.signing.writer.leave import erase_signatures
from sabal.signing.writer.rows import OF_PETITION

# Why a signature is dropped; the first reason is the signer's own.
REASONS = {
    kind: reason for kind, reason in erasure_journal.ERASED.items() if kind != erasure_journal.WITHDRAWN
}
RATE, ROBOT = 1, 2  # why the door holds one
WHY = {RATE: "held: too many from one network", ROBOT: "held: a hidden field was filled in"}
CHUNK = 200


def overview(database: Database, petition_id: int) -> list[tuple[str, int]]:
    """Why signatures are held, and how many for each reason."""
    rows = database.query(
        "SELECT held, COUNT(*) FROM signing_waiting WHERE petition_id = ? AND held > 0 GROUP BY held ORDER BY held",
        (petition_id,),
    )
    return [(WHY.get(held, "held"), n) for held, n in rows] or [("held", 0)]


def release(database: Database, petition_id: int) -> int:
    """Let every held signature count with the next batch; returns how many."""
    return log_index.release(database, petition_id)


def drop(database: Database, petition_id: int, reason: int) -> int:
    """Take every held signature out, in the open: it counts as confirmed and as invalidated. Returns how many."""
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
