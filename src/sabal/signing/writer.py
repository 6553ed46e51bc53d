"""What becomes durable of sign, confirm, not me and withdraw: the SQL that a crowd causes.

`commit` takes a batch of operations and makes them durable in one transaction; each gets an Outcome. No row that two
signers share is written here. Every step is set-wise, so a batch costs a handful of statements however full it is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sabal import suppression
from sabal.database import Database, Row
from sabal.newsletter.subscription import confirm_with_signature
from sabal.signing.operations import Confirm, NotMe, Operation, Outcome, Sign, Withdraw

PENDING_PER_TAG = 3
GRACE_DAYS = 7  # letters that were out when the petition closed can be confirmed this long
HELD_DAYS = 7  # a held signature counts after this long at the latest
WITHDRAWN = 1  # the reason in docs/log-format.md
CONFIRM_LETTER, ALREADY_LETTER = 1, 2
WAITING, COUNTED = 1, 2  # states of a signature; of a withdrawal too, where 3 is done


def commit(database: Database, operations: Sequence[Operation]) -> list[Outcome]:
    """Make all operations durable in one transaction, in the order sign, confirm, not me, withdraw."""
    outcomes: dict[int, Outcome] = {}
    with database.transaction():
        _each(Sign, _sign, database, operations, outcomes)
        _each(Confirm, _confirm, database, operations, outcomes)
        _each(NotMe, _not_me, database, operations, outcomes)
        _each(Withdraw, _withdraw, database, operations, outcomes)
    return [outcomes[i] for i in range(len(operations))]


Op = TypeVar("Op", Sign, Confirm, NotMe, Withdraw)


def _each(
    kind: type[Op],
    verb: Callable[[Database, list[Op]], list[Outcome]],
    database: Database,
    operations: Sequence[Operation],
    outcomes: dict[int, Outcome],
) -> None:
    chosen = [(i, op) for i, op in enumerate(operations) if isinstance(op, kind)]
    if chosen:
        results = verb(database, [op for _, op in chosen])
        outcomes.update(zip((i for i, _ in chosen), results, strict=True))


# ---- sign ---------------------------------------------------------------------------------------------------------

_PENDING = (
    "token_hash",
    "petition_id",
    "version_id",
    "era",
    "tag",
    "commitment",
    "w",
    "sealed_id",
    "carry",
    "held",
    "expires",
)
_SEALED = ("id", "petition_id", "body")
_LETTER = ("id", "petition_id", "kind", "mail_key", "sealed", "network")
_ACCESS = ("token_hash", "signature_hash", "petition_id")


def _sign(database: Database, signs: list[Sign]) -> list[Outcome]:
    owners = _owners(database, [_key(s) for s in signs if s.says_already])
    outcomes = _judge(database, signs)
    taken = [s for s, outcome in zip(signs, outcomes, strict=True) if outcome is Outcome.DONE]
    already = [s for s in taken if _key(s) in owners]
    fresh = [s for s in taken if _key(s) not in owners]
    database.insert("signing_sealed", _SEALED, [(s.sealed_id, s.petition_id, s.sealed) for s in fresh])
    database.insert("signing_pending", _PENDING, [_pending_row(s) for s in fresh])
    database.insert(
        "signing_access", _ACCESS, [(s.token_hash, owners[_key(s)], s.petition_id) for s in already]
    )
    letters = [_letter_row(s, CONFIRM_LETTER) for s in fresh] + [
        _letter_row(s, ALREADY_LETTER) for s in already
    ]
    database.insert("mail_letter", _LETTER, letters)
    _write_and_strike_out(database, [s for s, o in zip(signs, outcomes, strict=True) if o is Outcome.IGNORED])
    return outcomes


def _write_and_strike_out(database: Database, ignored: list[Sign]) -> None:
    """Write what is not kept, and delete it: a commit without it would be quicker, and a clock would tell."""
    database.insert("signing_sealed", _SEALED, [(s.sealed_id, s.petition_id, s.sealed) for s in ignored])
    database.insert("signing_pending", _PENDING, [_pending_row(s) for s in ignored])
    database.insert("mail_letter", _LETTER, [_letter_row(s, CONFIRM_LETTER) for s in ignored])
    _delete(database, "signing_sealed", "id", [s.sealed_id for s in ignored])
    _delete(database, "signing_pending", "token_hash", [s.token_hash for s in ignored])
    _delete(database, "mail_letter", "id", [s.letter_id for s in ignored])


def _judge(database: Database, signs: list[Sign]) -> list[Outcome]:
    """Whether each may be stored, by what is committed at this moment."""
    petitions = _petitions(database, {s.petition_id for s in signs})
    suppressed = _suppressed(database, signs)
    waiting = _pending_per_tag(database, signs)
    outcomes: list[Outcome] = []
    for s in signs:
        petition = petitions.get(s.petition_id)
        if petition is None or petition.state != "open":
            outcomes.append(Outcome.NOT_OPEN)
        elif (petition.version_id, petition.era) != (s.version_id, s.era):
            outcomes.append(Outcome.STALE)
        elif s.spent or s.suppression in suppressed or (s.tag and waiting[_key(s)] >= PENDING_PER_TAG):
            outcomes.append(Outcome.IGNORED)
        else:
            outcomes.append(Outcome.DONE)
            waiting[_key(s)] += 1
    return outcomes


def _pending_row(s: Sign) -> Row:
    return (
        s.token_hash, s.petition_id, s.version_id, s.era, s.tag, s.commitment, s.w,
        s.sealed_id, s.carry, s.held, s.expires,
    )  # fmt: skip


def _letter_row(s: Sign, kind: int) -> Row:
    return (s.letter_id, s.petition_id, kind, s.mail_key, s.letter, s.network)


@dataclass(frozen=True, slots=True)
class _Petition:
    state: str
    version_id: int
    era: int
    closed_on: object


def _petitions(database: Database, ids: Iterable[int]) -> dict[int, _Petition]:
    where, params = database.among("id", sorted(ids))
    rows = database.query(
        f"SELECT id, state, version_id, era, closed_on FROM petitions_petition WHERE {where}", params
    )
    return {row[0]: _Petition(*row[1:]) for row in rows}


def _suppressed(database: Database, signs: list[Sign]) -> set[bytes]:
    where, params = database.among("hash", [s.suppression for s in signs])
    return {
        bytes(row[0]) for row in database.query(f"SELECT hash FROM signing_suppression WHERE {where}", params)
    }


_Key = tuple[int, int, bytes | None]


def _key(s: Sign) -> _Key:
    return s.petition_id, s.era, s.tag


def _by_era(keys: Iterable[_Key]) -> dict[tuple[int, int], list[bytes]]:
    groups: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for petition_id, era, tag in keys:
        if tag is not None:
            groups[petition_id, era].append(tag)
    return groups


def _pending_per_tag(database: Database, signs: list[Sign]) -> dict[_Key, int]:
    counts: dict[_Key, int] = defaultdict(int)
    for (petition_id, era), tags in _by_era(map(_key, signs)).items():
        where, params = database.among("tag", tags)
        sql = f"SELECT tag, COUNT(*) FROM signing_pending WHERE petition_id = ? AND era = ? AND {where} GROUP BY tag"
        for tag, n in database.query(sql, [petition_id, era, *params]):
            counts[petition_id, era, bytes(tag)] = n
    return counts


def _owners(database: Database, keys: Iterable[_Key]) -> dict[_Key, bytes]:
    """Whose signature stands under each tag: the token hash that owns it."""
    owners: dict[_Key, bytes] = {}
    for (petition_id, era), tags in _by_era(keys).items():
        where, params = database.among("tag", tags)
        sql = f"SELECT tag, token_hash FROM signing_signature WHERE petition_id = ? AND era = ? AND {where}"
        for tag, token_hash in database.query(sql, [petition_id, era, *params]):
            owners[petition_id, era, bytes(tag)] = bytes(token_hash)
    return owners


# ---- confirm ------------------------------------------------------------------------------------------------------

_SIGNATURE = (
    "token_hash", "petition_id", "version_id", "era", "tag", "state", "held", "held_until", "commitment", "w",
    "sealed_id", "country", "language", "display",
)  # fmt: skip


def _confirm(database: Database, confirms: list[Confirm]) -> list[Outcome]:
    asked = {c.token_hash: c for c in confirms}
    states = _petitions(database, {c.petition_id for c in confirms})
    pending = {
        bytes(row[0]): row
        for row in _pending_rows(database, list(asked))
        if _may_confirm(states.get(row[1]), asked[bytes(row[0])].today)
    }
    # In the order of the unique rule, so that two processes never wait for each other in a ring.
    rows = [_signature_row(pending[t], asked[t]) for t in sorted(pending, key=lambda t: (pending[t][1:4], t))]
    database.insert("signing_signature", _SIGNATURE, rows, ignore=True)
    _gather_mates(database, list(pending.values()))
    confirm_with_signature(database, [s for t in pending for s in asked[t].subscriptions])
    found = {bytes(row[0]) for row in _signature_of(database, list(asked))}
    return [Outcome.DONE if c.token_hash in found else Outcome.GONE for c in confirms]


def _may_confirm(petition: _Petition | None, today: int) -> bool:
    if petition is None or petition.state in ("draft", "sealed"):
        return False
    return petition.state != "closed" or today <= day_number(petition.closed_on) + GRACE_DAYS


def _pending_rows(database: Database, hashes: list[bytes]) -> list[Row]:
    where, params = database.among("token_hash", hashes)
    columns = "token_hash, petition_id, era, tag, version_id, commitment, w, sealed_id, held"
    # In one order and locked: nobody else may expire or disown on PostgreSQL what is confirmed here.
    sql = f"SELECT {columns} FROM signing_pending WHERE {where} ORDER BY token_hash{database.for_update}"
    return [
        (bytes(r[0]), r[1], r[2], None if r[3] is None else bytes(r[3]), *r[4:])
        for r in database.query(sql, params)
    ]


def _signature_row(row: Row, confirm: Confirm) -> Row:
    token_hash, petition_id, era, tag, version_id, commitment, w, sealed_id, held = row
    held_until = confirm.today + HELD_DAYS if held else None
    return (
        token_hash, petition_id, version_id, era, tag, WAITING, held, held_until, commitment, w,
        sealed_id, confirm.country, confirm.language, confirm.display,
    )  # fmt: skip


def _gather_mates(database: Database, rows: list[Row]) -> None:
    """Every pending row of these mailboxes goes; its link leads to the mailbox's one signature from now on."""
    if not rows:
        return
    keys = [(row[1], row[2], row[3]) for row in rows]
    owners = _owners(database, keys)
    mates = {row[0]: ((row[1], row[2], row[3]), row[7]) for row in rows}
    for (petition_id, era), tags in _by_era(keys).items():
        where, params = database.among("tag", tags)
        sql = f"SELECT token_hash, tag, sealed_id FROM signing_pending WHERE petition_id = ? AND era = ? AND {where}"
        for token_hash, tag, sealed_id in database.query(sql, [petition_id, era, *params]):
            mates[bytes(token_hash)] = ((petition_id, era, bytes(tag)), sealed_id)
    guests = {t: owners[key] for t, (key, _) in mates.items() if key in owners and owners[key] != t}
    access = [(t, owner, mates[t][0][0]) for t, owner in sorted(guests.items())]
    database.insert("signing_access", _ACCESS, access, ignore=True)
    _delete(database, "signing_sealed", "id", [mates[t][1] for t in guests])
    _delete(database, "signing_pending", "token_hash", sorted(mates))


