"""Held signatures count later. If released, they count with the next batch; if dropped, they count as invalidated."""

from sabal import erasure_journal
from sabal.database import Database
from sabal.signing.writer import log_index
from sabal.signing.writer.rows import owners_of
from sabal.signing.writer.withdraw import erase_owned

# The reasons for which a signature can be dropped. A withdrawal is the signer's own and not among them.
REASONS = {
    kind: reason for kind, reason in erasure_journal.ERASED.items() if kind != erasure_journal.WITHDRAWN
}
RATE, ROBOT, LISTED = 1, 2, 3  # the reasons for which the front end holds a signature
WHY = {
    RATE: "held: too many from one network",
    ROBOT: "held: a hidden field was filled in",
    LISTED: "held: a rule of the moderators names the email domain",
}
CHUNK = 200


def numbers(database: Database, petition_id: int) -> dict[int, int]:
    """Return the number of signatures that are held, by the reason why."""
    rows = database.query(
        "SELECT held, COUNT(*) FROM signing_waiting WHERE petition_id = ? AND held > 0 GROUP BY held ORDER BY held",
        (petition_id,),
    )
    return dict(rows)


def overview(database: Database, petition_id: int) -> list[tuple[str, int]]:
    """Return the reasons for which signatures are held, with the number for each."""
    found = numbers(database, petition_id)
    return [(WHY.get(why, "held"), n) for why, n in found.items()] or [("held", 0)]


def release(database: Database, petition_id: int, why: int | None = None) -> int:
    """Let held signatures count with the next batch, and return their number: all, or those held for one reason."""
    if why is None:
        return log_index.release(database, petition_id)
    return log_index.release(database, petition_id, "held = ?", (why,))


def drop(database: Database, petition_id: int, reason: int, why: int | None = None) -> int:
    """Drop held signatures, and return their number: all, or those held for one reason.

    Each counts as confirmed and as invalidated, in public. After a crash the rest is still held.
    """
    held = _held(database, petition_id, why)
    # Found before, because looking for a commitment reads all signatures, and signing would wait for that.
    owners = sorted(owners_of(database, petition_id, held).items(), key=lambda one: one[1])
    dropped = 0
    for start in range(0, len(owners), CHUNK):
        chunk = dict(owners[start : start + CHUNK])
        with database.transaction():
            still = _held(database, petition_id, why, list(chunk))  # without those released meanwhile
            dropped += len(erase_owned(database, sorted(chunk[c] for c in still), reason))
    return dropped


def _held(
    database: Database, petition_id: int, why: int | None, among: list[bytes] | None = None
) -> set[bytes]:
    where, params = "held > 0", list[object]()
    if why is not None:
        where, params = "held = ?", [why]
    if among is not None:
        inner, values = database.among("commitment", among)
        where, params = f"{where} AND {inner}", [*params, *values]
    rows = database.query(
        f"SELECT commitment FROM signing_waiting WHERE petition_id = ? AND {where}", [petition_id, *params]
    )
    return {bytes(row[0]) for row in rows}
