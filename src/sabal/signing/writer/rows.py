"""The queries and deletions that the writer's verbs share."""

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sabal import days
from sabal.database import Database, Row

# The condition that joins a row of a table `s` to its log index `p`. With CROSS JOIN, SQLite reads the tables in the
# written order. Without it, SQLite may read the whole index to find one entry.
SAME_COMMITMENT = "p.petition_id = s.petition_id AND p.commitment = s.commitment"

# The same, but only for entries that a published checkpoint covers.
_PUBLISHED = (
    f"signing_log_index p ON {SAME_COMMITMENT}"
    " AND p.idx < (SELECT l.published_size FROM ledger_log l WHERE l.petition_id = s.petition_id)"
)

# Selects one petition's rows in queries that read signatures in the order of their key. Because of the plus, SQLite
# does not use the index of tags. With that index it would have to sort all rows again for every chunk.
OF_PETITION = "+s.petition_id = ?"

READ = 2_000  # rows that one query reads

# The columns of a further link to a signature.
ACCESS = ("token_hash", "signature_hash", "petition_id", "mailbox")

# An address signs once for each key: petition, epoch, tag. Without a tag (dedupe = "offline") every signature counts.
Key = tuple[int, int, bytes | None]


@dataclass(frozen=True, slots=True)
class PetitionRow:
    """The state of a petition inside a commit. It may be newer than what the process knew when the request came."""

    state: str
    version_id: int
    pepper_epoch: int
    closed_on: int | None  # days since 1970


def petitions(database: Database, ids: Iterable[int]) -> dict[int, PetitionRow]:
    """Return these petitions by id."""
    where, params = database.among("id", sorted(ids))
    rows = database.query(
        f"SELECT id, state, version_id, pepper_epoch, closed_on FROM petitions_petition WHERE {where}", params
    )
    return {row[0]: PetitionRow(row[1], row[2], row[3], _number(days.from_column(row[4]))) for row in rows}


def _number(day: date | None) -> int | None:
    return None if day is None else days.number(day)


@dataclass(frozen=True, slots=True)
class Pending:
    """A signature that is not confirmed yet."""

    token_hash: bytes
    petition_id: int
    version_id: int
    pepper_epoch: int
    dedupe_tag: bytes | None
    commitment: bytes
    w: bytes
    sealed_id: int
    held: int
    pending_payload: bytes
    mailbox: bytes
    owner: bytes | None  # token hash of the signature that its address had when the tags were deleted

    @property
    def key(self) -> Key:
        """The key under which its address signs once."""
        return self.petition_id, self.pepper_epoch, self.dedupe_tag


def pending(database: Database, hashes: Sequence[bytes]) -> list[Pending]:
    """Return the pending rows of these tokens, locked so that on PostgreSQL no other process changes them meanwhile."""
    where, params = database.among("token_hash", hashes)
    rows = database.query(
        "SELECT token_hash, petition_id, version_id, pepper_epoch, dedupe_tag, commitment, w, sealed_id, held,"
        f" pending_payload, mailbox, owner FROM signing_pending WHERE {where} ORDER BY token_hash{database.for_update}",
        params,
    )
    return [_pending(row) for row in rows]


def pending_of_same_mailboxes(database: Database, hashes: Sequence[bytes]) -> list[Pending]:
    """Return the pending rows of these tokens and of their addresses, locked in the same order as by `pending`."""
    where, params = database.among("token_hash", hashes)
    rows = database.query(
        f"SELECT petition_id, pepper_epoch, dedupe_tag FROM signing_pending WHERE {where}", params
    )
    found = set(hashes)
    for (petition_id, epoch), tags in by_epoch((r[0], r[1], r[2] and bytes(r[2])) for r in rows).items():
        where, params = database.among("dedupe_tag", tags)
        sql = f"SELECT token_hash FROM signing_pending WHERE petition_id = ? AND pepper_epoch = ? AND {where}"
        found |= {bytes(row[0]) for row in database.query(sql, [petition_id, epoch, *params])}
    return pending(database, sorted(found))


def _pending(row: Row) -> Pending:
    (
        token_hash,
        petition_id,
        version_id,
        epoch,
        tag,
        commitment,
        w,
        sealed_id,
        held,
        payload,
        mailbox,
        owner,
    ) = row
    return Pending(
        bytes(token_hash), petition_id, version_id, epoch, None if tag is None else bytes(tag),
        bytes(commitment), bytes(w), sealed_id, held, bytes(payload), bytes(mailbox), owner and bytes(owner),
    )  # fmt: skip


