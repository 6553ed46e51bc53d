"""A petition's log in the database: find, append, sign, adopt. Its public files are in publication.py.

Every change runs inside the caller's transaction and updates the log's one row only if the row still has the size at
which it was read. So of two concurrent writers one fails, and the log does not fork.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from sabal.database import Database, Row
from sabal.keys.keystore import KeyStore
from sabal.keys.signer import log_key_name
from sabal.ledger import bundles
from sabal.ledger.log import COLUMNS, Incomplete, Log, Overtaken, from_row, to_row
from tlog import Checkpoint, Frontier, Signer, checkpoint, leaf_hashes
from tlog.entry import Amend, Close, Open, Revoke, parse

# A command may change the witnesses at the moment of an update.
_NOT_UPDATED = ("petition_id", "witnesses")
_BATCH = ("petition_id", "number", "size", "day", "confirmed", "withdrawn", "invalidated")


def find(database: Database, petition_id: int, *, lock: bool = False) -> Log | None:
    """Return the log of a petition; None if it was never published. `lock` locks the row until the transaction ends."""
    tail = database.for_update if lock else ""
    rows = database.query(
        f"SELECT {', '.join(COLUMNS)}, {database.identity} FROM ledger_log WHERE petition_id = ?{tail}",
        (petition_id,),
    )
    return from_row(rows[0]) if rows else None


def get(database: Database, petition_id: int, *, lock: bool = False) -> Log:
    """Return the log of a petition that must have one. Raises Incomplete."""
    log = find(database, petition_id, lock=lock)
    if log is None:
        raise Incomplete(
            f"Petition {petition_id} has no log. It gets one within seconds while a worker runs. Next: sabal doctor"
        )
    return log


def key_of(database: Database, keystore: KeyStore, petition_id: int, origin: str) -> Signer:
    """Return the key that signs a log's checkpoints. Raises KeyMissing."""
    return Signer(origin, keystore.find(database, log_key_name(petition_id)))


def enter_manifest(database: Database, petition_id: int, manifest_hash: bytes, key: Signer, day: int) -> Log:
    """Append the entry that puts a manifest in force, and open the log if there is none. `day` is in days since 1970.

    The checkpoint over the entry is signed in the same transaction, which is the caller's. A worker publishes it.
    """
    log = find(database, petition_id, lock=True)
    if log is None:
        here = str(database.query(f"SELECT {database.identity}")[0][0])
        log = Log(petition_id, 0, (), b"", False, b"", b"", 0, b"", 0, -1, "", written_in=here, here=here)
        database.insert("ledger_log", COLUMNS, [to_row(log)])
        log = append(database, log, [Open(manifest_hash).encode()])
    elif log.manifest_hash == manifest_hash:
        return log
    else:
        log = append(database, log, [Amend(manifest_hash).encode()], reached=log.reached)
    log = _update(database, log, replace(log, manifest_hash=manifest_hash))
    return sign(database, log, key, day)


def close(database: Database, log: Log, key: Signer, day: int) -> Log:
    """Close the log, so that only revocations can follow, in the caller's transaction. `day` is in days since 1970."""
    log = append(database, log, [Close().encode()])
    return sign(database, _update(database, log, replace(log, closed=True)), key, day)


def append(database: Database, log: Log, entries: Sequence[bytes], *, reached: bytes = b"") -> Log:
    """Append entries, and store the last commitment that the current batch has taken. Raises Overtaken, ReadOnly."""
    log.refuse_read_only()
    return _append(database, log, entries, reached)


def sign(database: Database, log: Log, key: Signer, day: int) -> Log:
    """Sign the checkpoint over all sequenced entries, which ends the batch. `day` is in days since 1970.

    Raises Overtaken, ReadOnly.
    """
    log.refuse_read_only()
    if log.size == log.signed_size:
        return _update(database, log, replace(log, reached=b"")) if log.reached else log
    note = Checkpoint(key.verifier.name, log.size, log.root).sign(key)
    row = (log.petition_id, log.batch + 1, log.size, day, *_totals(database, log.petition_id))
    database.insert("ledger_batch", _BATCH, [row])
    return _update(
        database, log, replace(log, signed=note, signed_size=log.size, batch=log.batch + 1, reached=b"")
    )


def publish(database: Database, log: Log, note: bytes, day: int) -> Log:
    """Publish `note`, the signed checkpoint with its witnesses, on pages and in files. Raises Overtaken.

    Its batch gets the day of its first publication (in days since 1970), even if witnesses delayed it.
    """
    if log.published_size < log.signed_size:
        database.execute(
            "UPDATE ledger_batch SET day = ? WHERE petition_id = ? AND size > ? AND size <= ?",
            (day, log.petition_id, log.published_size, log.signed_size),
        )
    return _update(database, log, replace(log, published=note, published_size=log.signed_size))


