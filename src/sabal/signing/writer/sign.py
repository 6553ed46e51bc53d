"""Sign: store a pending row, its sealed record and its email, if the committed state allows it."""

from collections import defaultdict

from sabal.database import Database, Row
from sabal.mail.ids import ALREADY_SIGNED, CONFIRM_SIGNATURE
from sabal.mail.row import delete_again, email_row, store
from sabal.signing.operations import Outcome, Sign
from sabal.signing.writer.rows import ACCESS, Key, by_epoch, delete, owners, petitions

PENDING_PER_TAG = 3

_PENDING = (
    "token_hash",
    "petition_id",
    "version_id",
    "pepper_epoch",
    "dedupe_tag",
    "commitment",
    "w",
    "sealed_id",
    "pending_payload",
    "mailbox",
    "held",
    "expires",
)
_SEALED = ("id", "petition_id", "body")


def sign(database: Database, signs: list[Sign]) -> list[Outcome]:
    """Store the allowed signatures with their emails. An address that signed before gets a link to its signature."""
    # Lock these signatures, so that none is withdrawn before the new link leads to it.
    signed = owners(database, [_key(s) for s in signs if s.says_already], database.for_key_share)
    outcomes = _judge(database, signs)
    taken = [s for s, outcome in zip(signs, outcomes, strict=True) if outcome is Outcome.DONE]
    already = [s for s in taken if _key(s) in signed]
    fresh = [s for s in taken if _key(s) not in signed]
    database.insert("signing_sealed", _SEALED, [(s.sealed_id, s.petition_id, s.sealed) for s in fresh])
    database.insert("signing_pending", _PENDING, [_pending_row(s) for s in fresh])
    links = [(s.token_hash, signed[_key(s)], s.petition_id, s.mailbox) for s in already]
    database.insert("signing_access", ACCESS, links)
    emails = [_email_row(s, CONFIRM_SIGNATURE) for s in fresh] + [
        _email_row(s, ALREADY_SIGNED) for s in already
    ]
    store(database, emails)
    _write_and_delete_again(
        database, [s for s, o in zip(signs, outcomes, strict=True) if o is Outcome.IGNORED]
    )
    return outcomes


def _write_and_delete_again(database: Database, ignored: list[Sign]) -> None:
    """Insert and delete ignored rows in the same commit, so that timing does not reveal that they are not kept."""
    database.insert("signing_sealed", _SEALED, [(s.sealed_id, s.petition_id, s.sealed) for s in ignored])
    database.insert("signing_pending", _PENDING, [_pending_row(s) for s in ignored])
    emails = [_email_row(s, CONFIRM_SIGNATURE) for s in ignored]
    store(database, emails)
    delete(database, "signing_sealed", "id", [s.sealed_id for s in ignored])
    delete(database, "signing_pending", "token_hash", [s.token_hash for s in ignored])
    delete_again(database, emails)


def _judge(database: Database, signs: list[Sign]) -> list[Outcome]:
    """Decide from the committed state whether each may be stored."""
    known = petitions(database, {s.petition_id for s in signs})
    suppressed = _suppressed(database, signs)
    waiting = _pending_per_tag(database, signs)
    outcomes: list[Outcome] = []
    for s in signs:
        petition = known.get(s.petition_id)
        full = s.dedupe_tag is not None and waiting[_key(s)] >= PENDING_PER_TAG
        if petition is None or petition.state != "open":
            outcomes.append(Outcome.NOT_OPEN)
        elif (petition.version_id, petition.pepper_epoch) != (s.version_id, s.pepper_epoch):
            outcomes.append(Outcome.STALE)
        elif s.quota_used or s.suppression in suppressed or full:
            outcomes.append(Outcome.IGNORED)
        else:
            outcomes.append(Outcome.DONE)
            waiting[_key(s)] += 1
    return outcomes


def _pending_row(s: Sign) -> Row:
    return (
        s.token_hash, s.petition_id, s.version_id, s.pepper_epoch, s.dedupe_tag, s.commitment, s.w,
        s.sealed_id, s.pending_payload, s.mailbox, s.held, s.expires,
    )  # fmt: skip


def _email_row(s: Sign, kind: int) -> Row:
    return email_row(s.email_id, s.petition_id, kind, s.mail_key, s.email_body, s.network)


def _suppressed(database: Database, signs: list[Sign]) -> set[bytes]:
    where, params = database.among("hash", [s.suppression for s in signs])
    return {
        bytes(row[0]) for row in database.query(f"SELECT hash FROM signing_suppression WHERE {where}", params)
    }


def _pending_per_tag(database: Database, signs: list[Sign]) -> dict[Key, int]:
    counts: dict[Key, int] = defaultdict(int)
    for (petition_id, epoch), tags in by_epoch(map(_key, signs)).items():
        where, params = database.among("dedupe_tag", tags)
        sql = (
            "SELECT dedupe_tag, COUNT(*) FROM signing_pending"
            f" WHERE petition_id = ? AND pepper_epoch = ? AND {where} GROUP BY dedupe_tag"
        )
        for tag, n in database.query(sql, [petition_id, epoch, *params]):
            counts[petition_id, epoch, bytes(tag)] = n
    return counts


def _key(s: Sign) -> Key:
    return s.petition_id, s.pepper_epoch, s.dedupe_tag
