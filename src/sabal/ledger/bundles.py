"""The entries of a log in the database, in bundles of 256."""

from collections.abc import Iterator, Sequence

from sabal.database import Database
from sabal.ledger.log import Incomplete, Log
from tlog.entry import ENTRY_BYTES, Type
from tlog.tiles import WIDTH

_AT_ONCE = 64  # bundles that one query reads


def entries(database: Database, petition_id: int, start: int, end: int) -> Iterator[bytes]:
    """Yield the entries from `start` up to `end` by bundle: each item has `34 · n` bytes, n ≤ 256."""
    first, last = start // WIDTH, (end - 1) // WIDTH
    for at in range(first, last + 1, _AT_ONCE):
        for number, data in database.query(
            "SELECT number, entries FROM ledger_bundle WHERE petition_id = ? AND number >= ? AND number < ?"
            " ORDER BY number",
            (petition_id, at, min(at + _AT_ONCE, last + 1)),
        ):
            low, high = max(start - number * WIDTH, 0), min(end - number * WIDTH, WIDTH)
            yield bytes(data)[low * ENTRY_BYTES : high * ENTRY_BYTES]


def split(data: bytes) -> list[bytes]:
    """Return the entries in the data of a bundle's row."""
    return [data[at : at + ENTRY_BYTES] for at in range(0, len(data), ENTRY_BYTES)]


def revoked(database: Database, petition_id: int, size: int) -> list[int]:
    """Return the indexes of the sign entries that the log of `size` entries revokes, ascending."""
    return sorted(
        int.from_bytes(one[2:10])
        for data in entries(database, petition_id, 0, size)
        if bytes([Type.REVOKE]) in data[1::ENTRY_BYTES]  # most have none
        for one in split(data)
        if one[1] == Type.REVOKE
    )


def store(database: Database, log: Log, new: Sequence[bytes]) -> None:
    """Store entries that follow those of the log, in the caller's transaction. Raises Incomplete."""
    number, partial = divmod(log.size, WIDTH)
    data = b"".join(entries(database, log.petition_id, log.size - partial, log.size)) if partial else b""
    if len(data) != partial * ENTRY_BYTES:
        raise Incomplete(f"the log of petition {log.petition_id} lacks entries before {log.size}")
    data += b"".join(new)
    width = WIDTH * ENTRY_BYTES
    rows = [
        (log.petition_id, number + at // width, data[at : at + width]) for at in range(0, len(data), width)
    ]
    database.insert(
        "ledger_bundle",
        ("petition_id", "number", "entries"),
        rows,
        on_conflict="(petition_id, number) DO UPDATE SET entries = excluded.entries",
    )