def make_read_only(database: Database, log: Log, seen_size: int) -> Log:
    """Make the log read-only, in the caller's transaction. At least `seen_size` entries were published."""
    return _update(database, log, replace(log, read_only=True, seen_size=max(log.seen_size, seen_size)))


def see(database: Database, log: Log, seen_size: int) -> Log:
    """Store that at least `seen_size` entries were published, in the caller's transaction."""
    return _update(database, log, replace(log, seen_size=max(log.seen_size, seen_size)))


def adopt(database: Database, log: Log, entries: Sequence[bytes], lost: Sequence[int]) -> Log:
    """Append entries that were published after the backup to a read-only log, in the caller's transaction.

    `lost` has the indexes of sign entries whose records the database lacks. Raises Overtaken.
    """
    numbered = [(parse(entry), log.size + at) for at, entry in enumerate(entries)]
    database.insert("ledger_lost", ("petition_id", "idx"), [(log.petition_id, index) for index in lost])
    # A revoked signature no longer counts, so its lost record is no longer reported.
    where, params = database.among("idx", [one.index for one, _ in numbered if isinstance(one, Revoke)])
    if params:
        database.execute(
            f"DELETE FROM ledger_lost WHERE petition_id = ? AND {where}", [log.petition_id, *params]
        )
    amended = [one.manifest_hash for one, _ in numbered if isinstance(one, (Open, Amend))]
    closed = log.closed or any(isinstance(one, Close) for one, _ in numbered)
    log = _append(database, log, entries, log.reached)
    return _update(
        database, log, replace(log, manifest_hash=(amended or [log.manifest_hash])[-1], closed=closed)
    )


def end_read_only(database: Database, log: Log, note: bytes, day: int) -> Log:
    """End the read-only state of a log that has all published entries, in the caller's transaction.

    If `note`, the newest published checkpoint, is over all entries of the log, it is stored unchanged. Otherwise the
    log keeps its own checkpoint, and the current batch continues. `day` is in days since 1970.
    """
    writable = replace(log, read_only=False, written_in=log.here)
    if not note or checkpoint.peek(note).size != log.size or log.size == log.published_size:
        return _update(database, log, writable)
    if log.size > log.signed_size:
        row = (log.petition_id, log.batch + 1, log.size, day)
        database.insert("ledger_batch", ("petition_id", "number", "size", "day"), [row])
        writable = replace(writable, signed=note, signed_size=log.size, batch=log.batch + 1)
    return _update(database, log, replace(writable, published=note, published_size=log.size, reached=b""))


def lost(database: Database, petition_id: int) -> int:
    """Return the number of signatures that count although their records were lost."""
    rows = database.query("SELECT COUNT(*) FROM ledger_lost WHERE petition_id = ?", (petition_id,))
    return int(rows[0][0])


def manifests(database: Database, petition_id: int) -> dict[bytes, bytes]:
    """Return all published manifests by their SHA-256, which open and amend entries name."""
    rows = database.query(
        "SELECT manifest FROM petitions_version WHERE petition_id = ? AND published_on IS NOT NULL",
        (petition_id,),
    )
    return {hashlib.sha256(bytes(row[0])).digest(): bytes(row[0]) for row in rows}


def set_witnesses(database: Database, petition_id: int, lines: str) -> None:
    """Store the witnesses to ask for every checkpoint from now on: policy lines, without the line of the log.

    Raises Incomplete.
    """
    get(database, petition_id)
    database.execute("UPDATE ledger_log SET witnesses = ? WHERE petition_id = ?", (lines, petition_id))


def _totals(database: Database, petition_id: int) -> Row:
    """Return how many signatures were confirmed, withdrawn and invalidated in all entries so far."""
    rows = database.query(
        "SELECT confirmed, withdrawn, invalidated FROM signing_total WHERE petition_id = ?", (petition_id,)
    )
    return rows[0] if rows else (0, 0, 0)


def _append(database: Database, log: Log, entries: Sequence[bytes], reached: bytes) -> Log:
    tree = Frontier(log.size, log.compact_range)
    tree.extend(leaf_hashes(entries))
    bundles.store(database, log, entries)
    return _update(
        database, log, replace(log, size=tree.size, compact_range=tree.compact_range, reached=reached)
    )


def _update(database: Database, old: Log, new: Log) -> Log:
    row = {name: value for name, value in zip(COLUMNS, to_row(new), strict=True) if name not in _NOT_UPDATED}
    updated = database.execute(
        f"UPDATE ledger_log SET {', '.join(f'{name} = ?' for name in row)}"
        " WHERE petition_id = ? AND size = ? AND signed_size = ? AND read_only = ?",
        (*row.values(), old.petition_id, old.size, old.signed_size, old.read_only),
    )
    if updated != 1:
        raise Overtaken(f"the log of petition {old.petition_id} is no longer at {old.size}")
    return new
