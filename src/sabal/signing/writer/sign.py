"""Sign: a pending row, its sealed record and its letter; kept or not by what is committed at this moment."""

from collections import defaultdict

from sabal.database import Database, Row
from sabal.mail.ids import ALREADY_LETTER, CONFIRM_LETTER
from sabal.mail.row import letter_row, store, strike_out
from sabal.signing.operations import Outcome, Sign
from sabal.signing.writer.rows import ACCESS, Key, by_era, delete, owners, petitions

PENDING_PER_TAG = 3

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
    "mailbox",
    "held",
    "expires",
)
_SEALED = ("id", "petition_id", "body")


def sign(database: Database, signs: list[Sign]) -> list[Outcome]:
    """Store what may be stored, with its letter; a mailbox that signed before gets a link to its signature."""
    # Locked: nobody may withdraw it before this link leads to it.
    signed = owners(database, [_key(s) for s in signs if s.says_already], database.for_key_share)
    outcomes = _judge(database, signs)
    taken = [s for s, outcome in zip(signs, outcomes, strict=True) if outcome is Outcome.DONE]
    already = [s for s in taken if _key(s) in signed]
    fresh = [s for s in taken if _key(s) not in signed]
    database.insert("signing_sealed", _SEALED, [(s.sealed_id, s.petition_id, s.sealed) for s in fresh])
    database.insert("signing_pending", _PENDING, [_pending_row(s) for s in fresh])
    links = [(s.token_hash, signed[_key(s)], s.petition_id, s.mailbox) for s in already]
    database.insert("signing_access", ACCESS, links)
    letters = [_letter_row(s, CONFIRM_LETTER) for s in fresh] + [
        _letter_row(s, ALREADY_LETTER) for s in already
    ]
    store(database, letters)
    _write_and_strike_out(database, [s for s, o in zip(signs, outcomes, strict=True) if o is Outcome.IGNORED])
    return outcomes


def _write_and_strike_out(database: Database, ignored: list[Sign]) -> None:
    """Write what is not kept, and delete it: a commit without it would be quicker, and a clock would tell."""
    database.insert("signing_sealed", _SEALED, [(s.sealed_id, s.petition_id, s.sealed) for s in ignored])
    database.insert("signing_pending", _PENDING, [_pending_row(s) for s in ignored])
    letters = [_letter_row(s, CONFIRM_LETTER) for s in ignored]
    store(database, letters)
    delete(database, "signing_sealed", "id", [s.sealed_id for s in ignored])
    delete(database, "signing_pending", "token_hash", [s.token_hash for s in ignored])
    strike_out(database, letters)


def _judge(database: Database, signs: list[Sign]) -> list[Outcome]:
    """Whether each may be stored, by what is committed at this moment."""
    known = petitions(database, {s.petition_id for s in signs})
    suppressed = _suppressed(database, signs)
    waiting = _pending_per_tag(database, signs)
    outcomes: list[Outcome] = []
    for s in signs:
        petition = known.get(s.petition_id)
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
        s.sealed_id, s.carry, s.mailbox, s.held, s.expires,
    )  # fmt: skip


def _letter_row(s: Sign, kind: int) -> Row:
    return letter_row(s.letter_id, s.petition_id, kind, s.mail_key, s.letter, s.network)


def _suppressed(database: Database, signs: list[Sign]) -> set[bytes]:
    where, params = database.among("hash", [s.suppression for s in signs])
    return {
        bytes(row[0]) for row in database.query(f"SELECT hash FROM signing_suppression WHERE {where}", params)
    }


def _pending_per_tag(database: Database, signs: list[Sign]) -> dict[Key, int]:
    counts: dict[Key, int] = defaultdict(int)
    for (petition_id, era), tags in by_era(map(_key, signs)).items():
        where, params = database.among("tag", tags)
        sql = f"SELECT tag, COUNT(*) FROM signing_pending WHERE petition_id = ? AND era = ? AND {where} GROUP BY tag"
        for tag, n in database.query(sql, [petition_id, era, *params]):
            counts[petition_id, era, bytes(tag)] = n
    return counts


def _key(s: Sign) -> Key:
    return s.petition_id, s.era, s.tag
