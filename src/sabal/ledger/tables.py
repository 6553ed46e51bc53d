"""A petition's log in the database: append, sign, read. What is shown of it is publication.py's.

Every change runs inside the caller's transaction and moves the log's one row from the size that it was read at, so
that of two writers who meet one fails and nothing forks.
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
_PIECE = 64  # bundles that are read at once
ALL = b"\xff" * HASH_BYTES  # the batch under way has taken every signature


class Incomplete(Refusal):
    """The database lacks a part of the log that it must have."""


class Overtaken(Refusal):
    """Somebody else moved the log meanwhile: nothing of this transaction may be kept; read it again."""


class ReadOnly(Refusal):
    """The log was restored, and what was published after the backup is not known: nothing may be appended."""


@dataclass(frozen=True, slots=True)
class Log:
    """The row of a log, as it was read."""

    petition_id: int
    size: int
    edge: tuple[bytes, ...]
    manifest_hash: bytes  # the one in force
    closed: bool
    reached: bytes
    signed: bytes
    signed_size: int
    published: bytes  # empty until the first checkpoint was shown
    published_size: int
    batch: int
    witnesses: str  # lines of a policy (c2sp.org/tlog-policy): witness, group, quorum
    read_only: bool = False  # since a restore (ledger/adopt.py)
    seen_size: int = 0  # of the largest checkpoint that was seen elsewhere since then

    @property
    def root(self) -> bytes:
        """The root over all that is sequenced."""
        return Frontier(self.size, self.edge).root()

    def refuse_read_only(self) -> None:
        """Raise ReadOnly where nothing may be appended."""
        if self.read_only:
            raise ReadOnly(
                f"The log of petition {self.petition_id} is read-only since the restore, because it is not known"
                " here what was published after the backup. Next: sabal restore --adopt --copy MIRROR"
            )


def find(database: Database, petition_id: int, *, lock: bool = False) -> Log | None:
    """The log of that petition; None where it was never published. With `lock`, inside a transaction, it stays so."""
    tail = database.for_update if lock else ""
    rows = database.query(
        f"SELECT {', '.join(_COLUMNS)} FROM ledger_log WHERE petition_id = ?{tail}", (petition_id,)
    )
    return _log(rows[0]) if rows else None


def get(database: Database, petition_id: int, *, lock: bool = False) -> Log:
    """`find`, where there must be one. Raises Incomplete."""
    log = find(database, petition_id, lock=lock)
    if log is None:
        raise Incomplete(
            f"Petition {petition_id} has no log. It gets one within seconds while a worker runs. Next: sabal doctor"
        )
    return log


def key_of(database: Database, keystore: KeyStore, petition_id: int, origin: str) -> Signer:
    """The key that signs a log's checkpoints. Raises KeyMissing."""
    return Signer(origin, keystore.find(database, log_key_name(petition_id)))


def follow(database: Database, petition_id: int, manifest_hash: bytes, key: Signer, day: int) -> Log:
    """Let the log say that this manifest is in force from here on; opens the log where there is none.

    The checkpoint over it is signed in the same transaction, the caller's; a worker shows it. `day` since 1970.
    """
    log = find(database, petition_id, lock=True)
    if log is None:
        log = Log(petition_id, 0, (), b"", False, b"", b"", 0, b"", 0, -1, "")
        database.insert("ledger_log", _COLUMNS, [_row(log)])
        log = append(database, log, [Open(manifest_hash).encode()])
    elif log.manifest_hash == manifest_hash:
        return log
    else:
        log = append(database, log, [Amend(manifest_hash).encode()], reached=log.reached)
    log = _move(database, log, replace(log, manifest_hash=manifest_hash))
    return sign(database, log, key, day)


def close(database: Database, log: Log, key: Signer, day: int) -> Log:
    """Let nothing but revocations follow. Inside the caller's transaction; `day` since 1970."""
    log = append(database, log, [Close().encode()])
    return sign(database, _move(database, log, replace(log, closed=True)), key, day)


def append(database: Database, log: Log, entries: Sequence[bytes], *, reached: bytes = b"") -> Log:
    """Append entries, and say up to which C the batch under way has come. Raises Overtaken, ReadOnly."""
    log.refuse_read_only()
    return _append(database, log, entries, reached)


