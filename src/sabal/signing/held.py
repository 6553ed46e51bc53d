"""Held signatures: later, not never. Released, they count with the next batch; dropped, they count as invalidated."""

from sabal import suppression
from sabal.database import Database
from sabal.signing.writer.leave import erase_signatures
from sabal.signing.writer.rows import locked

# Why a signature is dropped; the first reason is the signer's own.
REASONS = {kind: reason for kind, reason in suppression.ERASED.items() if kind != suppression.WITHDRAWN}
RATE, ROBOT = 1, 2  # why the door holds one
WHY = {RATE: "held: too many from one network", ROBOT: "held: a robot's field was filled in"}
CHUNK = 200


def overview(database: Database, petition_id: int) -> list[tuple[str, int]]:
    """Why signatures are held, and how many for each reason."""
    rows = database.query(
        "SELECT held, COUNT(*) FROM signing_signature WHERE petition_id = ? AND state = 1 AND held > 0"
        " GROUP BY held ORDER BY held",
        (petition_id,),
    )
    return [(WHY.get(held, "held"), n) for held, n in rows] or [("held", 0)]


def release(database: Database, petition_id: int) -> int:
    """Let every held signature count with the next batch; returns how many."""
    chosen = locked(database, "signing_signature", "petition_id = ? AND state = 1 AND held > 0")
    return database.execute(
        f"UPDATE signing_signature SET held = 0, held_until = NULL WHERE {chosen}", (petition_id,)
    )


def drop(database: Database, petition_id: int, reason: int) -> int:
    """Take every held signature out, in the open: it counts as confirmed and as invalidated. Returns how many."""
    dropped = 0
    while True:
        with database.transaction():
            rows = database.query(
                "SELECT token_hash FROM signing_signature WHERE petition_id = ? AND state = 1 AND held > 0"
                f" LIMIT {CHUNK}",
                (petition_id,),
            )
            dropped += erase_signatures(database, sorted(bytes(row[0]) for row in rows), reason)
        if len(rows) < CHUNK:
            return dropped