# ---- not me, withdraw ---------------------------------------------------------------------------------------------


def _not_me(database: Database, answers: list[NotMe]) -> list[Outcome]:
    known = {row[0]: row for row in _pending_rows(database, [a.token_hash for a in answers])}
    meant = [a for a in answers if a.token_hash in known]
    database.insert(
        "signing_suppression",
        ("hash", "petition_id"),
        [(a.suppression, a.petition_id) for a in meant],
        ignore=True,
    )
    _delete(database, "signing_sealed", "id", [known[a.token_hash][7] for a in meant])
    _delete(database, "signing_pending", "token_hash", [a.token_hash for a in meant])
    for a in meant:  # before the commit: remembered twice does no harm, forgotten once would
        suppression.append(suppression.NOT_ME, a.suppression, a.petition_id)
    return [Outcome.DONE if a.token_hash in known else Outcome.GONE for a in answers]


def _withdraw(database: Database, withdraws: list[Withdraw]) -> list[Outcome]:
    signatures = _signature_of(database, [w.token_hash for w in withdraws])
    owners = {bytes(row[1]) for row in signatures}
    erase_signatures(database, sorted(owners), WITHDRAWN)
    known = {bytes(row[0]) for row in signatures}
    return [Outcome.DONE if w.token_hash in known else Outcome.GONE for w in withdraws]


