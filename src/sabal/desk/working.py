"""Run the tasks that the desk asked for, one after the other. The worker process calls `work` again and again."""

import logging
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import close_old_connections
from django.utils import timezone
from django_tasks import DEFAULT_TASK_BACKEND_ALIAS, TaskResultStatus
from django_tasks_db.management.commands.db_worker import Worker as TaskWorker
from django_tasks_db.models import DBTaskResult

from sabal.accounts.models import Invitation
from sabal.database import Database
from sabal.desk.models import Job, Moderation
from sabal.desk.tasks import FAILED

KEPT = timedelta(days=30)

logger = logging.getLogger(__name__)


class Tasks:
    """The tasks of one worker process. Of several workers, one at a time runs tasks."""

    def __init__(self, name: str) -> None:
        self._worker = TaskWorker(
            queue_names=["*"],
            interval=0,
            batch=True,
            backend_name=DEFAULT_TASK_BACKEND_ALIAS,
            startup_delay=False,
            max_tasks=1,
            worker_id=name,
            excluded_queue_names=[],
        )

    def work(self, database: Database) -> bool:
        """Run one task, if one waits. Return whether one did. Asking for tasks alone locks nothing."""
        close_old_connections()
        # What is planned for later does not count: it would have the lock taken every time.
        if not DBTaskResult.objects.running().exists() and not DBTaskResult.objects.ready().exists():
            return False
        with database.leader("tasks") as leads:
            if not leads:
                return False
            self._take_over()
            self._worker.run()
            # Only this thread runs tasks, so a job that began and has not ended will not end by itself.
            Job.objects.filter(started_at__isnull=False, ended_at=None).update(
                ended_at=timezone.now(), refusal=FAILED
            )
        return True

    def forget_old(self) -> None:
        """Delete what ended long ago. The audit log keeps what was done."""
        before = timezone.now() - KEPT
        DBTaskResult.objects.filter(finished_at__lt=before).delete()
        Job.objects.filter(ended_at__lt=before).delete()
        Moderation.objects.filter(job=None, made_at__lt=before).delete()
        Invitation.objects.filter(expires_at__lt=before).delete()
        Session.objects.filter(expire_date__lt=timezone.now()).delete()
        UserSession.objects.filter(created_at__lt=before).exclude(
            session_key__in=Session.objects.values("session_key")
        ).delete()

    def _take_over(self) -> None:
        """Let tasks wait again that a worker began and did not end: it was killed, as it no longer leads."""
        orphans = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING)
        if again := orphans.update(status=TaskResultStatus.READY):
            logger.warning("%d tasks that a worker had begun are done again", again)
