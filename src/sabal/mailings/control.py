"""What people do with a mailing: write it, plan it, begin it, pause, resume and cancel it. The worker does the rest.

Each verb changes the row only if it may still be changed, and returns whether it did. Rights, forms and the audit log
are the desk's.
"""

import hashlib
from collections.abc import Mapping
from contextlib import closing
from enum import StrEnum

from django.db import transaction
from django.db.models import F, QuerySet

from sabal import database as raw
from sabal.mailings.audience import Audience, count
from sabal.mailings.models import Mailing, MailingTest, MailingText
from sabal.mailings.rendering import MailingWords
from sabal.newsletter.lists import MailingList
from sabal.petitions.models import Petition

MISSED_AFTER = (
    24 * 3600
)  # seconds; a plan that is older is not carried out, because the text may be out of date


class Missing(StrEnum):
    """Why nothing more of a mailing can be sent, although it has begun."""

    PETITION = "petition"  # the one that it is about is not published any more
    ORGANISATION = "organisation"  # no published petition says who sends the newsletter


def announce(
    petition: Petition, occasion: str, texts: Mapping[str, MailingWords], *, now: int, by: int | None = None
) -> Mailing:
    """Email those who asked for updates about a petition, once for each `occasion`, and return the mailing.

    `occasion` is the caller's name of what happened, such as "post-12" (at most 60 characters); asked again with the
    same, nothing more is sent. `texts` has the words by language, that of the petition's authoritative text first:
    readers of other languages get that one. `now` is Unix time (seconds), `by` the id of the user who asks.

    The emails of a guarded petition say only that there is news, with its neutral word and a link of the reader's own.
    Call it in the transaction that publishes what is announced. The worker sends.
    """
    with transaction.atomic():
        mailing, is_new = Mailing.objects.get_or_create(
            petition=petition,
            occasion=occasion,
            defaults={
                "organisation": petition.organisation,
                "fallback": next(iter(texts)),
                "archived": False,
                "made_at": now,
                "made_by_id": by,
                "sent_by_id": by,
                "begun_at": now,
            },
        )
        if is_new:
            store_texts(mailing, texts)
    return mailing


def store_texts(mailing: Mailing, texts: Mapping[str, MailingWords]) -> None:
    """Replace the texts of a mailing, inside the caller's transaction."""
    mailing.texts.all().delete()
    MailingText.objects.bulk_create(
        MailingText(
            mailing=mailing,
            language=language,
            subject=words.subject,
            body=words.body,
            digest=digest(mailing, words),
        )
        for language, words in texts.items()
    )


def digest(mailing: Mailing, words: MailingWords) -> str:
    """Return what tells two texts apart. What other packages announce differs by its occasion."""
    parts = (mailing.occasion, str(mailing.petition_id or 0), words.subject, words.body)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def list_of(mailing: Mailing) -> MailingList:
    """Return the list that a mailing goes to."""
    return MailingList(mailing.organisation, mailing.petition_id or 0)


def audience_of(mailing: Mailing) -> Audience:
    """Return the readers of a mailing."""
    texts = dict(mailing.texts.values_list("language", "digest"))
    return Audience(mailing.pk, list_of(mailing), texts, mailing.fallback, mailing.readers)


def readers(mailing: Mailing) -> dict[str, int]:
    """Return how many subscribers would get each text now."""
    with closing(raw.connect()) as database:
        return dict(audience_of(mailing).numbers(count(database, list_of(mailing))))


def plan(mailing: Mailing, at: int, zone: str, by: int | None) -> bool:
    """Send a draft at a time (Unix time in seconds). `zone` is the time zone in which the person said it."""
    return bool(_draft(mailing).update(planned_for=at, zone=zone, sent_by_id=by))


def unplan(mailing: Mailing, now: int = 0) -> bool:
    """Make a planned mailing a draft again."""
    planned = Mailing.objects.filter(pk=mailing.pk, begun_at=None).exclude(planned_for=None)
    return bool(planned.update(planned_for=None))


def begin(mailing: Mailing, now: int, by: int | None) -> bool:
    """Begin to send a mailing that has not begun. Twice is harmless."""
    with transaction.atomic():
        waiting = Mailing.objects.select_for_update().filter(pk=mailing.pk, begun_at=None, cancelled_at=None)
        number = None
        if mailing.petition_id is None and mailing.archived:
            # Locked, so that two that begin at once get two numbers.
            same = Mailing.objects.select_for_update().filter(organisation=mailing.organisation)
            number = max((one or 0 for one in same.values_list("number", flat=True)), default=0) + 1
        return bool(waiting.update(begun_at=now, planned_for=None, sent_by_id=by, number=number))


def due(now: int) -> list[Mailing]:
    """Return the planned mailings whose time has come. One that was missed for a day waits for a person."""
    return list(Mailing.objects.filter(begun_at=None, planned_for__range=(now - MISSED_AFTER, now)))


def pause(mailing: Mailing, now: int) -> bool:
    """Send no more for now."""
    return bool(_sending(mailing).filter(paused_at=None).update(paused_at=now))


def resume(mailing: Mailing, now: int = 0) -> bool:
    """Continue after a pause."""
    return bool(_sending(mailing).exclude(paused_at=None).update(paused_at=None))


def cancel(mailing: Mailing, now: int) -> bool:
    """Send no more, for good. Who has it has it."""
    return bool(_sending(mailing).update(cancelled_at=now))


def discard(mailing: Mailing, now: int = 0) -> bool:
    """Delete a draft."""
    deleted, _ = _draft(mailing).delete()
    return bool(deleted)


def has_petition(mailing: Mailing) -> bool:
    """Return whether a published petition has the key of the mailing's organisation.

    The emails name their sender as that petition does, so the worker sends none without it.
    """
    same = Petition.objects.filter(organisation=mailing.organisation)
    return same.exclude(state=Petition.State.DRAFT).exists()


def missing(mailing: Mailing) -> Missing | None:
    """Return what a mailing that has begun waits for, perhaps for ever; None if nothing is missing.

    The worker finds the same (`RenderedEmails.of`), and sends nothing meanwhile.
    """
    if mailing.begun_at is None or mailing.cancelled_at is not None or mailing.ended_at is not None:
        return None
    if mailing.petition is not None:
        return Missing.PETITION if mailing.petition.state == Petition.State.DRAFT else None
    return None if has_petition(mailing) else Missing.ORGANISATION


def repeats_forgotten(mailing: Mailing) -> bool:
    """Return whether a text of a mailing was sent so long ago that nobody knows any more who got it."""
    digests = list(mailing.texts.values_list("digest", flat=True))
    same = MailingText.objects.filter(digest__in=digests, mailing__organisation=mailing.organisation)
    return same.exclude(mailing=mailing).exclude(mailing__forgotten_at=None).exists()


def ask_for_test(mailing: Mailing, to: str, now: int) -> MailingTest:
    """Let the worker send the mailing to a person who works here, once in each language."""
    return MailingTest.objects.create(mailing=mailing, email=to, asked_at=now)


def changed(mailing: Mailing, revision: int) -> bool:
    """Count a change of a draft that was at `revision`. Return False if somebody changed or sent it meanwhile."""
    return bool(_draft(mailing).filter(revision=revision).update(revision=F("revision") + 1))


def _draft(mailing: Mailing) -> QuerySet[Mailing]:
    return Mailing.objects.filter(pk=mailing.pk, begun_at=None, cancelled_at=None)


def _sending(mailing: Mailing) -> QuerySet[Mailing]:
    return Mailing.objects.filter(pk=mailing.pk, cancelled_at=None, ended_at=None).exclude(begun_at=None)