def erase_signatures(database: Database, owners: list[bytes], reason: int) -> int:
    """Delete record, tag, w and every token hash of these signatures; C and its reason stay. Returns how many."""
    if not owners:
        return 0
    where, params = database.among("token_hash", owners)
    columns = "commitment, petition_id, version_id, state, country, language, sealed_id"
    # Deleted and read at once: a batch that counts it at this moment on PostgreSQL is waited for, and its state seen.
    rows = database.query(f"DELETE FROM signing_signature WHERE {where} RETURNING {columns}", params)
    database.insert(
        "signing_withdrawal",
        ("commitment", "petition_id", "version_id", "state", "reason", "country", "language"),
        [(bytes(r[0]), r[1], r[2], r[3], reason, r[4], r[5]) for r in rows],
        ignore=True,
    )
    _delete(database, "signing_sealed", "id", [r[6] for r in rows])
    _delete(database, "signing_access", "signature_hash", owners)
    return len(rows)


def _signature_of(database: Database, hashes: list[bytes]) -> list[Row]:
    """(token hash, owner's token hash, petition, state, day of the link's batch) for each that leads to a signature."""
    where, params = database.among("token_hash", hashes)
    own = database.query(
        f"SELECT token_hash, token_hash, petition_id, state, counted_on FROM signing_signature WHERE {where}",
        params,
    )
    where, params = database.among("a.token_hash", hashes)
    guests = database.query(
        "SELECT a.token_hash, s.token_hash, s.petition_id, s.state, a.counted_on FROM signing_access a"
        f" JOIN signing_signature s ON s.token_hash = a.signature_hash WHERE {where}",
        params,
    )
    return own + guests


def _delete(database: Database, table: str, column: str, values: Sequence[object]) -> None:
    if values:
        where, params = database.among(column, values)
        database.execute(f"DELETE FROM {table} WHERE {where}", params)


def day_number(value: object) -> int:
    """A date column's value (text on SQLite, a date on PostgreSQL) as days since 1970."""
    day = date.fromisoformat(value) if isinstance(value, str) else value
    assert isinstance(day, date)
    return (day - date(1970, 1, 1)).days


# ---- what a link stands for ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a token stands for: a pending signature (with its carry) or a confirmed one."""

    petition_id: int
    carry: bytes | None
    counted_on: int | None


def find(database: Database, hashes: list[bytes]) -> list[Found | None]:
    """What each token hash stands for now; None where nothing."""
    where, params = database.among("token_hash", hashes)
    rows = database.query(f"SELECT token_hash, petition_id, carry FROM signing_pending WHERE {where}", params)
    found = {bytes(r[0]): Found(r[1], bytes(r[2]), None) for r in rows}
    found |= {bytes(r[0]): Found(r[2], None, r[4]) for r in _signature_of(database, hashes)}
    return [found.get(h) for h in hashes]
