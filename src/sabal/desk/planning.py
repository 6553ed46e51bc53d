"""What is planned for a petition, and what was last found about the emails of the site."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sabal.accounts.models import User
from sabal.desk.models import Job
from sabal.desk.moments import on_clocks, zones
from sabal.desk.tasks import fingerprint
from sabal.petitions.models import Petition
from sabal.publishing import drafts


@dataclass(frozen=True)
class Plan:
    """A publication at a time, or one that was not done."""

    job: Job
    local: datetime  # what the clocks of `zone` show
    zone: str
    outdated: bool  # the text was changed after it was planned, so it will be refused

    @property
    def refused(self) -> str:
        """Return why it was not done; empty if it waits."""
        return self.job.refusal


def plan_of(petition: Petition) -> Plan | None:
    """Return the newest plan to publish a draft if it waits or was refused."""
    if petition.state != Petition.State.DRAFT:
        return None
    job = Job.objects.filter(petition=petition, kind="publish").order_by("-asked_at").first()
    if job is None or job.due_at is None or job.cancelled or not (job.planned or job.refusal):
        return None
    zone = str(job.details.get("zone") or "UTC")
    outdated = fingerprint(drafts.newest(petition).files) != job.details["text"]
    return Plan(job, on_clocks(job.due_at, zone), zone, outdated)


def zone_of(user: User) -> str:
    """Return the time zone that a person chose last, or UTC."""
    last = Job.objects.filter(user=user, due_at__isnull=False, kind="publish").order_by("-asked_at").first()
    zone = str(last.details.get("zone", "")) if last else ""
    return zone if zone in zones() else "UTC"


def a_year_from_now() -> date:
    """Return the last day for which something can be planned that has no end of its own."""
    return (datetime.now(UTC) + timedelta(days=366)).date()


@dataclass(frozen=True)
class Look:
    """What the worker found about the emails of the site, and when."""

    at: datetime
    failed: str  # why it could not look
    found: dict[str, object]

    @property
    def good(self) -> bool:
        """Return whether emails leave, and the domain of the sender says that they may."""
        signed = all(self.found.get(name, "") in ("ok", "") for name in ("spf", "dkim", "dmarc"))
        return self.leaves and signed

    @property
    def leaves(self) -> bool:
        """Return whether the mail server takes emails."""
        return self.found.get("server") in ("ok", "folder") and self.found.get("takes_sender") is True


def last_look() -> Look | None:
    """Return what was found last."""
    job = (
        Job.objects.filter(kind="sending", ended_at__isnull=False, cancelled=False)
        .order_by("-ended_at")
        .first()
    )
    if job is None or job.ended_at is None:
        return None
    return Look(job.ended_at, job.refusal, job.details.get("found", {}))
