"""Not me and withdraw: delete what was typed, and every link to it."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable

from sabal import erasure_journal
from sabal.database import Database
from sabal.erasure_journal import Erasure
from sabal.newsletter.leaving import end_updates
from sabal.signing.operations import NotMe, Outcome, Withdraw
from sabal.signing.pending_payload import open_mailbox
from sabal.signing.writer.log_index import release
from sabal.signing.writer.rows import Link, delete, links, locked, pending_of_same_mailboxes
from sabal.token import late

WITHDRAWN = erasure_journal.ERASED[erasure_journal.WITHDRAWN]
_WITHDRAWAL = ("commitment", "petition_id", "version_id", "reason")
TRIES = 3
_KINDS = {reason: kind for kind, reason in erasure_journal.ERASED.items()}


def not_me(database: Database, answers: list[NotMe]) -> list[Outcome]:
    """Delete every pending signature of the address, and store that it wants no email for this petition."""
    known = {
        row.token_hash: row for row in pending_of_same_mailboxes(database, [a.token_hash for a in answers])
    }
    meant = [a for a in answers if a.token_hash in known]
    wishes = [(a.suppression, a.petition_id) for a in meant]
    database.insert("signing_suppression", ("hash", "petition_id"), wishes, ignore=True)
    own, keys = {a.token_hash for a in meant}, {known[a.token_hash].key for a in meant}
    gone = [row for row in known.values() if row.token_hash in own or (row.dedupe_tag and row.key in keys)]
    delete(database, "signing_sealed", "id", [row.sealed_id for row in gone])
    delete(database, "signing_pending", "token_hash", [row.token_hash for row in gone])
    # Append before the commit: a wish that is stored twice does no harm, a lost one would. Flush once for all, because
    # other writers wait.
    erasure_journal.append([Erasure(erasure_journal.NOT_ME, *wish) for wish in wishes])
    return [Outcome.DONE if a.token_hash in known else Outcome.GONE for a in answers]


def withdraw(database: Database, clicks: list[Withdraw]) -> list[Outcome]:
    """Erase the signatures of these links, and end the updates that were ticked with them."""
    hashes = [(click.token_hash, late(click.token_hash)) for click in clicks]
    by_hash = links(database, [one for both in hashes for one in both])
    found = {plain: by_hash[one] for plain, other in hashes for one in (plain, other) if one in by_hash}
    owners = {link.owner for link in found.values()}
    for _ in range(TRIES):
        erase_signatures(database, sorted(owners), WITHDRAWN)
        # If the links of a signature became late between the two queries, it is here under its new hash.
        owners = {link.owner for link in links(database, [one for both in hashes for one in both]).values()}
        if not owners:
            break
    known = [click for click in clicks if click.token_hash in found]
    end_updates(database, [m for click in known for m in _mailbox(click, found[click.token_hash])])
    return [Outcome.DONE if click.token_hash in found else Outcome.GONE for click in clicks]


def _mailbox(click: Withdraw, link: Link) -> list[tuple[int, bytes]]:
    """Return the petition and the list hash of the link's address; an empty list if it does not open.

    The withdrawal must succeed in any case.
    """
    if not link.mailbox:
        return []
    try:
        return [(link.petition_id, open_mailbox(click.token, link.mailbox))]
    except ValueError:
        return []


def erase_signatures(database: Database, owners: list[bytes], reason: int) -> int:
    """Delete record, tag, w and every token hash of these signatures, and return their number.

    The commitment and the reason stay.
    """
    return len(erase_owned(database, owners, reason))


def erase_owned(database: Database, owners: list[bytes], reason: int) -> set[bytes]:
    """Erase the signatures of these token hashes, and return the commitments of those that were here."""
    erased = _erase(database, "token_hash", owners, reason)
    # Append before the commit. After a crash between the two, a restore erases what was to be erased anyway. In the
    # other order, a restore would bring back signatures that the signer was told are gone.
    erasure_journal.append([Erasure(_KINDS[reason], c, petition_id) for c, petition_id in sorted(erased)])
    return {c for c, _ in erased}


def erase_again(database: Database, commitments: list[bytes], reason: int) -> dict[int, int]:
    """Erase signatures that were erased after the restored backup was made; return the number by petition."""
    return Counter(petition_id for _, petition_id in _erase(database, "commitment", commitments, reason))


def record_withdrawals(
    database: Database, petition_id: int, version_id: int, commitments: Iterable[bytes], reason: int
) -> None:
    """Store withdrawals of sign entries whose record is not here, so that the next batch revokes them."""
    database.insert(
        "signing_withdrawal",
        _WITHDRAWAL,
        [(commitment, petition_id, version_id, reason) for commitment in commitments],
        ignore=True,
    )


def erase_entries(
    database: Database, commitments: list[bytes], reason: int, known: Container[bytes] = ()
) -> set[bytes]:
    """Erase the signatures of these entries of the log, and return the commitments that were here.

    Erasures are appended to the erasure journal, except those in `known`, which are there already.
    """
    erased = _erase(database, "commitment", commitments, reason)
    new = [Erasure(_KINDS[reason], c, petition_id) for c, petition_id in sorted(erased) if c not in known]
    erasure_journal.append(new)
    return {c for c, _ in erased}


def _erase(database: Database, column: str, values: list[bytes], reason: int) -> list[tuple[bytes, int]]:
    if not values:
        return []
    where, params = database.among(column, values)
    rows = database.query(
        f"DELETE FROM signing_signature WHERE {locked(database, 'signing_signature', where)}"
        " RETURNING commitment, petition_id, version_id, sealed_id, token_hash",
        params,
    )
    database.insert(
        "signing_withdrawal",
        _WITHDRAWAL,
        [(bytes(r[0]), r[1], r[2], reason) for r in rows],
        ignore=True,
    )
    delete(database, "signing_sealed", "id", [r[3] for r in rows])
    where, params = database.among("signature_hash", [bytes(r[4]) for r in rows])
    database.execute(f"DELETE FROM signing_access WHERE {locked(database, 'signing_access', where)}", params)
    _release(database, [(r[1], bytes(r[0])) for r in rows])
    return [(bytes(r[0]), r[1]) for r in rows]


def _release(database: Database, erased: list[tuple[int, bytes]]) -> None:
    """Release erased signatures that were held, so that they enter the log with the next batch.

    Nobody can review them any more, because no record is left.
    """
    by_petition: dict[int, list[bytes]] = defaultdict(list)
    for petition_id, commitment in sorted(erased):
        by_petition[petition_id].append(commitment)
    for petition_id, commitments in by_petition.items():
        release(database, petition_id, *database.among("commitment", commitments))
