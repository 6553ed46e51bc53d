"""Tasks that the worker does for the desk because they need the server key. Only the worker runs these functions.

A crash between two steps repeats the whole task: each of them does nothing that is done already.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext
from django_tasks import task

from sabal.accounts import audit, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import AuditEntry, User
from sabal.desk import amending, moderating, testemail, testinvitation
from sabal.desk.models import Job
from sabal.desk.refusals import said
from sabal.desk.telling import tell_team
from sabal.keys.keystore import open_keystore
from sabal.logs import where
from sabal.mail import sending
from sabal.petitions.amendment import Amendment, AmendmentKind
from sabal.petitions.models import Petition
from sabal.publishing import drafts, versions
from sabal.refusal import Refusal

logger = logging.getLogger(__name__)
FAILED = "Something on the server failed. Try again. If it fails again, tell the operator of this server."


def ask(
    user: User,
    kind: str,
    petition: Petition,
    revision: int,
    *,
    due_at: datetime | None = None,
    details: dict[str, object] | None = None,
) -> Job:
    """Ask the worker to do something with a petition, at once or when it is due.

    Asked again before it has ended, return the same job. `revision` is the one that the person saw. The job is refused
    if the text was changed since.
    """
    with transaction.atomic():
        now = Petition.objects.select_for_update().get(pk=petition.pk)
        waiting = unended(petition, kind)
        if waiting is not None:
            return waiting
        newest = drafts.newest(now)
        seen = {
            "text": fingerprint(newest.files) if now.revision == revision else "",
            "version": newest.number,
        }
        job = Job.objects.create(
            user=user,
            kind=kind,
            petition=petition,
            revision=revision,
            due_at=due_at,
            details=seen | (details or {}),
        )
        run.using(run_after=due_at).enqueue(str(job.pk))
        if amending.changes_keys(job):
            tell.enqueue(str(job.pk))
    return job


def unended(petition: Petition, kind: str) -> Job | None:
    """Return the job of this kind that waits or runs."""
    return Job.objects.filter(petition=petition, kind=kind, ended_at=None, cancelled=False).first()


def fingerprint(files: str) -> str:
    """Return what tells a text that was changed from one that was not."""
    return hashlib.sha256(files.encode()).hexdigest()


def cancel(job: Job) -> bool:
    """Cancel a job that has not begun. Return whether it could be."""
    waiting = Job.objects.filter(pk=job.pk, started_at=None, ended_at=None)
    return bool(waiting.update(cancelled=True, ended_at=timezone.now()))


def agree(user: User, job: Job) -> None:
    """Let a second owner make a change of keys happen now. Raises Refusal."""
    amending.refuse_agreement(user, job)
    waiting = Job.objects.filter(pk=job.pk, started_at=None, ended_at=None, agreed_by=None)
    with transaction.atomic():
        if not waiting.update(agreed_by=user, due_at=timezone.now()):
            raise Refusal(gettext("This request has ended already. Nothing was changed."))
        audit.record(user, "keys-agreed", petition=job.petition)
        run.enqueue(str(job.pk))


@task()
def run(job_id: str) -> None:
    """Do one job, unless it was cancelled, has ended, or is not due yet."""
    now = timezone.now()
    due = Job.objects.filter(Q(due_at=None) | Q(due_at__lte=now), pk=job_id, ended_at=None)
    if not due.update(started_at=now):
        return
    job = Job.objects.select_related("user", "petition__version", "agreed_by").get(pk=job_id)
    refusal = ""
    try:
        with translation.override(job.user.language or "en"):  # the person reads the reason
            KINDS[job.kind](job)
    except Refusal as error:
        with translation.override(job.user.language or "en"):
            refusal = said(error)
    except Exception as error:  # else the page would say for ever that the server is at work
        logger.error("a task of the desk failed: %s", where(error))
        refusal = FAILED
    Job.objects.filter(pk=job_id).update(ended_at=timezone.now(), refusal=refusal)


@task()
def tell(job_id: str) -> None:
    """Write to the whole team that a change of keys was asked for."""
    if job := Job.objects.filter(pk=job_id, told_at=None).select_related("petition").first():
        tell_team(job)


def publish(job: Job) -> None:
    """Publish a draft."""
    if _is_done(job, "published"):
        return
    if job.petition.state != Petition.State.DRAFT:
        # An amendment needs its kind and its reason, and perhaps a second owner.
        raise Refusal(gettext("This petition is published already."))
    _refuse_outdated(job)
    _publish(job.petition)
    audit.record(job.user, "published", petition=job.petition)


def amend(job: Job) -> None:
    """Publish the amendment of a petition, which stays open or paused as it is."""
    said = job.details["amendment"]
    amendment = Amendment(AmendmentKind(said["kind"]), said["why"])
    if _is_done(job, "amended"):
        return
    _refuse_outdated(job)
    amending.refuse_kind(job.petition, amendment.kind)
    amending.refuse_unagreed(job)
    _publish(job.petition, amendment)
    _record_amended(job)


def _publish(petition: Petition, amendment: Amendment | None = None) -> None:
    """Publish the text as it was checked. An amendment of a paused petition does not open it."""
    now = datetime.now(UTC)
    versions.publish(
        petition.slug,
        open_keystore(),
        now.date(),
        int(now.timestamp()),
        amendment=amendment,
        stay_paused=amendment is not None,
        revision=petition.revision,
    )


def _is_done(job: Job, what: str) -> bool:
    """Return whether a crash came after it was published. The line of the audit log that may lack is added."""
    version = job.petition.version
    if version is None or version.published_on is None or version.number < job.details["version"]:
        return False
    if not AuditEntry.objects.filter(
        what=what, petition_number=job.petition.pk, at__gte=job.asked_at
    ).exists():
        if what == "amended":
            _record_amended(job)
        else:
            audit.record(job.user, what, petition=job.petition)
    return True


def _record_amended(job: Job) -> None:
    why = job.details["amendment"]["why"]
    audit.record(job.user, "amended", petition=job.petition, details=next(iter(why.values()), ""))


def _refuse_outdated(job: Job) -> None:
    """Refuse a job whose text is not the one that was seen, or whose person may not do it any more."""
    if fingerprint(drafts.newest(job.petition).files) != job.details["text"]:
        raise Refusal(
            gettext("The text was changed after you looked at it. Look at it again, and publish then.")
        )
    if Act.PUBLISH not in roles.in_petition(job.user, job.petition):
        raise Refusal(gettext("The person who asked for this has no right to publish any more."))


def look_at_email(job: Job) -> None:
    """Ask the mail server and DNS whether emails would leave and arrive. The desk itself never waits for them."""
    Job.objects.filter(pk=job.pk).update(details=job.details | {"found": asdict(sending.examine())})


KINDS: dict[str, Callable[[Job], None]] = {
    "publish": publish,
    "amend": amend,
    "sending": look_at_email,
    moderating.KIND: moderating.moderate,
    testemail.KIND: testemail.send,
    testinvitation.KIND: testinvitation.send,
}
