"""Queue the invitations of the lists that were begun, a part at a time, so that they never crowd other emails out.

The worker calls it between two rounds of sending. A crash before the commit leaves the part as it was, for the next
time. After it the part is gone, and its emails are in the outbox. No Django here.
"""

import hmac
import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from sabal import days, erasure_journal
from sabal.database import Database, Row
from sabal.elsewhere import sealing
from sabal.erasure_journal import Erasure
from sabal.keys.keyring import SUBSCRIBERS
from sabal.keys.keystore import KeyStore, mail_key_name
from sabal.mail.address import EmailAddress
from sabal.mail.ids import INVITATION, SLOW, email_id
from sabal.mail.row import Origin, email_row, seal_body, store
from sabal.newsletter import suppression
from sabal.newsletter.subscription import address_hash
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.refusal import Refusal

PART = 50  # addresses
PER_HOUR = 1_000  # invitations of one list
PAUSE = PART * 3_600 // PER_HOUR  # seconds between two parts
_DUE = (
    "SELECT id, next_at, petition_id, organisation, platform, title, language FROM elsewhere_invitationlist"
    " WHERE started_at IS NOT NULL AND ended_at IS NULL AND (next_at <= ? OR next_at > ?) ORDER BY next_at, id LIMIT 1"
)
logger = logging.getLogger("sabal.mail")


def queue_due(database: Database, keystore: KeyStore, petitions: Snapshots, now: float) -> int:
    """Queue the emails of at most one part that is due, and return their number. `now` is Unix time (seconds).

    The list is put off before anything is done with it. So one that cannot be used now, whatever the reason, comes
    after the others, and stops none of them.
    """
    rows = database.query(_DUE, (int(now), int(now) + 2 * PAUSE))  # a clock that was set back waits no longer
    if not rows:
        return 0
    list_id, next_at, petition_id, organisation, platform, title, language = rows[0]
    put_off = "UPDATE elsewhere_invitationlist SET next_at = ? WHERE id = ? AND next_at = ?"
    if not database.execute(put_off, (int(now) + PAUSE, list_id, next_at)):  # another worker has it
        return 0
    petition = petitions.by_id(petition_id)
    if petition is None:  # this version of Sabal cannot read it
        return 0
    if not may_invite(petition, datetime.fromtimestamp(now, UTC)):
        _end(database, list_id, now, stopped=True)
        return 0
    parts = database.query(
        "SELECT id, sealed FROM elsewhere_invitationpart WHERE list_id = ? ORDER BY id LIMIT 1", (list_id,)
    )
    if not parts:
        _end(database, list_id, now, stopped=False)
        return 0
    try:
        people = sealing.unseal(database, keystore, bytes(parts[0][1]))
    except Refusal as error:
        logger.error("%s", error)
        _end(database, list_id, now, stopped=True)
        return 0
    invitations = _Invitations(database, keystore, petition, organisation, Origin(platform, title), language)
    return invitations.queue(list_id, parts[0][0], people, now)


def may_invite(petition: PetitionSnapshot, now: datetime) -> bool:
    """Return whether people may be invited to sign a petition: it is open, and nobody could be harmed."""
    return not petition.profile.guarded and petition.takes_signatures(now.date())


