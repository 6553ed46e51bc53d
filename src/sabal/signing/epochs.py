"""Epochs: a pepper and its tags are destroyed at the end of their epoch, so that no address can be tested later."""

from sabal.database import Database
from sabal.keys.keystore import KeyStore, pepper_name
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.rows import delete, locked, owners

CHUNK = 200
_ANY_TAG = b""
_ANY_DAY = 1 << 30  # later than any real day


def renew_epoch(database: Database, keystore: KeyStore, petition: PetitionSnapshot, today: int) -> bool:
    """Begin a new epoch if the profile's days are over, and return whether it was begun.

    Make a new pepper, and destroy the old one with its tags.
    """
    epoch_days = petition.profile.epoch_days
    if (
        epoch_days is None
        or petition.state not in ("open", "paused")
        or petition.definition.dedupe == "offline"
    ):
        return False
    return _begin(database, keystore, petition, today, began_by=today - epoch_days)


def renew_pepper(database: Database, keystore: KeyStore, petition: PetitionSnapshot, today: int) -> bool:
    """Begin a new epoch at once, after a pepper was lost. Duplicates across the two epochs are found offline.

    Return False if another process has begun one meanwhile.
    """
    return _begin(database, keystore, petition, today, began_by=_ANY_DAY)


def _begin(
    database: Database, keystore: KeyStore, petition: PetitionSnapshot, today: int, *, began_by: int
) -> bool:
    """Begin the next epoch if this one began on or before the day `began_by`; return whether it was begun now.

    `today` and `began_by` are in days since 1970. The petition's row changes first, with its revision, so that every
    process uses the new pepper after its next refresh. A signature that still arrives under the old epoch is refused
    inside the commit, and its sender signs again.
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
    """Destroy the peppers and tags of old epochs, and return the number of epochs that had any.

    A crash between the start of the new epoch and the end of the old one leaves both. Tags without a pepper are also
    possible: a signature that was checked in its epoch may be committed after the epoch was forgotten.
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
    """Remove an epoch's tags from every row, then destroy its pepper.

    The pepper is destroyed last, because its row shows that work is left. Pending rows come first, while their tags
    still show which of them belong to one address. Without the tag each of them would count.
    """
    while _settle_pending(database, petition_id, epoch):
        pass
    while True:
        with database.transaction():
            rows = database.query(_tagged("signing_signature"), (petition_id, epoch, _ANY_TAG))
            if rows:
                # Lock the rows in the same order in which clicks lock them.
                where, params = database.among("token_hash", [bytes(row[0]) for row in rows])
                chosen = locked(database, "signing_signature", where)
                database.execute(f"UPDATE signing_signature SET dedupe_tag = NULL WHERE {chosen}", params)
        if len(rows) < CHUNK:
            break
    keystore.destroy(database, pepper_name(petition_id, epoch))


def _settle_pending(database: Database, petition_id: int, epoch: int) -> bool:
    """Keep one pending row for each address, without its tag, in one transaction; return whether more may be left.

    The row that expires last stays, whether the address has signed or not. Its `owner` points to the signature of the
    address if there is one; only the click may reveal that. A click that runs at this moment has locked its row: this
    transaction waits for it, and then sees its signature.
    """
    with database.transaction():
        found = database.query(_tagged("signing_pending"), (petition_id, epoch, _ANY_TAG))
        full = len(found) == CHUNK
        if full and found[0][1] != found[-1][1]:  # rows of the last tag may follow after the limit
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
    """Return a query for rows with a tag.

    It uses the index of tags and skips rows without one. With `IS NOT NULL`, SQLite would read all rows without a tag.
    """
    some = f"petition_id = ? AND pepper_epoch = ? AND dedupe_tag >= ? ORDER BY dedupe_tag LIMIT {CHUNK}"
    return f"SELECT token_hash, dedupe_tag FROM {table} WHERE {some}"