def sign(database: Database, log: Log, key: Signer, day: int) -> Log:
    """Sign the checkpoint over all that is sequenced, which ends the batch; `day` since 1970.

    Raises Overtaken, ReadOnly.
    """
    log.refuse_read_only()
    if log.size == log.signed_size:
        return _move(database, log, replace(log, reached=b"")) if log.reached else log
    note = Checkpoint(key.verifier.name, log.size, log.root).sign(key)
    row = (log.petition_id, log.batch + 1, log.size, day)
    database.insert("ledger_batch", ("petition_id", "number", "size", "day"), [row])
    return _move(
        database, log, replace(log, signed=note, signed_size=log.size, batch=log.batch + 1, reached=b"")
    )


def show(database: Database, log: Log, note: bytes, day: int) -> Log:
    """Let `note`, the signed checkpoint with its witnesses, be what pages and files show. Raises Overtaken.

    Its batch is of the day (since 1970) on which it is shown first, however long its witnesses were waited for.
    """
    if log.published_size < log.signed_size:
        database.execute(
            "UPDATE ledger_batch SET day = ? WHERE petition_id = ? AND size > ? AND size <= ?",
            (day, log.petition_id, log.published_size, log.signed_size),
        )
    return _move(database, log, replace(log, published=note, published_size=log.signed_size))


def hold(database: Database, log: Log, seen_size: int) -> Log:
    """Let the log be read-only, in the caller's transaction: so many entries were published, and are not all here."""
    return _move(database, log, replace(log, read_only=True, seen_size=max(log.seen_size, seen_size)))


def adopt(database: Database, log: Log, entries: Sequence[bytes], lost: Sequence[int]) -> Log:
    """Append to a log that is held what was published after the backup, in the caller's transaction. Raises Overtaken.

    `lost` are the indexes of those sign entries whose record is not here.
    """
    numbered = [(parse(entry), log.size + at) for at, entry in enumerate(entries)]
    database.insert("ledger_lost", ("petition_id", "idx"), [(log.petition_id, index) for index in lost])
    # What does not count any more is missed by nobody.
    where, params = database.among("idx", [one.index for one, _ in numbered if isinstance(one, Revoke)])
    if params:
        database.execute(
            f"DELETE FROM ledger_lost WHERE petition_id = ? AND {where}", [log.petition_id, *params]
        )
    amended = [one.manifest_hash for one, _ in numbered if isinstance(one, (Open, Amend))]
    closed = log.closed or any(isinstance(one, Close) for one, _ in numbered)
    log = _append(database, log, entries, log.reached)
    return _move(
        database, log, replace(log, manifest_hash=(amended or [log.manifest_hash])[-1], closed=closed)
    )


def go_on(database: Database, log: Log, note: bytes, day: int) -> Log:
    """End the hold of a log that has all that was published; in the caller's transaction, `day` since 1970.

    `note` is the newest checkpoint that was shown, kept as it is, where it is over all that is here; else the log's
    own stands, and the batch that was under way goes on.
    """
    free = replace(log, read_only=False)
    if not note or checkpoint.peek(note).size != log.size or log.size == log.published_size:
        return _move(database, log, free)
    if log.size > log.signed_size:
        row = (log.petition_id, log.batch + 1, log.size, day)
        database.insert("ledger_batch", ("petition_id", "number", "size", "day"), [row])
        free = replace(free, signed=note, signed_size=log.size, batch=log.batch + 1)
    return _move(database, log, replace(free, published=note, published_size=log.size, reached=b""))


def lost(database: Database, petition_id: int) -> int:
    """How many signatures count whose records were lost, and which nobody withdrew since."""
    rows = database.query("SELECT COUNT(*) FROM ledger_lost WHERE petition_id = ?", (petition_id,))
    return int(rows[0][0])