class _Invitations:
    def __init__(
        self,
        database: Database,
        keystore: KeyStore,
        petition: PetitionSnapshot,
        organisation: str,
        origin: Origin,
        language: str,
    ) -> None:
        self.database, self.petition, self.organisation = database, petition, organisation
        self.keystore, self.origin, self.language = keystore, origin, language
        self.subscribers = keystore.find(database, SUBSCRIBERS)

    def queue(self, list_id: int, part_id: int, people: Sequence[sealing.Person], now: float) -> int:
        """Queue a part. Two workers at once do it once: the one that deletes the part."""
        today = days.number_at(now)
        mail_key = self.keystore.make(self.database, mail_key_name(today))
        found = {
            address_hash(self.subscribers, address): (address, language)
            for address, language in ((EmailAddress.stored(text), code) for text, code in people)
        }
        with self.database.transaction():
            deleted = self.database.execute("DELETE FROM elsewhere_invitationpart WHERE id = ?", (part_id,))
            if not deleted:
                return 0
            ids = self._newly_invited(set(found) - suppression.suppressed(self.database, found.keys()))
            # Before the commit: a restored backup must not invite anybody twice, and each link must keep working.
            erasure_journal.append(
                [
                    Erasure(erasure_journal.INVITED, one, self.petition.id, self.organisation, invited)
                    for one, invited in sorted(ids.items())
                ]
            )
            emails = [
                self._email(mail_key, today, invited, *found[one]) for one, invited in sorted(ids.items())
            ]
            store(self.database, emails)
            self.database.execute(
                "UPDATE elsewhere_invitationlist SET queued = queued + ?, left_out = left_out + ? WHERE id = ?",
                (len(emails), len(people) - len(emails), list_id),
            )
        return len(emails)

    def _newly_invited(self, hashes: set[bytes]) -> dict[bytes, int]:
        """Note that these addresses are invited. Return those that were not before, with their ids."""
        ids = {one: secrets.randbits(63) for one in hashes}
        rows = [(ids[one], self.organisation, one) for one in sorted(ids)]
        self.database.insert("elsewhere_invited", ("id", "organisation", "address_hash"), rows, ignore=True)
        if not ids:
            return {}
        where, params = self.database.among("id", sorted(ids.values()))
        ours = {
            row[0] for row in self.database.query(f"SELECT id FROM elsewhere_invited WHERE {where}", params)
        }
        return {one: number for one, number in ids.items() if number in ours}

    def _email(self, key: bytes, today: int, invited: int, address: EmailAddress, language: str) -> Row:
        spoken = language if language in self.petition.definition.texts else self.language
        token = refusal_token(self.subscribers, invited)
        sealed = seal_body(key, address, spoken, token, origin=self.origin)
        return email_row(email_id(SLOW, today), self.petition.id, INVITATION, today, sealed)


def _end(database: Database, list_id: int, now: float, *, stopped: bool) -> None:
    """End a list, and delete what is left of its addresses."""
    with database.transaction():
        database.execute("DELETE FROM elsewhere_invitationpart WHERE list_id = ?", (list_id,))
        database.execute(
            "UPDATE elsewhere_invitationlist SET ended_at = ?, stopped = ? WHERE id = ?",
            (moment(database, now), stopped, list_id),
        )


def moment(database: Database, now: float) -> datetime | str:
    """Return a moment as Django has it in this database. `now` is Unix time (seconds)."""
    at = datetime.fromtimestamp(now, UTC)
    return at if database.vendor == "postgresql" else at.strftime("%Y-%m-%d %H:%M:%S")


def refusal_token(subscribers: bytes, invited: int) -> bytes:
    """Return the token of the link with which an invited person refuses emails: the row's id ‖ 8 bytes of a MAC."""
    body = invited.to_bytes(8, "big")
    return body + hmac.digest(subscribers, b"invitation/1\0" + body, "sha256")[:8]


def invited_of(subscribers: bytes, token: bytes) -> int | None:
    """Return the row id in such a token; None if its MAC is wrong."""
    invited = int.from_bytes(token[:8], "big")
    return invited if hmac.compare_digest(refusal_token(subscribers, invited), token) else None


def refuse(database: Database, invited: int, today: int) -> None:
    """Email the address of an invitation about nothing any more. A second time changes nothing."""
    rows = database.query("SELECT address_hash FROM elsewhere_invited WHERE id = ?", (invited,))
    for (found,) in rows:
        with database.transaction():
            suppression.suppress(database, bytes(found), suppression.Why.REFUSED, today)