def by_epoch(keys: Iterable[Key]) -> dict[tuple[int, int], list[bytes]]:
    """Return the tags of each petition and epoch."""
    groups: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for petition_id, epoch, tag in keys:
        if tag is not None:
            groups[petition_id, epoch].append(tag)
    return groups


def owners(database: Database, keys: Iterable[Key], lock: str = "") -> dict[Key, bytes]:
    """Return the token hash of the signature under each key. `lock` is one of the database's lock clauses."""
    found: dict[Key, bytes] = {}
    for (petition_id, epoch), tags in by_epoch(keys).items():
        where, params = database.among("dedupe_tag", tags)
        sql = (
            "SELECT dedupe_tag, token_hash FROM signing_signature"
            f" WHERE petition_id = ? AND pepper_epoch = ? AND {where} ORDER BY token_hash{lock}"
        )
        for tag, token_hash in database.query(sql, [petition_id, epoch, *params]):
            found[petition_id, epoch, bytes(tag)] = bytes(token_hash)
    return found


def owners_of(database: Database, petition_id: int, commitments: Container[bytes]) -> dict[bytes, bytes]:
    """Return the token hash of the signature with each commitment. Reads all signatures, in many short queries."""
    found: dict[bytes, bytes] = {}
    last = b""
    while True:
        rows = database.query(
            f"SELECT s.token_hash, s.commitment FROM signing_signature s WHERE {OF_PETITION} AND s.token_hash > ?"
            f" ORDER BY s.token_hash LIMIT {READ}",
            (petition_id, last),
        )
        found |= {bytes(c): bytes(token_hash) for token_hash, c in rows if bytes(c) in commitments}
        if len(rows) < READ:
            return found
        last = bytes(rows[-1][0])


@dataclass(frozen=True, slots=True)
class Link:
    """A token that leads to a signature: the one that made it, or a later one of the same address."""

    token_hash: bytes
    owner: bytes  # the token hash that is the key of the signature's row
    petition_id: int
    counted_on: int | None  # the day on which the batch after the click was published
    mailbox: bytes | None  # only the token opens it (pending_payload.py)
    commitment: bytes  # the signature's
    w: bytes
    index: int | None  # its index in the published log

    @property
    def is_first(self) -> bool:
        """Whether this link made the signature."""
        return self.owner == self.token_hash


def links(database: Database, hashes: Sequence[bytes]) -> dict[bytes, Link]:
    """Return the links of the tokens that lead to a signature, by token hash."""
    if not hashes:
        return {}
    where, params = database.among("s.token_hash", hashes)
    own = database.query(
        "SELECT s.token_hash, s.token_hash, s.petition_id, (SELECT b.day FROM ledger_batch b"
        " WHERE b.petition_id = s.petition_id AND b.size > p.idx ORDER BY b.size LIMIT 1),"
        f" s.mailbox, s.commitment, s.w, p.idx FROM signing_signature s LEFT JOIN {_PUBLISHED} WHERE {where}",
        params,
    )
    where, params = database.among("a.token_hash", hashes)
    later = database.query(
        "SELECT a.token_hash, s.token_hash, s.petition_id, a.counted_on, a.mailbox, s.commitment, s.w, p.idx"
        " FROM signing_access a JOIN signing_signature s ON s.token_hash = a.signature_hash"
        f" LEFT JOIN {_PUBLISHED} WHERE {where}",
        params,
    )
    return {bytes(row[0]): _link(row) for row in own + later}


def _link(row: Row) -> Link:
    token_hash, owner, petition_id, counted_on, mailbox, commitment, w, index = row
    return Link(
        bytes(token_hash), bytes(owner), petition_id, counted_on, mailbox and bytes(mailbox), bytes(commitment),
        bytes(w), index,
    )  # fmt: skip


def locked(database: Database, table: str, where: str, *, by: str = "token_hash") -> str:
    """Return a WHERE fragment that selects the rows of `table` matching `where`, locked in the order of their key.

    Every statement that takes several rows of a table locks them in this order. Otherwise, on PostgreSQL, different
    plans would lock them in different orders, and two processes could deadlock.
    """
    rows = f"SELECT {by} FROM {table} WHERE {where} ORDER BY {by}{database.for_update}"
    return f"{by} IN ({rows})"


def delete(database: Database, table: str, column: str, values: Sequence[object]) -> None:
    """Delete the rows whose `column` has one of `values`."""
    if values:
        where, params = database.among(column, values)
        database.execute(f"DELETE FROM {table} WHERE {where}", params)
