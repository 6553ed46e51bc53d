"""Not me and withdraw: what was typed goes, and with it every link."""

from sabal import suppression
from sabal.database import Database
from sabal.newsletter.subscription import end_updates
from sabal.signing.operations import NotMe, Outcome, Withdraw
from sabal.signing.record import open_mailbox
from sabal.signing.writer.rows import Link, delete, links, locked, pending_with_mates
from sabal.suppression import Suppressed

WITHDRAWN = 1  # the reason in docs/log-format.md


def not_me(database: Database, answers: list[NotMe]) -> list[Outcome]:
    """Forget every pending signature of the mailbox, and remember that it wants no letter for this petition."""
    known = {row.token_hash: row for row in pending_with_mates(database, [a.token_hash for a in answers])}
    meant = [a for a in answers if a.token_hash in known]
    wishes = [(a.suppression, a.petition_id) for a in meant]
    database.insert("signing_suppression", ("hash", "petition_id"), wishes, ignore=True)
    own, keys = {a.token_hash for a in meant}, {known[a.token_hash].key for a in meant}
    gone = [row for row in known.values() if row.token_hash in own or (row.tag and row.key in keys)]
    delete(database, "signing_sealed", "id", [row.sealed_id for row in gone])
    delete(database, "signing_pending", "token_hash", [row.token_hash for row in gone])
    # Before the commit: remembered twice does no harm, forgotten once would. One flush, for other writers wait.
    suppression.append([Suppressed(suppression.NOT_ME, *wish) for wish in wishes])
    return [Outcome.DONE if a.token_hash in known else Outcome.GONE for a in answers]


def withdraw(database: Database, clicks: list[Withdraw]) -> list[Outcome]:
    """Erase the signatures that these links lead to, and end the updates that were ticked with them."""
    found = links(database, [click.token_hash for click in clicks])
    erase_signatures(database, sorted({link.owner for link in found.values()}), WITHDRAWN)
    known = [click for click in clicks if click.token_hash in found]
    end_updates(database, [m for click in known for m in _mailbox(click, found[click.token_hash])])
    return [Outcome.DONE if click.token_hash in found else Outcome.GONE for click in clicks]


def _mailbox(click: Withdraw, link: Link) -> list[tuple[int, bytes]]:
    """The petition and the list hash of the link's mailbox; nothing where it does not open: withdrawing goes before."""
    if not link.mailbox:
        return []
    try:
        return [(link.petition_id, open_mailbox(click.token, link.mailbox))]
    except ValueError:
        return []


def erase_signatures(database: Database, owners: list[bytes], reason: int) -> int:
    """Delete record, tag, w and every token hash of these signatures; C and its reason stay. Returns how many."""
    if not owners:
        return 0
    where, params = database.among("token_hash", owners)
    columns = "commitment, petition_id, version_id, state, country, language, sealed_id"
    # Deleted and read at once: a batch that counts it at this moment on PostgreSQL is waited for, and its state seen.
    rows = database.query(
        f"DELETE FROM signing_signature WHERE {locked(database, 'signing_signature', where)} RETURNING {columns}",
        params,
    )
    database.insert(
        "signing_withdrawal",
        ("commitment", "petition_id", "version_id", "state", "reason", "country", "language"),
        [(bytes(r[0]), r[1], r[2], r[3], reason, r[4], r[5]) for r in rows],
        ignore=True,
    )
    delete(database, "signing_sealed", "id", [r[6] for r in rows])
    where, params = database.among("signature_hash", owners)
    database.execute(f"DELETE FROM signing_access WHERE {locked(database, 'signing_access', where)}", params)
    return len(rows)
