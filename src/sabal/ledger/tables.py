"""A petition's log in the database: append, sign, read. Its public files are in publication.py.

Every change runs inside the caller's transaction and updates the log's one row only if the row still has the size at
which it was read. So of two concurrent writers one fails, and the log does not fork.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from sabal.database import Database, Row
from sabal.keys.keystore import KeyStore
from sabal.keys.signer import log_key_name
from sabal.refusal import Refusal
from tlog import Checkpoint, Frontier, Signer, checkpoint, leaf_hashes
from tlog.entry import ENTRY_BYTES, Amend, Close, Open, Revoke, Type, parse
from tlog.tiles import WIDTH

HASH_BYTES = 32
_AT_ONCE = 64  # bundles that one query reads
ALL = b"\xff" * HASH_BYTES  # as `reached`: the current batch has taken every signature


class Incomplete(Refusal):
    """The database lacks a part of the log."""


class Overtaken(Refusal):
    """Another process changed the log meanwhile: roll this transaction back, and read the log again."""


class ReadOnly(Refusal):
    """The log was restored from a backup, or its database failed over or was copied.

    Nothing may be appended, because later entries may have been published.
    """


@dataclass(frozen=True, slots=True)
class Log:
    """The row of a log in the database, as it was read. Its fields are the columns of `ledger_log`, but for `here`."""

    petition_id: int
    size: int
    compact_range: tuple[bytes, ...]
    manifest_hash: bytes  # of the manifest in force
    closed: bool
    reached: bytes  # the last commitment that the current batch has taken; empty between batches
    signed: bytes
    signed_size: int
    published: bytes  # empty until the first checkpoint was published
    published_size: int
    batch: int
    witnesses: str  # lines of a policy (c2sp.org/tlog-policy): witness, group, quorum
    read_only: bool = False  # after a restore (ledger/adopt.py)
    seen_size: int = 0  # of the largest checkpoint seen elsewhere since the restore
    written_in: str = ""  # the identity of the database in which the log may continue
    here: str = ""  # the identity of the database from which this row was read

    @property
    def root(self) -> bytes:
        """Return the root over all sequenced entries."""
        return Frontier(self.size, self.compact_range).root()

    @property
    def moved(self) -> bool:
        """Return whether this is another database than the one in which the log was written last."""
        return self.written_in != self.here

    @property
    def writable(self) -> bool:
        """Return whether entries may be appended."""
        return not (self.read_only or self.moved)

    @property
    def why_read_only(self) -> str:
        """Return a clause that says why nothing may be appended."""
        if self.read_only:
            return "since the restore, because it is not known here what was published after the backup"
        return (
            "because its database failed over to a standby, or was copied or moved, and may lack entries that were"
            f" published (the log was written in {self.written_in or 'an unknown database'}; this is {self.here})"
        )

    def refuse_read_only(self) -> None:
        """Raise ReadOnly if nothing may be appended."""
        if not self.writable:
            raise ReadOnly(
                f"The log of petition {self.petition_id} is read-only {self.why_read_only}. Next: sabal restore --adopt"
                f"{' --copy MIRROR' if self.read_only else ''}"
            )


def find(database: Database, petition_id: int, *, lock: bool = False) -> Log | None:
    """Return the log of a petition; None if it was never published. `lock` locks the row until the transaction ends."""
    tail = database.for_update if lock else ""
    rows = database.query(
        f"SELECT {', '.join(_COLUMNS)}, {database.identity} FROM ledger_log WHERE petition_id = ?{tail}",
        (petition_id,),
    )
    return _log(rows[0]) if rows else None


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
        database.insert("ledger_log", _COLUMNS, [_row(log)])
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
    row = (log.petition_id, log.batch + 1, log.size, day)
    database.insert("ledger_batch", ("petition_id", "number", "size", "day"), [row])
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


def manifests(database: Database, petition_id: int) -> dict[bytes, bytes]:
    """Return all published manifests by their SHA-256, which open and amend entries name."""
    rows = database.query(
        "SELECT manifest FROM petitions_version WHERE petition_id = ? AND published_on IS NOT NULL",
        (petition_id,),
    )
    return {hashlib.sha256(bytes(row[0])).digest(): bytes(row[0]) for row in rows}


def revoked(database: Database, petition_id: int, size: int) -> list[int]:
    """Return the indexes of the sign entries that the log of `size` entries revokes, ascending."""
    return sorted(
        int.from_bytes(one[2:10])
        for data in entries(database, petition_id, 0, size)
        for one in split(data)
        if one[1] == Type.REVOKE
    )


def set_witnesses(database: Database, petition_id: int, lines: str) -> None:
    """Store the witnesses to ask for every checkpoint from now on: policy lines, without the line of the log.

    Raises Incomplete.
    """
    get(database, petition_id)
    database.execute("UPDATE ledger_log SET witnesses = ? WHERE petition_id = ?", (lines, petition_id))


def split(data: bytes) -> list[bytes]:
    """Return the entries in the data of a bundle's row."""
    return [data[at : at + ENTRY_BYTES] for at in range(0, len(data), ENTRY_BYTES)]


def _append(database: Database, log: Log, entries: Sequence[bytes], reached: bytes) -> Log:
    tree = Frontier(log.size, log.compact_range)
    tree.extend(leaf_hashes(entries))
    _store(database, log, entries)
    return _update(
        database, log, replace(log, size=tree.size, compact_range=tree.compact_range, reached=reached)
    )


def _store(database: Database, log: Log, new: Sequence[bytes]) -> None:
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


def _update(database: Database, old: Log, new: Log) -> Log:
    # All columns but the petition, and the witnesses, which a command may change at this moment.
    row = {name: value for name, value in zip(_COLUMNS, _row(new), strict=True) if name not in _NOT_UPDATED}
    updated = database.execute(
        f"UPDATE ledger_log SET {', '.join(f'{name} = ?' for name in row)}"
        " WHERE petition_id = ? AND size = ? AND signed_size = ? AND read_only = ?",
        (*row.values(), old.petition_id, old.size, old.signed_size, old.read_only),
    )
    if updated != 1:
        raise Overtaken(f"the log of petition {old.petition_id} is no longer at {old.size}")
    return new


_COLUMNS = tuple(field.name for field in fields(Log) if field.name != "here")
_NOT_UPDATED = ("petition_id", "witnesses")
_BYTES = ("manifest_hash", "reached", "signed", "published")


def _log(row: Row) -> Log:
    """Return the log of a row, whose columns are in the order of the fields; the database's identity is the last."""
    values = dict(zip((*_COLUMNS, "here"), row, strict=True))
    hashes = bytes(values["compact_range"])
    values |= {name: bytes(values[name]) for name in _BYTES}
    values |= {name: bool(values[name]) for name in ("closed", "read_only")}
    values["compact_range"] = tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES))
    return Log(**values)


def _row(log: Log) -> list[object]:
    """Return the row of a log, with its columns in the order of the fields."""
    return [
        b"".join(log.compact_range) if name == "compact_range" else getattr(log, name) for name in _COLUMNS
    ]
