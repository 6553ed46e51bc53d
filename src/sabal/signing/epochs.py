"""Epochs: a pepper and its tags live for one, then both are destroyed, and nobody can test an address of that time."""

from sabal.database import Database
from sabal.keys.keystore import KeyStore, pepper_name
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.rows import delete, locked, owners

CHUNK = 200
_ANY_TAG = b""
_WHENEVER = 1 << 30  # a day that no clock shows


def renew_epoch(database: Database, keystore: KeyStore, petition: PetitionSnapshot, today: int) -> bool:
    """Begin a new epoch where the profile's days are over: a new pepper, and the old one destroyed with its tags."""
    epoch_days = petition.profile.epoch_days
    if (
        epoch_days is None
        or petition.state not in ("open", "paused")
        or petition.definition.dedupe == "offline"
    ):
        return False
    return _begin(database, keystore, petition, today, began_by=today - epoch_days)


def renew_pepper(database: Database, keystore: KeyStore, petition: PetitionSnapshot, today: int) -> bool:
    """Begin a new epoch at once, by command: after a pepper was lost. Duplicates across the break are found offline.

    False where another process has begun one meanwhile.
    """
    return _begin(database, keystore, petition, today, began_by=_WHENEVER)


def _begin(
    database: Database, keystore: KeyStore, petition: PetitionSnapshot, today: int, *, began_by: int
) -> bool:
    """Begin the next epoch where this one began by that day (since 1970); whether it was begun now.

    The petition's row moves first, with a revision, so that every process signs under the new pepper from its next
    look on; what still arrives under the old epoch is refused inside the commit and signed again by its sender.
    """
    with database.transaction():
        moved = database.execute(
            "UPDATE petitions_petition SET pepper_epoch = ?, pepper_epoch_since = ?, revision = revision + 1"
            " WHERE id = ? AND pepper_epoch = ? AND pepper_epoch_since <= ?",
            (petition.pepper_epoch + 1, today, petition.id, petition.pepper_epoch, began_by),
        )
        if moved:
            keystore.make(database, pepper_name(petition.id, petition.pepper_epoch + 1))
    if moved:
        forget_epoch(database, keystore, petition.id, petition.pepper_epoch)
    return bool(moved)


def forget_old_epochs(database: Database, keystore: KeyStore, petition: PetitionSnapshot) -> int:
    """Destroy what a crash between a new epoch and the end of the old one left; returns how many epochs.

    And tags without a pepper: a signature that was judged in its epoch may be committed after the epoch was forgotten.
    """
    names = database.query("SELECT name FROM keys_key WHERE name LIKE ?", (f"pepper/{petition.id}/%",))
    peppers = {int(name.rsplit("/", 1)[1]) for (name,) in names}
    old = [
        epoch
        for epoch in range(petition.pepper_epoch)
        if epoch in peppers or _has_tags(database, petition.id, epoch)
    ]
    for epoch in old:
        forget_epoch(database, keystore, petition.id, epoch)
    return len(old)


def forget_epoch(database: Database, keystore: KeyStore, petition_id: int, epoch: int) -> None:
    """Take an epoch's tags out of every row, and destroy its pepper last: its row says that there is work left to do.

    Pending rows go first, while a tag still tells which of them are one mailbox's: without it each would count.
    """
    while _settle_pending(database, petition_id, epoch):
        pass
    while True:
        with database.transaction():
            rows = database.query(_tagged("signing_signature"), (petition_id, epoch, _ANY_TAG))
            if rows:
                # Locked in the order in which clicks of these mailboxes lock them.
                where, params = database.among("token_hash", [bytes(row[0]) for row in rows])
                chosen = locked(database, "signing_signature", where)
                database.execute(f"UPDATE signing_signature SET dedupe_tag = NULL WHERE {chosen}", params)
        if len(rows) < CHUNK:
            break
    keystore.destroy(database, pepper_name(petition_id, epoch))


def _settle_pending(database: Database, petition_id: int, epoch: int) -> bool:
    """Make one transaction's pending rows one for each mailbox, without its tag; whether more may be left.

    The one that expires last stays, whether its mailbox has signed or not: the click alone may tell, and finds whose it
    is. A click at this moment holds its row: it is waited for, and its signature seen.
    """
    with database.transaction():
        found = database.query(_tagged("signing_pending"), (petition_id, epoch, _ANY_TAG))
        full = len(found) == CHUNK
        if full and found[0][1] != found[-1][1]:  # the last mailbox's rows may go on behind the limit
            found = [row for row in found if row[1] != found[-1][1]]
        if not found:
            return False
        where, params = database.among("token_hash", [bytes(row[0]) for row in found])
        rows = database.query(
            f"SELECT token_hash, dedupe_tag, sealed_id, mailbox, expires FROM signing_pending WHERE {where}"
            f" AND dedupe_tag IS NOT NULL ORDER BY token_hash{database.for_update}",
            params,
        )
        signed = owners(database, {(petition_id, epoch, bytes(row[1])) for row in rows})
        last = {row[1]: row for row in sorted(rows, key=lambda row: (row[4], row[0]))}
        over = [row for row in rows if last[row[1]] is not row]
        delete(database, "signing_pending", "token_hash", [row[0] for row in over])
        delete(database, "signing_sealed", "id", [row[2] for row in over])
        for tag, row in last.items():
            database.execute(
                "UPDATE signing_pending SET dedupe_tag = NULL, owner = ? WHERE token_hash = ?",
                (signed.get((petition_id, epoch, bytes(tag))), row[0]),
            )
    return full


def _has_tags(database: Database, petition_id: int, epoch: int) -> bool:
    return any(
        database.query(_tagged(table), (petition_id, epoch, _ANY_TAG))
        for table in ("signing_pending", "signing_signature")
    )


def _tagged(table: str) -> str:
    """By the index of tags alone, past the rows that have none: `IS NOT NULL` would have SQLite read all of those."""
    some = f"petition_id = ? AND pepper_epoch = ? AND dedupe_tag >= ? ORDER BY dedupe_tag LIMIT {CHUNK}"
    return f"SELECT token_hash, dedupe_tag FROM {table} WHERE {some}"
