"""What moderators ask for. The desk checks it; the worker does it, as it has the server key and the erasure journal."""

import io
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext

from sabal import database as raw
from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import AuditEntry, User
from sabal.desk.models import Job, Moderation
from sabal.keys.keystore import open_keystore
from sabal.ledger import revoke as revocation
from sabal.petitions.lookup import published
from sabal.petitions.models import Petition
from sabal.records import revocations
from sabal.records.revocations import Revocations
from sabal.refusal import Refusal
from sabal.signing import held
from tlog.entry import Reason

KIND = "moderate"
NOTED_EVERY = 0.5  # seconds between two notes of the progress

Verb = Moderation.Verb
SAID = {Verb.REVOKE: "revoked", Verb.RELEASE: "released", Verb.DROP: "dropped"}


def held_numbers(petition: Petition) -> dict[int, int]:
    """Return the number of signatures that are held for review, by the reason why."""
    with closing(raw.connect()) as database:
        return held.numbers(database, petition.pk)


def held_in(petition: Petition) -> int:
    """Return the number of signatures that are held for review."""
    return sum(held_numbers(petition).values())


def check_file(user: User, petition: Petition, file: BinaryIO) -> Moderation:
    """Check a file of revocations against the log, and keep it. Nothing is revoked.

    Raises RevocationsError, ReadOnly.
    """
    proposed = revocations.read_binary(file)
    content = "".join(revocations.write(proposed))
    moderation = Moderation(petition=petition, user=user, verb=Verb.REVOKE, content=content)
    _count(moderation, petition)
    Moderation.objects.filter(
        petition=petition, user=user, job=None
    ).delete()  # a person decides about one file
    moderation.save()
    return moderation


def _count(moderation: Moderation, petition: Petition) -> None:
    """Count what a checked file would change now."""
    with closing(raw.connect()) as database:
        found = revocation.effect(database, petition.pk, petition.origin, proposed_by(moderation))
    moderation.before, moderation.total = found.before, len(found.items)


def proposed_by(moderation: Moderation) -> Revocations:
    """Return the revocations of a checked file, with the reason that was chosen for all."""
    proposed = revocations.read_binary(io.BytesIO(moderation.content.encode()))
    if not moderation.reason:
        return proposed
    reason = Reason(moderation.reason)
    return replace(proposed, items=tuple(replace(item, reason=reason) for item in proposed.items))


def ask(moderation: Moderation, user: User, enqueue: Callable[[str], object]) -> Moderation:
    """Let the worker do it. Asked twice, it is done once. Raises Refusal while another one of the petition runs."""
    if moderation.verb == Verb.REVOKE and moderation.job is None:
        # Some may have been withdrawn since it was checked. Not in the transaction, because it reads the whole log.
        _count(moderation, moderation.petition)
    with transaction.atomic():
        petition = Petition.objects.select_for_update().get(pk=moderation.petition_id)
        if Moderation.objects.filter(pk=moderation.pk, job__isnull=False).exists():
            return moderation
        if Job.objects.filter(petition=petition, kind=KIND, ended_at=None, cancelled=False).exists():
            raise Refusal(
                gettext("The server is still at work on these signatures. Wait until that has ended.")
            )
        moderation.user = user
        moderation.job = Job.objects.create(
            user=user, kind=KIND, petition=petition, revision=petition.revision
        )
        moderation.save()
        enqueue(str(moderation.job.pk))
    return moderation


def moderate(job: Job) -> None:
    """Do what was asked. After a crash the worker calls it again, and it does the rest."""
    moderation = Moderation.objects.get(job=job)
    if Act.MODERATE not in roles.in_petition(job.user, job.petition):
        raise Refusal(gettext("The person who asked for this is no moderator any more."))
    with closing(raw.connect()) as database:
        if moderation.verb == Verb.REVOKE:
            if not moderation.content:  # a crash came after all was done
                return
            _revoke(moderation, job.petition.slug, database)
        elif moderation.verb == Verb.RELEASE:
            moderation.done += held.release(database, job.petition.pk, moderation.why or None)
        else:
            moderation.done += held.drop(database, job.petition.pk, moderation.reason, moderation.why or None)
    said = SAID[Verb(moderation.verb)]
    if not AuditEntry.objects.filter(
        what=said, petition_number=job.petition.pk, at__gte=job.asked_at
    ).exists():
        audit.record(job.user, said, petition=job.petition, details=str(moderation.done))
    moderation.content = ""
    moderation.save(update_fields=["done", "content"])


def _revoke(moderation: Moderation, slug: str, database: raw.Database) -> None:
    petition = published(database, open_keystore(), slug)
    noted = float("-inf")

    def go_on(done: int, of: int) -> bool:
        nonlocal noted
        # What a crash interrupted is not among the `of` signatures that were left.
        moderation.done = max(moderation.total - of, 0) + done
        if time.monotonic() - noted >= NOTED_EVERY:
            noted = time.monotonic()
            Moderation.objects.filter(pk=moderation.pk).update(done=moderation.done)
        return not Moderation.objects.filter(pk=moderation.pk, stop=True).exists()

    revocation.revoke(database, petition, proposed_by(moderation), go_on)
