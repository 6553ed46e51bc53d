"""Confirm: turn a pending row into a signature. An address's first click makes it; later clicks link to it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sabal.database import Database, Row
from sabal.keys.keyring import Keyring
from sabal.mail.address import EmailAddress
from sabal.newsletter import consent
from sabal.newsletter.lists import MailingList
from sabal.newsletter.subscription import (
    ASKED_HERE,
    WITH_SIGNATURE,
    Subscription,
    confirm_with_signature,
    subscription,
)
from sabal.petitions.profile import GRACE_DAYS
from sabal.petitions.snapshots import Snapshots
from sabal.signing.buckets import Buckets, bucket_of
from sabal.signing.operations import Confirm, Outcome
from sabal.signing.pending_payload import PendingPayload
from sabal.signing.sign import NotReady
from sabal.signing.writer.find import is_late
from sabal.signing.writer.rows import (
    ACCESS,
    Key,
    Pending,
    PetitionRow,
    by_epoch,
    delete,
    links,
    locked,
    owners,
    pending,
    petitions,
)

TRIES = 5  # how often an address may sign and withdraw in other processes during one of our commits
HELD_DAYS = 7  # a held signature counts after this long at the latest

_SIGNATURE = (
    "token_hash", "petition_id", "version_id", "pepper_epoch", "dedupe_tag", "commitment", "w", "sealed_id",
    "display", "mailbox",
)  # fmt: skip
_WAITING = ("petition_id", "commitment", "held", "held_until", "bucket")


class Crowded(Exception):
    """A signature could neither be made nor found. Nothing is stored, and the signer is asked to try again."""


@dataclass(frozen=True, slots=True)
class SameMailbox:
    """A pending row of an address that confirms. It becomes a link to the signature, or the signature itself."""

    key: Key
    sealed_id: int
    mailbox: bytes


def confirm(
    database: Database, clicks: list[Confirm], snapshots: Snapshots, keyring: Keyring
) -> list[Outcome]:
    """Confirm the pending signatures of these clicks. A click on a confirmed signature gets the same answer.

    Raises NotReady if a subscription needs a key or a petition that is missing.
    """
    asked = {click.token_hash: click for click in clicks}
    waiting = pending(database, list(asked))
    states = petitions(database, {row.petition_id for row in waiting})
    eligible = [
        row for row in waiting if _may_confirm(states.get(row.petition_id), asked[row.token_hash].today)
    ]
    opened = {
        row.token_hash: PendingPayload.open(asked[row.token_hash].token, row.pending_payload)
        for row in eligible
    }
    subscriptions = [
        s
        for row in eligible
        for s in _subscriptions(row, opened[row.token_hash], snapshots, keyring, asked[row.token_hash].today)
    ]
    eligible = _link_to_owners(database, eligible)
    # In the order of the unique index, so that two processes cannot deadlock.
    eligible.sort(key=lambda row: (row.petition_id, row.pepper_epoch, row.dedupe_tag or b"", row.token_hash))
    rows = [_signature_row(row, opened[row.token_hash]) for row in eligible]
    owner = _insert_signatures(database, {row.token_hash: row.key for row in eligible}, rows)
    made = [row for row in eligible if owner.get(row.key, row.token_hash) == row.token_hash]
    sealing = {i: Buckets(p.bucket_key) for i in states if (p := snapshots.by_id(i))}
    waits = [
        _waiting_row(row, opened[row.token_hash], asked[row.token_hash].today, sealing.get(row.petition_id))
        for row in made
    ]
    database.insert("signing_waiting", _WAITING, waits)
    _gather_same_mailbox(database, eligible, owner)
    confirm_with_signature(database, subscriptions)
    others = [click for click in clicks if click.token_hash not in opened]
    valid = opened.keys() | _confirmed_before(database, others, snapshots)
    return [Outcome.DONE if c.token_hash in valid else Outcome.GONE for c in clicks]


def confirm_again(database: Database, petition_id: int, commitments: list[bytes]) -> set[bytes]:
    """Make signatures of pending rows that are in the log already, and return their commitments.

    This happens if the database is older than the log. The signatures wait for no batch. Their public name and country
    stay empty, because only the links open them.
    """
    where, params = database.among("commitment", commitments)
    where = locked(database, "signing_pending", f"petition_id = ? AND {where}")
    rows = database.query(
        f"DELETE FROM signing_pending WHERE {where}"
        " RETURNING token_hash, petition_id, version_id, pepper_epoch, dedupe_tag, commitment, w, sealed_id,"
        " NULL, mailbox",
        [petition_id, *params],
    )
    database.insert("signing_signature", _SIGNATURE, rows, ignore=True)
    where, params = database.among("token_hash", [row[0] for row in rows])
    made = {
        bytes(t) for (t,) in database.query(f"SELECT token_hash FROM signing_signature WHERE {where}", params)
    }
    delete(database, "signing_sealed", "id", [row[7] for row in rows if bytes(row[0]) not in made])
    return {bytes(row[5]) for row in rows if bytes(row[0]) in made}


def _link_to_owners(database: Database, eligible: list[Pending]) -> list[Pending]:
    """Link rows to the signature that their address made in an earlier epoch, and return the other rows.

    A signature that was withdrawn meanwhile gets no links.
    """
    owned = [row for row in eligible if row.owner]
    if not owned:
        return eligible
    where, params = database.among("token_hash", sorted({row.owner for row in owned if row.owner}))
    existing = {
        bytes(found[0])
        for found in database.query(
            f"SELECT token_hash FROM signing_signature WHERE {where} ORDER BY token_hash{database.for_key_share}",
            params,
        )
    }
    linked = [row for row in owned if row.owner in existing]
    access = [(row.token_hash, row.owner, row.petition_id, row.mailbox) for row in linked]
    database.insert("signing_access", ACCESS, access, ignore=True)
    delete(database, "signing_sealed", "id", [row.sealed_id for row in linked])
    delete(database, "signing_pending", "token_hash", [row.token_hash for row in linked])
    return [row for row in eligible if row not in linked]


def _may_confirm(petition: PetitionRow | None, today: int) -> bool:
    if petition is None or petition.state in ("draft", "finalised"):
        return False
    return (
        petition.state != "closed" or petition.closed_on is None or today <= petition.closed_on + GRACE_DAYS
    )


def _subscriptions(
    row: Pending, opened: PendingPayload, snapshots: Snapshots, keyring: Keyring, today: int
) -> list[Subscription]:
    """Return the subscriptions that were ticked at signing.

    The day is kept with the newsletter of an open petition alone: elsewhere it would tell when somebody signed. With
    those of a guarded petition it is not kept that a signature came along: the subscriber's own page would tell it.

    If the names of those responsible have changed since then, the signer agreed to another sentence than the present
    one. Then there is no subscription: nobody is given to an organisation that they did not choose.
    """
    if not opened.subscribe:
        return []
    petition, key = snapshots.by_id(row.petition_id), keyring.subscribers
    if petition is None or key is None:
        raise NotReady
    address = EmailAddress.stored(opened.address)
    lists = {
        "updates": MailingList(petition.organisation, petition.id),
        "newsletter": MailingList(petition.organisation),
    }
    sentences = {box: consent.sentence(box, petition.definition, opened.language) for box in opened.subscribe}
    return [
        subscription(
            key,
            lists[box],
            address,
            opened.language,
            sentence,
            since=None if petition.profile.guarded or box == "updates" else today,
            origin=ASKED_HERE if petition.profile.guarded else WITH_SIGNATURE,
        )
        for box, sentence in sentences.items()
        if consent.version(sentence) == opened.subscribe[box]
    ]


def _signature_row(row: Pending, opened: PendingPayload) -> Row:
    return (
        row.token_hash, row.petition_id, row.version_id, row.pepper_epoch, row.dedupe_tag, row.commitment, row.w,
        row.sealed_id, opened.display or None, row.mailbox,
    )  # fmt: skip


def _waiting_row(row: Pending, opened: PendingPayload, today: int, buckets: Buckets | None) -> Row:
    until = today + HELD_DAYS if row.held else None
    # Without the key it is counted as not known. Nobody is refused for the sake of a statistic.
    sealed = buckets and buckets.seal_waiting(row.commitment, bucket_of(opened.country, opened.language))
    return row.petition_id, row.commitment, row.held, until, sealed


def _insert_signatures(database: Database, keys: dict[bytes, Key], rows: list[Row]) -> dict[Key, bytes]:
    """Insert signatures, and return the token hash that owns each key. A signature without a tag owns none.

    If a key has another signature, lock it, so that it cannot be withdrawn before this link leads to it. If that one
    was withdrawn between our insert and our query, the key is free again: insert again.
    """
    owner: dict[Key, bytes] = {}
    for _ in range(TRIES):
        if database.insert("signing_signature", _SIGNATURE, rows, ignore=True) == len(rows):
            return owner | {keys[row[0]]: row[0] for row in rows if keys[row[0]][2] is not None}
        tagged = sorted({key for key in keys.values() if key[2] is not None})
        owner = owners(database, tagged, database.for_key_share)
        rows = [row for row in rows if keys[row[0]][2] is not None and keys[row[0]] not in owner]
        if not rows:
            return owner
    raise Crowded


def _gather_same_mailbox(database: Database, eligible: list[Pending], owner: dict[Key, bytes]) -> None:
    """Delete every pending row of these addresses, and link its token to the address's one signature."""
    same_mailbox = {row.token_hash: SameMailbox(row.key, row.sealed_id, row.mailbox) for row in eligible}
    same_mailbox |= _delete_pending(database, {row.key for row in eligible})
    delete(
        database,
        "signing_pending",
        "token_hash",
        [row.token_hash for row in eligible if row.dedupe_tag is None],
    )
    duplicates = {t: row for t, row in sorted(same_mailbox.items()) if owner.get(row.key, t) != t}
    if not duplicates:
        return  # usually each is the first and only one of its address
    access = [(t, owner[row.key], row.key[0], row.mailbox) for t, row in duplicates.items()]
    database.insert("signing_access", ACCESS, access, ignore=True)
    delete(database, "signing_sealed", "id", [row.sealed_id for row in duplicates.values()])


