"""Sign: turn a checked form into the rows that the writer makes durable."""

from dataclasses import dataclass
from datetime import date

import agefile
from sabal import days, token
from sabal.drawn import drawing
from sabal.keys.keyring import Keyring
from sabal.mail.ids import NORMAL, email_id
from sabal.mail.row import seal_body
from sabal.newsletter.consent import sentence, version
from sabal.newsletter.subscription import address_hash
from sabal.petitions.consent import consent_version
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.records import record
from sabal.signing import dedupe, pending_payload
from sabal.signing.form import Submission
from sabal.signing.operations import Sign

# Seven whole days and the rest of today. They start again if the email is sent on a later day.
PENDING_DAYS = 8
_ID_BYTES = 8  # of which 63 bits are used; a random id does not show the order of arrival
_RANDOM_BYTES = 128  # more than one signature draws


class NotReady(Exception):
    """A key that signing needs is missing. Nothing may be stored, and the signer is asked to try again later."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the front end knows besides the form.

    Of these the database gets `held`, the lane and 16 bits of `network` (for fairness); the language only encrypted,
    until the signature is confirmed.
    """

    language: str
    held: int = 0
    lane: int = NORMAL
    network: int = 0
    quota_used: bool = False


def sign(
    submission: Submission, petition: PetitionSnapshot, keyring: Keyring, today: date, how: Circumstances
) -> Sign:
    """Seal the submission and make the rows of a pending signature. Raises NotReady.

    After this the signer's words exist in three places: in the record sealed to the organiser, in the pending payload
    that the emailed link opens, and (the address only) in the email under the day's mail key.
    """
    if not (petition.ready_to_sign and keyring.mail and keyring.suppression and keyring.subscribers):
        raise NotReady
    draw = drawing(_RANDOM_BYTES)
    t, w = token.new(draw), draw(record.W_BYTES)
    seed = record.seed(t, w)
    fields = _fields(submission, consent_version(petition.consent[how.language]), today)
    plain = record.sealed_json(petition.manifest_hash, seed, fields, how.language, submission.risk)
    suppression = dedupe.suppression(keyring.suppression, petition.id, submission.email)
    mail_day, mail_key = keyring.mail
    return Sign(
        petition_id=petition.id,
        version_id=petition.version_id,
        pepper_epoch=petition.pepper_epoch,
        token_hash=token.digest(t),
        dedupe_tag=dedupe.dedupe_tag(petition.pepper, submission.email) if petition.pepper else None,
        commitment=record.commitment(petition.manifest_hash, seed, fields),
        w=w,
        sealed_id=int.from_bytes(draw(_ID_BYTES)) >> 1,
        sealed=agefile.encrypt(plain, petition.organiser_keys, urandom=draw),
        pending_payload=_pending_payload(submission, petition, how.language, suppression).seal(t),
        mailbox=pending_payload.seal_mailbox(t, address_hash(keyring.subscribers, submission.email)),
        held=how.held,
        expires=days.number(today) + PENDING_DAYS,
        suppression=suppression,
        email_id=email_id(how.lane, mail_day, draw),
        email_body=seal_body(
            mail_key, submission.email, how.language, t, reminds=petition.definition.reminder, urandom=draw
        ),
        mail_key=mail_day,
        network=how.network,
        says_already=petition.profile.says_already,
        quota_used=how.quota_used,
    )


def _fields(submission: Submission, consent: str, today: date) -> dict[str, str]:
    """Return the fields that the organiser will read. The commitment covers them."""
    return {
        "name": submission.name,
        "email": submission.email.typed,
        "place": submission.country,
        "comment": submission.comment,
        "consent": consent,
        "day": today.isoformat(),
    }


def _pending_payload(
    submission: Submission, petition: PetitionSnapshot, language: str, suppression: bytes
) -> pending_payload.PendingPayload:
    sentences = {box: sentence(box, petition.definition, language) for box in submission.subscribe}
    return pending_payload.PendingPayload(
        country=submission.country,
        language=language,
        name=submission.name,
        display=submission.display,
        comment=submission.comment,
        subscribe={box: version(text) for box, text in sentences.items()},
        address=submission.email.typed if submission.subscribe else "",
        suppression=suppression,
    )
