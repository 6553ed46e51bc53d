"""Tasks that the worker does for the desk because they need the server key. Only the worker runs these functions.

A crash between two steps repeats the whole task: each of them does nothing that is done already.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone
from django_tasks import task

from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import AuditEntry, User
from sabal.desk import moderating, testemail
from sabal.desk.models import Job
from sabal.keys.keystore import open_keystore
from sabal.logs import where
from sabal.petitions.models import Petition
from sabal.publishing import drafts, versions
from sabal.refusal import Refusal

logger = logging.getLogger(__name__)
FAILED = "Something on the server failed. Try again. If it fails again, tell the operator of this server."


def ask(user: User, kind: str, petition: Petition, revision: int) -> Job:
    """Ask the worker to do something with a petition. Asked again before it has ended, return the same job.

    `revision` is the one that the person saw. The job is refused if the petition was changed since.
    """
    with transaction.atomic():
        Petition.objects.select_for_update().get(pk=petition.pk)
        waiting = Job.objects.filter(petition=petition, kind=kind, ended_at=None, cancelled=False).first()
        if waiting is not None:
            return waiting
        job = Job.objects.create(user=user, kind=kind, petition=petition, revision=revision)
        run.enqueue(str(job.pk))
    return job


def cancel(job: Job) -> bool:
    """Cancel a job that has not begun. Return whether it could be."""
    waiting = Job.objects.filter(pk=job.pk, started_at=None, ended_at=None)
    return bool(waiting.update(cancelled=True, ended_at=timezone.now()))


@task()
def run(job_id: str) -> None:
    """Do one job, unless it was cancelled or has ended."""
    if not Job.objects.filter(pk=job_id, ended_at=None).update(started_at=timezone.now()):
        return
    job = Job.objects.select_related("user", "petition").get(pk=job_id)
    refusal = ""
    try:
        KINDS[job.kind](job)
    except Refusal as error:
        refusal = str(error)
    except Exception as error:  # else the page would say for ever that the server is at work
        logger.error("a task of the desk failed: %s", where(error))
        refusal = FAILED
    Job.objects.filter(pk=job_id).update(ended_at=timezone.now(), refusal=refusal)


def publish(job: Job) -> None:
    """Publish the petition's newest text."""
    slug, now = job.petition.slug, datetime.now(UTC)
    if job.petition.state == Petition.State.OPEN and drafts.newest(job.petition).published_on is not None:
        published = AuditEntry.objects.filter(what="published", petition=slug, at__gte=job.asked_at)
        if not published.exists():  # a crash came after it was published
            audit.record(job.user, "published", petition=job.petition)
        return
    if job.petition.revision != job.revision:
        raise Refusal("The petition was changed after you looked at it. Look at it again, and publish then.")
    if Act.PUBLISH not in roles.in_petition(job.user, job.petition):
        raise Refusal("The person who asked for this has no right to publish any more.")
    versions.publish(slug, open_keystore(), now.date(), int(now.timestamp()))
    audit.record(job.user, "published", petition=job.petition)


KINDS: dict[str, Callable[[Job], None]] = {
    "publish": publish,
    moderating.KIND: moderating.moderate,
    testemail.KIND: testemail.send,
}