def _delete_pending(database: Database, keys: Iterable[Key]) -> dict[bytes, SameMailbox]:
    """Delete the pending rows of these addresses, and return them by token hash.

    Skip a row that another process is confirming at this moment. That process may wait for our signature under the
    unique index, so waiting for its row would be a deadlock.
    """
    taken: dict[bytes, SameMailbox] = {}
    for (petition_id, epoch), tags in by_epoch(keys).items():
        where, params = database.among("dedupe_tag", tags)
        inner = (
            f"SELECT token_hash FROM signing_pending WHERE petition_id = ? AND pepper_epoch = ? AND {where}"
        )
        for token_hash, tag, sealed_id, mailbox in database.query(
            f"DELETE FROM signing_pending WHERE token_hash IN ({inner}{database.for_update_of_free})"
            " RETURNING token_hash, dedupe_tag, sealed_id, mailbox",
            [petition_id, epoch, *params],
        ):
            taken[bytes(token_hash)] = SameMailbox(
                (petition_id, epoch, bytes(tag)), sealed_id, bytes(mailbox)
            )
    return taken


def _confirmed_before(database: Database, clicks: list[Confirm], snapshots: Snapshots) -> set[bytes]:
    """Return the token hashes of clicks whose link leads to a confirmed signature and still shows it."""
    found = links(database, [click.token_hash for click in clicks])
    return {
        click.token_hash
        for click in clicks
        if (link := found.get(click.token_hash))
        and not is_late(snapshots.by_id(link.petition_id), link.counted_on, click.today)
    }
