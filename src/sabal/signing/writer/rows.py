"""What the writer's verbs share: the rows they look up, and how they delete."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sabal import days
from sabal.database import Database, Row

# Where the C of a table `s` stands in the log. Which of both tables SQLite reads first is said by CROSS JOIN, which it
# takes in the order that is written: left to itself it may read the places of the whole log to find one.
AT = "p.petition_id = s.petition_id AND p.commitment = s.commitment"

# The same, but nothing before a checkpoint is shown that covers it.
_SHOWN = (
    f"signing_log_index p ON {AT}"
    " AND p.idx < (SELECT l.published_size FROM ledger_log l WHERE l.petition_id = s.petition_id)"
)

# Of one petition, where signatures are walked by their key: with the plus SQLite does not take the index of tags, whose
# rows it would have to sort anew for every piece.
OF_PETITION = "+s.petition_id = ?"

# What a further link to a signature is made of.
ACCESS = ("token_hash", "signature_hash", "petition_id", "mailbox")

# Under which a mailbox signs once: petition, epoch, tag. Without a tag (dedupe = "offline") each stands for itself.
Key = tuple[int, int, bytes | None]


@dataclass(frozen=True, slots=True)
class PetitionRow:
    """What a commit asks of a petition at this moment, whatever its process believed when the request came."""

    state: str
    version_id: int
    pepper_epoch: int
    closed_on: int | None  # days since 1970


def petitions(database: Database, ids: Iterable[int]) -> dict[int, PetitionRow]:
    """Those petitions by id."""
    where, params = database.among("id", sorted(ids))
    rows = database.query(
        f"SELECT id, state, version_id, pepper_epoch, closed_on FROM petitions_petition WHERE {where}", params
    )
    return {row[0]: PetitionRow(row[1], row[2], row[3], _number(days.from_column(row[4]))) for row in rows}


def _number(day: date | None) -> int | None:
    return None if day is None else days.number(day)


@dataclass(frozen=True, slots=True)
class Pending:
    """A signature that waits for its click."""

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
    owner: bytes | None  # the signature that its mailbox had when the tags went

    @property
    def key(self) -> Key:
        """Under which its mailbox signs once."""
        return self.petition_id, self.pepper_epoch, self.dedupe_tag


def pending(database: Database, hashes: Sequence[bytes]) -> list[Pending]:
    """The pending rows of these tokens, locked: on PostgreSQL nobody else may expire or disown them meanwhile."""
    where, params = database.among("token_hash", hashes)
    rows = database.query(
        "SELECT token_hash, petition_id, version_id, pepper_epoch, dedupe_tag, commitment, w, sealed_id, held,"
        f" pending_payload, mailbox, owner FROM signing_pending WHERE {where} ORDER BY token_hash{database.for_update}",
        params,
    )
    return [_pending(row) for row in rows]


def pending_of_same_mailboxes(database: Database, hashes: Sequence[bytes]) -> list[Pending]:
    """The pending rows of these tokens and all others of their mailboxes, locked in the one order of `pending`."""
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
    """The tags of each petition and epoch."""
    groups: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for petition_id, epoch, tag in keys:
        if tag is not None:
            groups[petition_id, epoch].append(tag)
    return groups


def owners(database: Database, keys: Iterable[Key], lock: str = "") -> dict[Key, bytes]:
    """Whose signature stands under each key: the token hash that owns it. `lock` is one of the database's."""
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


@dataclass(frozen=True, slots=True)
class Link:
    """A token that leads to a signature: that of its owner, or one that the same mailbox got later."""

    token_hash: bytes
    owner: bytes  # the token hash that the signature's row stands under
    petition_id: int
    counted_on: int | None  # the day on which the batch that followed the click was shown
    mailbox: bytes | None  # opens with the token alone (record.py)
    commitment: bytes  # the signature's
    w: bytes
    index: int | None  # where it stands in the log that is shown

    @property
    def is_first(self) -> bool:
        """Whether it is the one that made the signature."""
        return self.owner == self.token_hash


def links(database: Database, hashes: Sequence[bytes]) -> dict[bytes, Link]:
    """Those tokens that lead to a signature, by their hash."""
    if not hashes:
        return {}
    where, params = database.among("s.token_hash", hashes)
    own = database.query(
        "SELECT s.token_hash, s.token_hash, s.petition_id, (SELECT b.day FROM ledger_batch b"
        " WHERE b.petition_id = s.petition_id AND b.size > p.idx ORDER BY b.size LIMIT 1),"
        f" s.mailbox, s.commitment, s.w, p.idx FROM signing_signature s LEFT JOIN {_SHOWN} WHERE {where}",
        params,
    )
    where, params = database.among("a.token_hash", hashes)
    later = database.query(
        "SELECT a.token_hash, s.token_hash, s.petition_id, a.counted_on, a.mailbox, s.commitment, s.w, p.idx"
        " FROM signing_access a JOIN signing_signature s ON s.token_hash = a.signature_hash"
        f" LEFT JOIN {_SHOWN} WHERE {where}",
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
    """A WHERE fragment for the rows of `table` that `where` chooses, locked in the order of their key.

    Every statement that takes several rows of a table takes them in this order: left to its plan, each would meet them
    in another on PostgreSQL, and two processes would wait for each other.
    """
    rows = f"SELECT {by} FROM {table} WHERE {where} ORDER BY {by}{database.for_update}"
    return f"{by} IN ({rows})"


def delete(database: Database, table: str, column: str, values: Sequence[object]) -> None:
    """Delete the rows whose `column` is one of `values`."""
    if values:
        where, params = database.among(column, values)
        database.execute(f"DELETE FROM {table} WHERE {where}", params)