def entries(database: Database, petition_id: int, start: int, end: int) -> Iterator[bytes]:
    """The entries from `start` up to `end`, bundle by bundle: each is `34 · n` bytes, n ≤ 256."""
    first, last = start // WIDTH, (end - 1) // WIDTH
    for at in range(first, last + 1, _PIECE):
        for number, held in database.query(
            "SELECT number, entries FROM ledger_bundle WHERE petition_id = ? AND number >= ? AND number < ?"
            " ORDER BY number",
            (petition_id, at, min(at + _PIECE, last + 1)),
        ):
            low, high = max(start - number * WIDTH, 0), min(end - number * WIDTH, WIDTH)
            yield bytes(held)[low * ENTRY_BYTES : high * ENTRY_BYTES]


def manifests(database: Database, petition_id: int) -> dict[bytes, bytes]:
    """Every manifest that was published, by its SHA-256: what open and amend entries name."""
    rows = database.query(
        "SELECT manifest FROM petitions_version WHERE petition_id = ? AND published_on IS NOT NULL",
        (petition_id,),
    )
    return {hashlib.sha256(bytes(row[0])).digest(): bytes(row[0]) for row in rows}


def revoked(database: Database, petition_id: int, size: int) -> list[int]:
    """The places of the sign entries that the log of `size` entries revokes, ascending."""
    return sorted(
        int.from_bytes(one[2:10])
        for piece in entries(database, petition_id, 0, size)
        for one in split(piece)
        if one[1] == Type.REVOKE
    )


def set_witnesses(database: Database, petition_id: int, lines: str) -> None:
    """Let these be asked for every checkpoint from now on: lines of a policy, without that of the log.

    Raises Incomplete.
    """
    get(database, petition_id)
    database.execute("UPDATE ledger_log SET witnesses = ? WHERE petition_id = ?", (lines, petition_id))


def split(held: bytes) -> list[bytes]:
    """The entries that a bundle's row holds."""
    return [held[at : at + ENTRY_BYTES] for at in range(0, len(held), ENTRY_BYTES)]


def _append(database: Database, log: Log, entries: Sequence[bytes], reached: bytes) -> Log:
    tree = Frontier(log.size, log.edge)
    tree.extend(leaf_hashes(entries))
    _store(database, log, entries)
    return _move(database, log, replace(log, size=tree.size, edge=tree.compact_range, reached=reached))


def _store(database: Database, log: Log, new: Sequence[bytes]) -> None:
    number, kept = divmod(log.size, WIDTH)
    held = b"".join(entries(database, log.petition_id, log.size - kept, log.size)) if kept else b""
    if len(held) != kept * ENTRY_BYTES:
        raise Incomplete(f"the log of petition {log.petition_id} lacks entries before {log.size}")
    data = held + b"".join(new)
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


def _move(database: Database, old: Log, new: Log) -> Log:
    # All but the petition, and the witnesses, whom a command may choose at this moment.
    row = {name: value for name, value in zip(_COLUMNS, _row(new), strict=True) if name not in _NOT_MOVED}
    moved = database.execute(
        f"UPDATE ledger_log SET {', '.join(f'{name} = ?' for name in row)}"
        " WHERE petition_id = ? AND size = ? AND signed_size = ? AND read_only = ?",
        (*row.values(), old.petition_id, old.size, old.signed_size, old.read_only),
    )
    if moved != 1:
        raise Overtaken(f"the log of petition {old.petition_id} is no longer at {old.size}")
    return new


_COLUMNS = tuple(field.name for field in fields(Log))
_NOT_MOVED = ("petition_id", "witnesses")
_BYTES = ("manifest_hash", "reached", "signed", "published")


def _log(row: Row) -> Log:
    """The log of a row in the order of its fields."""
    values = dict(zip(_COLUMNS, row, strict=True))
    edge = bytes(values["edge"])
    values |= {name: bytes(values[name]) for name in _BYTES}
    values |= {name: bool(values[name]) for name in ("closed", "read_only")}
    return Log(
        **values | {"edge": tuple(edge[at : at + HASH_BYTES] for at in range(0, len(edge), HASH_BYTES))}
    )


def _row(log: Log) -> list[object]:
    """A log's row, in the order of its fields."""
    return [b"".join(log.edge) if name == "edge" else getattr(log, name) for name in _COLUMNS]
